/* SPDX-License-Identifier: MIT */
#include "format/layer_format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/checksum.h"
#include "format/layer_sections.h"

/* --- header and sections ------------------------------------------------- */

typedef struct section {
    const uint8_t *data; /* NULL: not there */
    size_t size;
} section;

typedef struct layout {
    section sections[WSIC_SECTION_COUNT]; /* the known ones, by type */
    bool has_unknown_critical;
    uint64_t unknown_critical; /* type of the first one */
    uint64_t repeated;         /* type, or 0 */
} layout;

static wsic_status check_magic(const wsic_env *env, wsic_cursor *cursor)
{
    const uint8_t *const magic = wsic_take(cursor, WSIC_LAYER_MAGIC_SIZE);
    const unsigned version = wsic_get_u8(cursor);

    if (!magic || cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "%zu bytes are too few for a layer",
                         cursor->size);
    if (memcmp(magic, WSIC_LAYER_MAGIC, WSIC_LAYER_MAGIC_SIZE) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "not a layer: the magic is missing");
    if (version != WSIC_LAYER_VERSION)
        return wsic_fail(env, version == 0 ? WSIC_ERROR_FORMAT : WSIC_ERROR_VERSION,
                         "a layer of version %u, where this library knows version %d", version,
                         WSIC_LAYER_VERSION);
    return WSIC_OK;
}

static void note_section(layout *found, uint64_t key, const uint8_t *data, size_t size)
{
    const uint64_t type = key >> 1;

    if (type == 0 || type >= WSIC_SECTION_COUNT) {
        if (key & 1 && !found->has_unknown_critical) {
            found->has_unknown_critical = true;
            found->unknown_critical = type;
        }
        return;
    }
    if (found->sections[type].data)
        found->repeated = type;
    found->sections[type] = (section){data, size};
}

/* Walk the sections up to the checksum. Nothing is judged yet but whether they fit: damage
 * is to be reported as such. */
static wsic_status find_sections(const wsic_env *env, wsic_cursor *cursor, layout *found)
{
    while (!cursor->failed && wsic_cursor_left(cursor) > WSIC_CHECKSUM_SIZE) {
        const uint64_t key = wsic_get_varint(cursor);
        const uint64_t size = wsic_get_varint(cursor);
        if (size > wsic_cursor_left(cursor)) {
            cursor->failed = true;
            break;
        }
        const uint8_t *const data = wsic_take(cursor, (size_t)size);
        if (data)
            note_section(found, key, data, (size_t)size);
    }
    if (cursor->failed || wsic_cursor_left(cursor) != WSIC_CHECKSUM_SIZE)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "%zu bytes end within a section of the layer",
                         cursor->size);
    return WSIC_OK;
}

static wsic_status check_checksum(const wsic_env *env, wsic_cursor *cursor)
{
    const uint64_t computed = wsic_checksum_of(cursor->data, cursor->position);

    if (wsic_get_u64(cursor) != computed)
        return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the checksum of the layer does not match");
    return WSIC_OK;
}

static wsic_status check_layout(const wsic_env *env, const layout *found)
{
    if (found->has_unknown_critical)
        return wsic_fail(env, WSIC_ERROR_VERSION,
                         "the layer needs section type %" PRIu64 ", unknown to this library",
                         found->unknown_critical);
    if (found->repeated != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the layer repeats section type %" PRIu64,
                         found->repeated);
    for (unsigned type = WSIC_SECTION_ROW_SCALES; type < WSIC_SECTION_COUNT; type++) {
        if (!found->sections[type].data)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the layer lacks section type %u", type);
    }
    return WSIC_OK;
}

static wsic_status read_shape(const wsic_env *env, wsic_cursor *cursor, wsic_layer_content *content)
{
    const uint64_t rows = wsic_get_varint(cursor);
    const uint64_t columns = wsic_get_varint(cursor);

    content->code_dtype = wsic_get_u8(cursor);
    if (cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "%zu bytes end within the header of the layer",
                         cursor->size);
    if (rows == 0 || rows > INT32_MAX || columns == 0 || columns > INT32_MAX ||
        !wsic_layer_plausible((size_t)rows, (size_t)columns, cursor->size))
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%zu bytes cannot be a layer of %" PRIu64 " x %" PRIu64, cursor->size,
                         rows, columns);
    if (content->code_dtype != WSIC_I4 && content->code_dtype != WSIC_I8 &&
        content->code_dtype != WSIC_I16 && content->code_dtype != WSIC_I32)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "number type %u is not one of codes",
                         (unsigned)content->code_dtype);
    content->rows = (size_t)rows;
    content->columns = (size_t)columns;
    return WSIC_OK;
}

/* --- payloads ------------------------------------------------------------ */

static double get_f32(wsic_cursor *cursor)
{
    const uint32_t bits = wsic_get_u32(cursor);
    float value;

    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* Later versions may append figures: what follows the known ones is skipped. */
static wsic_status read_figures(const wsic_env *env, section stored, wsic_layer_figures *figures)
{
    wsic_cursor cursor = wsic_cursor_make(stored.data, stored.size);

    figures->step = wsic_get_f64(&cursor);
    figures->distortion = wsic_get_f64(&cursor);
    figures->damping = wsic_get_f64(&cursor);
    figures->rate_target = get_f32(&cursor);
    figures->entropy_pooled = get_f32(&cursor);
    figures->relative_distortion = get_f32(&cursor);
    figures->limit_rate = get_f32(&cursor);
    figures->damping_retries = wsic_get_varint(&cursor);
    figures->dead_columns = wsic_get_varint(&cursor);
    figures->dead_rows = wsic_get_varint(&cursor);
    if (cursor.failed)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the figures of the layer end too early");
    if (!isfinite(figures->step) || !isfinite(figures->distortion) || !isfinite(figures->damping) ||
        !isfinite(figures->rate_target) || !isfinite(figures->entropy_pooled) ||
        !isfinite(figures->relative_distortion) || !isfinite(figures->limit_rate))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "a figure of the layer is not finite");
    return WSIC_OK;
}

static wsic_status check_consumed(const wsic_env *env, const wsic_cursor *cursor, const char *what)
{
    if (cursor->failed || wsic_cursor_left(cursor) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%zu bytes follow the %s of the layer",
                         wsic_cursor_left(cursor), what);
    return WSIC_OK;
}

static wsic_status scale_values(const wsic_env *env, const wsic_scales *scales, float **out)
{
    wsic_status status = WSIC_OK;
    float *const values = wsic_alloc(env, scales->count, sizeof *values, &status);

    if (!values)
        return status;
    for (size_t i = 0; i < scales->count; i++)
        values[i] = scales->sign[i] == 0
                        ? 0.0F
                        : wsic_scale_value(scales->grid, scales->sign[i], scales->exponent[i]);
    *out = values;
    return WSIC_OK;
}

/* Decode one section of scales to floats, and to hints for the codes. */
static wsic_status read_scales(const wsic_env *env, section stored, size_t count, float **values,
                               uint32_t *grid, int32_t *hint)
{
    wsic_cursor cursor = wsic_cursor_make(stored.data, stored.size);
    wsic_scales scales;

    wsic_status status = wsic_scales_decode(env, &cursor, count, &scales);
    if (status != WSIC_OK)
        return status;
    status = check_consumed(env, &cursor, "scales");
    if (status == WSIC_OK)
        status = scale_values(env, &scales, values);
    if (status == WSIC_OK)
        wsic_scales_hint(&scales, hint);
    *grid = scales.grid;
    wsic_scales_release(env, &scales);
    return status;
}

static wsic_status read_codes(const wsic_env *env, section stored, const int32_t *hints,
                              wsic_layer_content *content)
{
    wsic_cursor cursor = wsic_cursor_make(stored.data, stored.size);

    content->bytes_codes = stored.size;
    content->kind = stored.size != 0 ? stored.data[0] : 0;
    const wsic_status status = wsic_code_reader_open(env, &cursor, content->rows, content->columns,
                                                     hints, hints + content->rows, &content->codes);
    if (status != WSIC_OK)
        return status;
    if (content->code_dtype == WSIC_I8 || content->code_dtype == WSIC_I4)
        wsic_code_reader_set_narrow(content->codes);
    return check_consumed(env, &cursor, "codes");
}

static wsic_status read_payloads(const wsic_env *env, const layout *found,
                                 wsic_layer_content *content)
{
    const section *const sections = found->sections;
    wsic_status status = WSIC_OK;

    content->figures = (wsic_layer_figures){.limit_rate = -1};
    if (sections[WSIC_SECTION_FIGURES].data)
        status = read_figures(env, sections[WSIC_SECTION_FIGURES], &content->figures);
    if (status != WSIC_OK)
        return status;
    int32_t *const hints =
        wsic_alloc(env, content->rows + content->columns, sizeof *hints, &status);
    if (!hints)
        return status;
    status = read_scales(env, sections[WSIC_SECTION_ROW_SCALES], content->rows,
                         &content->row_scales, &content->row_grid, hints);
    if (status == WSIC_OK)
        status = read_scales(env, sections[WSIC_SECTION_COLUMN_SCALES], content->columns,
                             &content->column_scales, &content->column_grid, hints + content->rows);
    if (status == WSIC_OK)
        status = read_codes(env, sections[WSIC_SECTION_CODES], hints, content);
    wsic_free(env, hints);
    return status;
}

/* --- the whole ----------------------------------------------------------- */

static wsic_status read_layer(const wsic_env *env, wsic_cursor *cursor, wsic_layer_content *content)
{
    layout found = {.unknown_critical = 0};

    wsic_status status = check_magic(env, cursor);
    if (status != WSIC_OK)
        return status;
    wsic_cursor shape = *cursor;
    wsic_get_varint(cursor);
    wsic_get_varint(cursor);
    wsic_get_u8(cursor);
    status = find_sections(env, cursor, &found);
    if (status == WSIC_OK)
        status = check_checksum(env, cursor);
    if (status == WSIC_OK)
        status = check_layout(env, &found);
    if (status == WSIC_OK)
        status = read_shape(env, &shape, content);
    return status == WSIC_OK ? read_payloads(env, &found, content) : status;
}

wsic_status wsic_layer_format_read(const wsic_env *env, const void *bytes, size_t size,
                                   wsic_layer_content *content)
{
    wsic_cursor cursor = wsic_cursor_make(bytes, size);

    *content = (wsic_layer_content){.rows = 0};
    const wsic_status status = read_layer(env, &cursor, content);
    if (status != WSIC_OK)
        wsic_layer_content_release(env, content);
    return status;
}

void wsic_layer_content_release(const wsic_env *env, wsic_layer_content *content)
{
    wsic_free(env, content->row_scales);
    wsic_free(env, content->column_scales);
    if (content->codes)
        wsic_code_reader_close(env, content->codes);
    *content = (wsic_layer_content){.rows = 0};
}
