/* SPDX-License-Identifier: MIT */
#include "format/layer_format.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/checksum.h"
#include "format/layer_sections.h"

/* --- what is stored ------------------------------------------------------ */

static uint8_t narrowest_dtype(const int32_t *codes, size_t count)
{
    int32_t least = 0, greatest = 0;

    for (size_t i = 0; i < count; i++) {
        least = codes[i] < least ? codes[i] : least;
        greatest = codes[i] > greatest ? codes[i] : greatest;
    }
    if (least >= -8 && greatest <= 7)
        return WSIC_I4;
    if (least >= INT8_MIN && greatest <= INT8_MAX)
        return WSIC_I8;
    if (least >= INT16_MIN && greatest <= INT16_MAX)
        return WSIC_I16;
    return WSIC_I32;
}

static wsic_status check_figures(const wsic_env *env, const wsic_layer_figures *figures)
{
    const double values[] = {figures->step,
                             figures->distortion,
                             figures->damping,
                             figures->rate_target,
                             figures->limit_rate,
                             figures->entropy_pooled,
                             figures->relative_distortion};
    const size_t count = sizeof values / sizeof *values;

    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i]) <= (i < 3 ? DBL_MAX : (double)FLT_MAX)))
            return wsic_fail(env, WSIC_ERROR_RANGE,
                             "figure %zu of the layer is %g, which cannot be stored", i, values[i]);
    }
    return WSIC_OK;
}

static void put_f32(wsic_bytes *out, double value)
{
    const float narrow = (float)value;
    uint32_t bits;

    memcpy(&bits, &narrow, sizeof bits);
    wsic_put_u32(out, bits);
}

/* In units of the statistics, with all their digits; what is a rate or a ratio has
 * seven, which is more than it was measured to. */
static void put_figures(const wsic_layer_figures *figures, wsic_bytes *out)
{
    wsic_put_f64(out, figures->step);
    wsic_put_f64(out, figures->distortion);
    wsic_put_f64(out, figures->damping);
    put_f32(out, figures->rate_target);
    put_f32(out, figures->entropy_pooled);
    put_f32(out, figures->relative_distortion);
    put_f32(out, figures->limit_rate);
    wsic_put_varint(out, figures->damping_retries);
    wsic_put_varint(out, figures->dead_columns);
    wsic_put_varint(out, figures->dead_rows);
}

static wsic_status put_codes(const wsic_env *env, const wsic_layer_parts *parts, wsic_bytes *out)
{
    wsic_status status;
    int32_t *const hints = wsic_alloc(env, parts->rows + parts->columns, sizeof *hints, &status);

    if (!hints)
        return status;
    wsic_scales_hint(parts->row_scales, hints);
    wsic_scales_hint(parts->column_scales, hints + parts->rows);
    const wsic_code_matrix matrix = {.rows = parts->rows,
                                     .columns = parts->columns,
                                     .codes = parts->codes,
                                     .kind = parts->kind,
                                     .dead_rows = parts->dead_rows,
                                     .row_stride = parts->row_stride,
                                     .row_hint = hints,
                                     .column_hint = hints + parts->rows};
    const size_t block_rows = parts->block_rows
                                  ? parts->block_rows
                                  : wsic_codes_block_rows(parts->rows, parts->columns, parts->kind);
    status = wsic_codes_encode(env, &matrix, block_rows, out);
    wsic_free(env, hints);
    return status;
}

static wsic_status put_payload(const wsic_env *env, const wsic_layer_parts *parts, unsigned type,
                               wsic_bytes *out)
{
    switch (type) {
    case WSIC_SECTION_FIGURES:
        put_figures(parts->figures, out);
        return out->status;
    case WSIC_SECTION_ROW_SCALES:
        return wsic_scales_encode(env, parts->row_scales, out);
    case WSIC_SECTION_COLUMN_SCALES:
        return wsic_scales_encode(env, parts->column_scales, out);
    default:
        return put_codes(env, parts, out);
    }
}

/* --- bytes --------------------------------------------------------------- */

static wsic_status put_section(const wsic_env *env, const wsic_layer_parts *parts, unsigned type,
                               wsic_bytes *out)
{
    const unsigned critical = type != WSIC_SECTION_FIGURES;
    wsic_bytes payload;

    wsic_bytes_init(&payload, env);
    wsic_status status = put_payload(env, parts, type, &payload);
    if (status == WSIC_OK)
        status = payload.status;
    if (status == WSIC_OK) {
        wsic_put_varint(out, 2 * type + critical);
        wsic_put_varint(out, payload.size);
        wsic_bytes_append(out, payload.data, payload.size);
        status = out->status;
    }
    wsic_bytes_release(&payload);
    return status;
}

static void put_header(const wsic_layer_parts *parts, wsic_bytes *out)
{
    wsic_bytes_append(out, WSIC_LAYER_MAGIC, WSIC_LAYER_MAGIC_SIZE);
    wsic_put_u8(out, WSIC_LAYER_VERSION);
    wsic_put_varint(out, parts->rows);
    wsic_put_varint(out, parts->columns);
    wsic_put_u8(out, narrowest_dtype(parts->codes, parts->rows * parts->columns));
}

wsic_status wsic_layer_format_write(const wsic_env *env, const wsic_layer_parts *parts,
                                    wsic_bytes *out)
{
    const size_t start = out->size;
    wsic_status status = check_figures(env, parts->figures);

    if (status != WSIC_OK)
        return status;
    put_header(parts, out);
    for (unsigned type = WSIC_SECTION_FIGURES; type < WSIC_SECTION_COUNT; type++) {
        status = put_section(env, parts, type, out);
        if (status != WSIC_OK)
            return status;
    }
    wsic_put_u64(out, wsic_checksum_of(out->data + start, out->size - start));
    if (out->status == WSIC_OK &&
        !wsic_layer_plausible(parts->rows, parts->columns, out->size - start))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu x %zu is beyond the format for %zu bytes",
                         parts->rows, parts->columns, out->size - start);
    return out->status;
}
