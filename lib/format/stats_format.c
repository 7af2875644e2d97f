/* SPDX-License-Identifier: MIT */
#include "format/stats_format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

enum { VERSION = 1, HEADER_SIZE = 32, OUTPUTS_SIZE = 8 };

static const char magic[8] = {'W', 'S', 'I', 'C', 'S', 'T', 'A', 'T'};

/* Flags. */
enum { HAS_PAIRS = 1, HAS_RESIDUALS = 2, KNOWN_FLAGS = 3 };

/* Elements of column j that are stored: of a symmetric matrix those from the diagonal on. */
static size_t first_row(const wsic_moment *moment, size_t j)
{
    return moment->lower ? j : 0;
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

static uint32_t flags_of(const wsic_moments *moments)
{
    return (moments->quantized ? HAS_PAIRS : 0) | (moments->residual ? HAS_RESIDUALS : 0);
}

static wsic_status write_header(const wsic_env *env, const wsic_moments *moments, wsic_bytes *room,
                                output *out)
{
    wsic_bytes_append(room, magic, sizeof magic);
    wsic_put_u32(room, VERSION);
    wsic_put_u32(room, flags_of(moments));
    wsic_put_u64(room, moments->columns);
    wsic_put_f64(room, moments->samples);
    if (moments->residual)
        wsic_put_u64(room, moments->outputs);
    return emit(env, out, room);
}

static wsic_status write_moment(const wsic_env *env, const wsic_moment *moment, wsic_bytes *room,
                                output *out)
{
    wsic_status status = WSIC_OK;

    for (size_t j = 0; j < moment->columns && status == WSIC_OK; j++) {
        room->size = 0;
        for (size_t i = first_row(moment, j); i < moment->rows; i++)
            wsic_put_f64(room, moment->sum[j * moment->rows + i]);
        status = emit(env, out, room);
    }
    return status;
}

wsic_status wsic_stats_format_write(const wsic_env *env, const wsic_moments *moments,
                                    wsic_file_writer *file, uint64_t *size)
{
    output out = {.file = file, .offset = 0};
    wsic_moment list[WSIC_MOMENTS];
    const size_t count = wsic_moments_list(moments, list);
    wsic_bytes room;

    wsic_bytes_init(&room, env);
    wsic_checksum_begin(&out.checksum);
    wsic_status status = write_header(env, moments, &room, &out);
    for (size_t k = 0; k < count && status == WSIC_OK; k++)
        status = write_moment(env, &list[k], &room, &out);
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

/* What a file says of itself before its numbers begin. */
typedef struct header {
    uint32_t flags;
    size_t columns, outputs;
    double samples;
    uint64_t size; /* of the header */
} header;

static wsic_status parse_header(const wsic_env *env, const uint8_t *bytes, header *h)
{
    wsic_cursor cursor = wsic_cursor_make(bytes, HEADER_SIZE);
    const uint8_t *const found = wsic_take(&cursor, sizeof magic);
    const uint32_t version = wsic_get_u32(&cursor);
    h->flags = wsic_get_u32(&cursor);
    const uint64_t columns = wsic_get_u64(&cursor);

    if (memcmp(found, magic, sizeof magic) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "not a statistics file: the magic is missing");
    if (version != VERSION || (h->flags & ~(uint32_t)KNOWN_FLAGS) != 0)
        return wsic_fail(env, version == 0 ? WSIC_ERROR_FORMAT : WSIC_ERROR_VERSION,
                         "statistics of version %" PRIu32 " with flags %#" PRIx32
                         ", where this library knows version %d with flags %#x",
                         version, h->flags, VERSION, (unsigned)KNOWN_FLAGS);
    if ((h->flags & HAS_RESIDUALS) != 0 && (h->flags & HAS_PAIRS) == 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "residuals without pairs");
    if (columns == 0 || columns > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%" PRIu64 " columns, not 1 to 2^31 - 1", columns);
    h->columns = (size_t)columns;
    h->samples = wsic_get_f64(&cursor);
    h->size = HEADER_SIZE;
    return WSIC_OK;
}

static wsic_status parse_outputs(const wsic_env *env, const uint8_t *bytes, header *h)
{
    wsic_cursor cursor = wsic_cursor_make(bytes, OUTPUTS_SIZE);
    const uint64_t outputs = wsic_get_u64(&cursor);

    if (outputs == 0 || outputs > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "%" PRIu64 " outputs, not 1 to 2^31 - 1", outputs);
    h->outputs = (size_t)outputs;
    h->size += OUTPUTS_SIZE;
    return WSIC_OK;
}

static wsic_status read_header(const wsic_env *env, const wsic_source *source, header *h,
                               wsic_checksum *checksum)
{
    uint8_t bytes[HEADER_SIZE];

    *h = (header){.outputs = 0};
    wsic_status status = wsic_source_read(env, source, 0, bytes, HEADER_SIZE);
    if (status == WSIC_OK)
        status = parse_header(env, bytes, h);
    if (status != WSIC_OK)
        return status;
    wsic_checksum_add(checksum, bytes, HEADER_SIZE);
    if ((h->flags & HAS_RESIDUALS) == 0)
        return WSIC_OK;
    status = wsic_source_read(env, source, HEADER_SIZE, bytes, OUTPUTS_SIZE);
    if (status == WSIC_OK)
        status = parse_outputs(env, bytes, h);
    wsic_checksum_add(checksum, bytes, OUTPUTS_SIZE);
    return status;
}

/* Nothing is allocated for a size that the file does not have. */
static wsic_status check_size(const wsic_env *env, const wsic_source *source, const header *h)
{
    const uint64_t n = h->columns, a = h->outputs;
    /* All counts are below 2^31: every term is below 2^63, and three of them are compared one
     * after the other, so that nothing wraps. */
    const uint64_t triangle = n * (n + 1) / 2;
    const uint64_t pairs = (h->flags & HAS_PAIRS) != 0 ? triangle + n * n : 0;
    const uint64_t residuals = 2 * a * n + a;
    const uint64_t around = h->size + WSIC_CHECKSUM_SIZE;
    uint64_t left = source->size < around ? 0 : (source->size - around) / 8;
    const uint64_t parts[] = {triangle, pairs, residuals};

    for (size_t k = 0; k < 3; k++) {
        if (left < parts[k])
            return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                             "%" PRIu64 " bytes end within statistics of %" PRIu64 " columns",
                             source->size, n);
        left -= parts[k];
    }
    if (left > 0 || (source->size - around) % 8 != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%" PRIu64 " bytes are more than statistics of %" PRIu64 " columns need",
                         source->size, n);
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

static wsic_status read_moment(const wsic_env *env, const wsic_source *source,
                               const wsic_moment *moment, uint64_t *offset, wsic_checksum *checksum)
{
    wsic_status status = WSIC_OK;

    for (size_t j = 0; j < moment->columns && status == WSIC_OK; j++) {
        const size_t first = first_row(moment, j), count = moment->rows - first;
        status = read_column(env, source, *offset, moment->sum + j * moment->rows + first, count,
                             checksum);
        *offset += count * 8;
    }
    return status;
}

static wsic_status read_checksum(const wsic_env *env, const wsic_source *source, uint64_t offset,
                                 wsic_checksum *checksum)
{
    uint8_t stored[WSIC_CHECKSUM_SIZE];
    const wsic_status status = wsic_source_read(env, source, offset, stored, sizeof stored);

    if (status != WSIC_OK)
        return status;
    wsic_cursor cursor = wsic_cursor_make(stored, sizeof stored);
    if (wsic_get_u64(&cursor) != wsic_checksum_end(checksum))
        return wsic_fail(env, WSIC_ERROR_CHECKSUM, "the checksum of the statistics does not match");
    return WSIC_OK;
}

static bool is_square(const wsic_moment *moment, size_t i, size_t j)
{
    return moment->squares || (moment->lower && i == j);
}

static wsic_status check_moment(const wsic_env *env, size_t number, const wsic_moment *moment,
                                double *bound)
{
    for (size_t j = 0; j < moment->columns; j++) {
        for (size_t i = first_row(moment, j); i < moment->rows; i++) {
            const double value = moment->sum[j * moment->rows + i];
            if (!isfinite(value) || (is_square(moment, i, j) && value < 0))
                return wsic_fail(env, WSIC_ERROR_FORMAT,
                                 "element (%zu, %zu) of moment %zu of the statistics is %g", i, j,
                                 number, value);
            *bound = fmax(*bound, fabs(value));
        }
    }
    return WSIC_OK;
}

/* The same conditions that hold for sums made by the library. */
static wsic_status check_values(const wsic_env *env, const wsic_moment *list, size_t count,
                                wsic_moments *moments)
{
    wsic_status status = WSIC_OK;

    moments->bound = 0;
    for (size_t k = 0; k < count && status == WSIC_OK; k++)
        status = check_moment(env, k, &list[k], &moments->bound);
    if (status != WSIC_OK)
        return status;
    if (!(moments->samples >= 0) || !wsic_moments_in_range(moments->bound, moments->samples) ||
        (moments->samples == 0 && moments->bound != 0))
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%g samples do not go with sums of magnitude up to %g", moments->samples,
                         moments->bound);
    return WSIC_OK;
}

static wsic_status read_all(const wsic_env *env, const wsic_source *source, wsic_moments *moments)
{
    wsic_moment list[WSIC_MOMENTS];
    wsic_checksum checksum;
    header h;

    wsic_checksum_begin(&checksum);
    wsic_status status = read_header(env, source, &h, &checksum);
    if (status == WSIC_OK)
        status = check_size(env, source, &h);
    if (status == WSIC_OK)
        status =
            wsic_moments_create(env, h.columns, (h.flags & HAS_PAIRS) != 0, h.outputs, moments);
    if (status != WSIC_OK)
        return status;
    moments->samples = h.samples;
    const size_t count = wsic_moments_list(moments, list);
    uint64_t offset = h.size;
    for (size_t k = 0; k < count && status == WSIC_OK; k++)
        status = read_moment(env, source, &list[k], &offset, &checksum);
    if (status == WSIC_OK)
        status = read_checksum(env, source, offset, &checksum);
    return status == WSIC_OK ? check_values(env, list, count, moments) : status;
}

wsic_status wsic_stats_format_read(const wsic_env *env, const wsic_source *source,
                                   wsic_moments *moments)
{
    *moments = (wsic_moments){.columns = 0};
    const wsic_status status = read_all(env, source, moments);
    if (status != WSIC_OK)
        wsic_moments_release(env, moments);
    return status;
}
