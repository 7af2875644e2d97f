/* SPDX-License-Identifier: MIT */
#include "format/stats_format.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "format/bytes.h"
#include "format/checksum.h"

enum { VERSION = 1, HEADER_SIZE = 32 };

static const char magic[8] = {'W', 'S', 'I', 'C', 'S', 'T', 'A', 'T'};

bool wsic_moments_in_range(double bound, double samples)
{
    /* Half the range, so that rounding within the sums does not matter. */
    return samples <= DBL_MAX / 2 && bound <= DBL_MAX / 2 &&
           (samples == 0 || bound / samples <= DBL_MAX / 2);
}

/* --- writing ------------------------------------------------------------- */

typedef struct output {
    wsic_file_writer *file;
    wsic_checksum checksum;
    uint64_t offset;
} output;

static wsic_status emit(const wsic_env *env, output *out, const wsic_bytes *bytes)
{
    if (bytes->status != WSIC_OK)
        return bytes->status;
    const wsic_status status =
        wsic_file_write(env, out->file, out->offset, bytes->data, bytes->size);
    wsic_checksum_add(&out->checksum, bytes->data, bytes->size);
    out->offset += bytes->size;
    return status;
}

static wsic_status write_header(const wsic_env *env, const wsic_moments *moments, wsic_bytes *room,
                                output *out)
{
    wsic_bytes_append(room, magic, sizeof magic);
    wsic_put_u32(room, VERSION);
    wsic_put_u32(room, 0);
    wsic_put_u64(room, moments->columns);
    wsic_put_f64(room, moments->samples);
    return emit(env, out, room);
}

static wsic_status write_columns(const wsic_env *env, const wsic_moments *moments, wsic_bytes *room,
                                 output *out)
{
    const size_t n = moments->columns;
    wsic_status status = WSIC_OK;

    for (size_t j = 0; j < n && status == WSIC_OK; j++) {
        room->size = 0;
        for (size_t i = j; i < n; i++)
            wsic_put_f64(room, moments->sum[j * n + i]);
        status = emit(env, out, room);
    }
    return status;
}

wsic_status wsic_stats_format_write(const wsic_env *env, const wsic_moments *moments,
                                    wsic_file_writer *file, uint64_t *size)
{
    output out = {.file = file, .offset = 0};
    wsic_bytes room;

    wsic_bytes_init(&room, env);
    wsic_checksum_begin(&out.checksum);
    wsic_status status = write_header(env, moments, &room, &out);
    if (status == WSIC_OK)
        status = write_columns(env, moments, &room, &out);
    if (status == WSIC_OK) {
        const uint64_t checksum = wsic_checksum_end(&out.checksum);
        room.size = 0;
        wsic_put_u64(&room, checksum);
        status = emit(env, &out, &room);
    }
    wsic_bytes_release(&room);
    *size = out.offset;
    return status;
}

/* --- reading ------------------------------------------------------------- */

static wsic_status parse_header(const wsic_env *env, const uint8_t *header, wsic_moments *moments)
{
    wsic_cursor cursor = wsic_cursor_make(header, HEADER_SIZE);
    const uint8_t *const found = wsic_take(&cursor, sizeof magic);
    const uint32_t version = wsic_get_u32(&cursor);
    const uint32_t flags = wsic_get_u32(&cursor);
    const uint64_t columns = wsic_get_u64(&cursor);

    if (memcmp(found, magic, sizeof magic) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "not a statistics file: the magic is missing");
    if (version != VERSION || flags != 0)
        return wsic_fail(env, version == 0 ? WSIC_ERROR_FORMAT : WSIC_ERROR_VERSION,
                         "statistics of version %" PRIu32 " with flags %#" PRIx32
                         ", where this library knows version %d without flags",
                         version, flags, VERSION);
    if (columns == 0 || columns > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%" PRIu64 " columns, not 1 to 2^31 - 1", columns);
    moments->columns = (size_t)columns;
    moments->samples = wsic_get_f64(&cursor);
    return WSIC_OK;
}

/* Nothing is allocated for a size that the file does not have. */
static wsic_status check_size(const wsic_env *env, const wsic_source *source, uint64_t columns)
{
    /* Below 2^66 / 2 for 31 bits, in 64 without overflow: n (n + 1) / 2 < 2^62. */
    const uint64_t elements = columns * (columns + 1) / 2;
    const uint64_t around = HEADER_SIZE + WSIC_CHECKSUM_SIZE;
    const uint64_t found = source->size < around ? 0 : (source->size - around) / 8;

    if (found < elements)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                         "%" PRIu64 " bytes end within statistics of %" PRIu64 " columns",
                         source->size, columns);
    if (found > elements || (source->size - around) % 8 != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%" PRIu64 " bytes are more than statistics of %" PRIu64 " columns need",
                         source->size, columns);
    return WSIC_OK;
}

/* Read column j of the packed triangle to its place and convert it there. */
static wsic_status read_column(const wsic_env *env, const wsic_source *source, uint64_t offset,
                               double *values, size_t count, wsic_checksum *checksum)
{
    const wsic_status status = wsic_source_read(env, source, offset, values, count * 8);
    if (status != WSIC_OK)
        return status;
    wsic_checksum_add(checksum, values, count * 8);
    wsic_cursor cursor = wsic_cursor_make(values, count * 8);
    for (size_t i = 0; i < count; i++)
        values[i] = wsic_get_f64(&cursor);
    return WSIC_OK;
}

static wsic_status read_columns(const wsic_env *env, const wsic_source *source,
                                wsic_moments *moments, wsic_checksum *checksum)
{
    const size_t n = moments->columns;
    uint64_t offset = HEADER_SIZE;
    uint8_t stored[WSIC_CHECKSUM_SIZE];
    wsic_status status = WSIC_OK;

    for (size_t j = 0; j < n && status == WSIC_OK; j++) {
        status = read_column(env, source, offset, moments->sum + j * n + j, n - j, checksum);
        offset += (n - j) * 8;
    }
    if (status == WSIC_OK)
        status = wsic_source_read(env, source, offset, stored, sizeof stored);
    if (status != WSIC_OK)
        return status;
    wsic_cursor cursor = wsic_cursor_make(stored, sizeof stored);
    if (wsic_get_u64(&cursor) != wsic_checksum_end(checksum))
        return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the checksum of the statistics does not match");
    return WSIC_OK;
}

/* The same conditions that hold for sums made by the library. */
static wsic_status check_values(const wsic_env *env, wsic_moments *moments)
{
    const size_t n = moments->columns;

    moments->bound = 0;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            const double value = moments->sum[j * n + i];
            if (!isfinite(value) || (i == j && value < 0))
                return wsic_fail(env, WSIC_ERROR_FORMAT,
                                 "element (%zu, %zu) of the statistics is %g", i, j, value);
            moments->bound = fmax(moments->bound, fabs(value));
        }
    }
    if (!(moments->samples >= 0) || !wsic_moments_in_range(moments->bound, moments->samples) ||
        (moments->samples == 0 && moments->bound != 0))
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%g samples do not go with sums of magnitude up to %g", moments->samples,
                         moments->bound);
    return WSIC_OK;
}

static wsic_status read_all(const wsic_env *env, const wsic_source *source, wsic_moments *moments)
{
    uint8_t header[HEADER_SIZE];
    wsic_checksum checksum;
    size_t elements;

    wsic_status status = wsic_source_read(env, source, 0, header, sizeof header);
    if (status == WSIC_OK)
        status = parse_header(env, header, moments);
    if (status == WSIC_OK)
        status = check_size(env, source, moments->columns);
    if (status != WSIC_OK)
        return status;
    if (!wsic_mul_size(moments->columns, moments->columns, &elements))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu columns squared do not fit",
                         moments->columns);
    moments->sum = wsic_alloc_zero(env, elements, sizeof(double), &status);
    if (!moments->sum)
        return status;
    wsic_checksum_begin(&checksum);
    wsic_checksum_add(&checksum, header, sizeof header);
    status = read_columns(env, source, moments, &checksum);
    return status == WSIC_OK ? check_values(env, moments) : status;
}

wsic_status wsic_stats_format_read(const wsic_env *env, const wsic_source *source,
                                   wsic_moments *moments)
{
    *moments = (wsic_moments){.columns = 0};
    const wsic_status status = read_all(env, source, moments);
    if (status != WSIC_OK) {
        wsic_free(env, moments->sum);
        *moments = (wsic_moments){.columns = 0};
    }
    return status;
}
