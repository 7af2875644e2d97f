/* SPDX-License-Identifier: MIT */
#include "coding/code_tiles.h"

#include <string.h>

#include "base/checked.h"
#include "base/transpose.h"
#include "coding/code_reader.h"
#include "coding/codes.h"
#include "coding/stream_kernels.h"
#include "coding/stream_widen.h"

/* --- the workspace -------------------------------------------------------------------- */

/* What a group is decoded with. */
typedef struct lane_group {
    wsic_steps steps;
    const uint16_t **bounds; /* by kind of row and octet */
    int8_t *rows;            /* codes or high parts, step by step */
    uint32_t *codebooks;     /* beside high parts under a trellis */
} lane_group;

/* One block while it is decoded. */
typedef struct walk {
    const wsic_env *env;
    const wsic_code_reader *reader;
    size_t block;
    size_t rows;
    size_t stride; /* of a tile */
    wsic_stream *streams;
    wsic_transpose_function *transpose;
    int32_t *tile; /* or as int8_t */
    lane_group groups[WSIC_VECTOR_STREAMS];
} walk;

static size_t tile_stride(size_t rows)
{
    return wsic_div_up(rows, WSIC_TILE_ALIGNMENT) * WSIC_TILE_ALIGNMENT;
}

static size_t aligned(size_t size)
{
    return wsic_div_up(size, WSIC_TILE_ALIGNMENT) * WSIC_TILE_ALIGNMENT;
}

static size_t tile_size(const wsic_code_reader *reader)
{
    return WSIC_TILE_COLUMNS * tile_stride(reader->block_rows) * sizeof(int32_t);
}

static size_t octets_of_group(const wsic_code_reader *reader)
{
    return reader->lanes >> reader->octet_log;
}

static size_t bounds_size(const wsic_code_reader *reader)
{
    return aligned(reader->kinds * octets_of_group(reader) * sizeof(uint16_t *));
}

static size_t rows_size(const wsic_code_reader *reader)
{
    return tile_stride(reader->block_rows) * WSIC_TILE_COLUMNS;
}

static size_t codebooks_size(const wsic_code_reader *reader)
{
    return reader->is_trellis ? aligned(reader->block_rows * sizeof(uint32_t)) : 0;
}

size_t wsic_code_reader_workspace(const wsic_code_reader *reader)
{
    return tile_size(reader) + aligned(reader->streams * sizeof(wsic_stream)) +
           WSIC_VECTOR_STREAMS * (rows_size(reader) + codebooks_size(reader) + bounds_size(reader));
}

/* In an order that keeps everything aligned. */
static void lay_out(walk *w, void *workspace)
{
    const wsic_code_reader *const reader = w->reader;
    char *next = workspace;

    w->tile = (int32_t *)(void *)next;
    next += tile_size(reader);
    w->streams = (wsic_stream *)(void *)next;
    next += aligned(reader->streams * sizeof(wsic_stream));
    for (size_t k = 0; k < WSIC_VECTOR_STREAMS; k++) {
        w->groups[k].rows = (int8_t *)next;
        next += rows_size(reader);
        w->groups[k].codebooks = (uint32_t *)(void *)next;
        next += codebooks_size(reader);
        w->groups[k].bounds = (const uint16_t **)(void *)next;
        next += bounds_size(reader);
    }
}

/* Kernels take whole strips of rows. What they make of rows behind the last one is dropped. These
 * rows begin as zeros all the same, or tools that watch uninitialised memory report their use. */
static void clear_padding(const walk *w)
{
    const size_t padding = w->stride - w->rows;
    int8_t *const narrow = (int8_t *)w->tile;

    if (padding == 0)
        return;
    for (size_t k = 0; k < WSIC_VECTOR_STREAMS; k++)
        memset(w->groups[k].rows + w->rows * WSIC_TILE_COLUMNS, 0, padding * WSIC_TILE_COLUMNS);
    for (size_t j = 0; j < WSIC_TILE_COLUMNS; j++) {
        memset(narrow + j * w->stride + w->rows, 0, padding);
        memset(w->tile + j * w->stride + w->rows, 0, padding * sizeof *w->tile);
    }
}

/* --- streams -------------------------------------------------------------------------- */

static size_t group_columns(const wsic_code_reader *reader, size_t group)
{
    return wsic_min_size(reader->live_columns - group * reader->lanes, reader->lanes);
}

/* Lanes that a stream uses: its first group is its fullest. */
static size_t lanes_used(const walk *w, size_t stream)
{
    return group_columns(w->reader, stream);
}

/* Integers and bytes of planes of a stream. */
static void measure_stream(const walk *w, size_t stream, size_t *codes, size_t *plane_bytes)
{
    const wsic_code_reader *const reader = w->reader;

    *codes = 0;
    size_t bits = 0;
    for (size_t g = stream; g < reader->groups; g += reader->streams) {
        const wsic_form form = wsic_form_make(reader->form[g], reader->is_trellis);
        bits += w->rows * form.shift * group_columns(reader, g);
        *codes += w->rows * group_columns(reader, g);
    }
    *plane_bytes = wsic_plane_bytes(bits);
}

static wsic_status damaged(const walk *w)
{
    return wsic_fail(w->env, WSIC_ERROR_FORMAT, "block %zu of the codes is damaged", w->block);
}

static wsic_status open_streams(walk *w)
{
    const wsic_code_reader *const reader = w->reader;

    for (size_t k = 0; k < reader->streams; k++) {
        const size_t *const offset =
            reader->offset + reader->live_block[w->block] * reader->streams + k;
        size_t codes, planes;
        measure_stream(w, k, &codes, &planes);
        if (!wsic_stream_open(&w->streams[k], reader->lanes, lanes_used(w, k), codes, planes,
                              reader->bytes + offset[0], offset[1] - offset[0]))
            return damaged(w);
    }
    return WSIC_OK;
}

static wsic_status close_streams(const walk *w)
{
    for (size_t k = 0; k < w->reader->streams; k++) {
        if (!wsic_stream_ended(&w->streams[k]))
            return damaged(w);
    }
    return WSIC_OK;
}

/* --- groups --------------------------------------------------------------------------- */

static void find_bounds(const wsic_code_reader *reader, size_t group, const uint16_t **bounds)
{
    const size_t in_group = octets_of_group(reader);
    const size_t octets = wsic_div_up(group_columns(reader, group), (size_t)1 << reader->octet_log);
    const int16_t *const octet_class = reader->octet_class + group * in_group;
    const uint32_t *const at =
        reader->bounds_at + reader->form_rank[reader->form[group]] * (size_t)reader->classes;

    for (size_t kind = 0; kind < reader->kinds; kind++) {
        for (size_t octet = 0; octet < octets; octet++) {
            const int32_t sum = octet_class[octet] + reader->kind_class[kind];
            bounds[kind * in_group + octet] =
                reader->bounds + at[wsic_class_index(sum, reader->classes)];
        }
    }
}

static wsic_stream *stream_of(const walk *w, size_t group)
{
    return &w->streams[group % w->reader->streams];
}

static void begin_group(const walk *w, size_t group, lane_group *made)
{
    const wsic_code_reader *const reader = w->reader;
    wsic_stream *const stream = stream_of(w, group);

    made->steps = (wsic_steps){
        .form = wsic_form_make(reader->form[group], reader->is_trellis),
        .trellis = reader->is_trellis ? &reader->trellis : NULL,
        .lanes = reader->lanes,
        .columns = group_columns(reader, group),
        .rows = w->rows,
        .row_kind = reader->row_kind + reader->first_row[w->block],
        .octet_log = reader->octet_log,
        .bounds = made->bounds,
    };
    find_bounds(reader, group, made->bounds);
    for (size_t lane = 0; lane < WSIC_LANES_MAX; lane++)
        stream->trellis[lane] = 0;
}

/* --- slow and for everything ---------------------------------------------------------- */

static void put_wide(const walk *w, const int32_t *values, size_t columns, size_t row)
{
    for (size_t lane = 0; lane < columns; lane++)
        w->tile[lane * w->stride + row] = values[lane];
}

static void decode_wide(const walk *w, wsic_stream *stream, const wsic_steps *steps, size_t from)
{
    int32_t values[WSIC_LANES_MAX];

    for (size_t row = from; row < steps->rows && !stream->failed; row++) {
        wsic_stream_step(stream, steps, row, values);
        put_wide(w, values, steps->columns, row);
    }
}

/* Rows of bytes. False where a code does not fit one; the stream is then left anywhere. */
static bool decode_narrow(wsic_stream *stream, const wsic_steps *steps, size_t from, int8_t *rows)
{
    int32_t values[WSIC_LANES_MAX] = {0};

    for (size_t row = from; row < steps->rows && !stream->failed; row++) {
        int32_t outside = 0;
        wsic_stream_step(stream, steps, row, values);
        for (size_t lane = 0; lane < WSIC_LANES_MAX; lane++) {
            outside |= values[lane] < INT8_MIN || values[lane] > INT8_MAX;
            rows[row * WSIC_TILE_COLUMNS + lane] = (int8_t)values[lane];
        }
        if (outside)
            return false;
    }
    return true;
}

/* --- fast, where a kernel does it ------------------------------------------------------- */

/* Steps that vectors can do in each of some groups, which have one form; the number of those that
 * were done, SIZE_MAX if something did not fit a byte. */
static size_t decode_vectors(const walk *w, size_t first, size_t count)
{
    wsic_vector_group groups[WSIC_VECTOR_STREAMS];
    const wsic_steps *const steps = &w->groups[0].steps;
    /* cppcheck-suppress legacyUninitvar ; it does not see that the loop sets the first `count` */
    wsic_vector_steps *const kernel = wsic_vector_kernel(wsic_kernels_chosen(w->env), steps);
    size_t to = steps->rows;

    if (!kernel)
        return 0;
    for (size_t k = 0; k < count; k++) {
        groups[k] = (wsic_vector_group){.stream = stream_of(w, first + k),
                                        .steps = &w->groups[k].steps,
                                        .rows = w->groups[k].rows,
                                        .codebooks = w->groups[k].codebooks};
        to = wsic_min_size(to, wsic_stream_full_steps(groups[k].stream, steps));
    }
    wsic_vector_decode(kernel, groups, count, to);
    for (size_t k = 0; k < count; k++) {
        groups[k].stream->left -= to * steps->lanes;
        if (groups[k].outside)
            return SIZE_MAX;
    }
    return to;
}

/* Codes or levels from what kernels leave of forms with low bits. */
static void widen(const walk *w, wsic_stream *stream, const lane_group *group, size_t count)
{
    const wsic_form *const form = &group->steps.form;
    const wsic_narrow_steps steps = {.high = group->rows,
                                     .planes = stream->planes,
                                     .codebooks = group->steps.trellis ? group->codebooks : NULL,
                                     .count = count,
                                     .lanes = group->steps.lanes,
                                     .shift = form->shift};

    wsic_widen_steps(&steps, w->transpose, w->tile, w->stride);
    stream->planes += count * wsic_step_planes(form, group->steps.lanes);
}

/* From rows of bytes to columns. */
static void transpose_rows(const walk *w, const int8_t *rows)
{
    int8_t *const tile = (int8_t *)w->tile;

    for (size_t row = 0; row < w->rows; row += WSIC_SQUARE) {
        for (size_t lane = 0; lane < WSIC_TILE_COLUMNS; lane += WSIC_SQUARE)
            w->transpose(rows + row * WSIC_TILE_COLUMNS + lane, WSIC_TILE_COLUMNS,
                         tile + lane * w->stride + row, w->stride);
    }
}

/* The rest of a group of which `done` steps have been done; the tile says what it is. */
static void finish_group(const walk *w, size_t group, const lane_group *of, size_t done,
                         const wsic_stream *before, wsic_code_tile *tile)
{
    wsic_stream *const stream = stream_of(w, group);
    const wsic_steps *const steps = &of->steps;

    tile->narrow = NULL;
    tile->wide = w->tile;
    if (steps->form.shift == 0 && done != SIZE_MAX &&
        decode_narrow(stream, steps, done, of->rows)) {
        transpose_rows(w, of->rows);
        tile->narrow = (const int8_t *)w->tile;
        tile->wide = NULL;
        return;
    }
    if (steps->form.shift == 0 || done == SIZE_MAX) {
        *stream = *before;
        done = 0;
    }
    widen(w, stream, of, done);
    decode_wide(w, stream, steps, done);
}

/* Codes of a wide tile as bytes, in its own place; false if one does not fit. */
static bool narrow_tile(const walk *w, wsic_code_tile *tile)
{
    int8_t *const narrow = (int8_t *)w->tile;
    int32_t outside = 0;

    for (size_t j = 0; j < tile->columns; j++) {
        for (size_t k = j * w->stride; k < j * w->stride + tile->rows; k++) {
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): lay_out() has set it */
            const int32_t code = w->tile[k];
            outside |= code < INT8_MIN || code > INT8_MAX;
            narrow[k] = (int8_t)code;
        }
    }
    tile->narrow = narrow;
    tile->wide = NULL;
    return !outside;
}

/* How many groups from one on are decoded together. */
static size_t groups_together(const walk *w, size_t group)
{
    const wsic_code_reader *const reader = w->reader;

    if (reader->streams < 2 || group + 1 >= reader->groups ||
        reader->form[group] != reader->form[group + 1] ||
        group_columns(reader, group + 1) != reader->lanes)
        return 1;
    return WSIC_VECTOR_STREAMS;
}

static wsic_status decode_groups(walk *w, size_t group, size_t count, wsic_code_tile *tile,
                                 wsic_tile_visitor *visit, void *data)
{
    wsic_stream before[WSIC_VECTOR_STREAMS];
    wsic_status status = WSIC_OK;

    for (size_t k = 0; k < count; k++) {
        begin_group(w, group + k, &w->groups[k]);
        before[k] = *stream_of(w, group + k);
    }
    const size_t done = decode_vectors(w, group, count);
    for (size_t k = 0; k < count && status == WSIC_OK; k++) {
        tile->columns = group_columns(w->reader, group + k);
        tile->column = w->reader->column + (group + k) * w->reader->lanes;
        finish_group(w, group + k, &w->groups[k], done, &before[k], tile);
        const bool good = !stream_of(w, group + k)->failed &&
                          (!w->reader->narrow || tile->narrow || narrow_tile(w, tile));
        status = good ? visit(data, tile) : damaged(w);
    }
    return status;
}

/* --- all of a block ------------------------------------------------------------------- */

wsic_status wsic_code_reader_visit(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, void *workspace, wsic_tile_visitor *visit,
                                   void *data)
{
    walk w = {.env = env, .reader = reader, .block = block};

    if (reader->classes == 0)
        return WSIC_OK;
    const size_t first = reader->first_row[block];
    w.rows = reader->first_row[block + 1] - first;
    if (w.rows == 0)
        return WSIC_OK;
    w.stride = tile_stride(w.rows);
    lay_out(&w, workspace);
    clear_padding(&w);
    w.transpose = wsic_transpose_for(wsic_kernels_chosen(env));
    wsic_status status = open_streams(&w);
    wsic_code_tile tile = {.rows = w.rows, .row = reader->row + first, .stride = w.stride};
    for (size_t group = 0, count; group < reader->groups && status == WSIC_OK; group += count) {
        count = groups_together(&w, group);
        status = decode_groups(&w, group, count, &tile, visit, data);
    }
    return status == WSIC_OK ? close_streams(&w) : status;
}

/* --- rows ----------------------------------------------------------------------------- */

typedef struct row_target {
    size_t columns;
    int32_t *out;
} row_target;

static wsic_status put_rows(void *data, const wsic_code_tile *tile)
{
    const row_target *const target = data;

    for (size_t j = 0; j < tile->columns; j++) {
        int32_t *const out = target->out + tile->column[j];
        for (size_t i = 0; i < tile->rows; i++) {
            const size_t at = j * tile->stride + i;
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a tile is narrow or wide */
            out[tile->row[i] * target->columns] = tile->wide ? tile->wide[at] : tile->narrow[at];
        }
    }
    return WSIC_OK;
}

wsic_status wsic_code_reader_block(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, int32_t *out)
{
    const size_t left = reader->total_rows - block * reader->block_rows;
    const size_t count = wsic_min_size(reader->block_rows, left) * reader->total_columns;
    row_target target = {.columns = reader->total_columns, .out = out};
    wsic_status status;

    for (size_t k = 0; k < count; k++)
        out[k] = 0;
    void *const workspace = wsic_alloc(env, wsic_code_reader_workspace(reader), 1, &status);
    if (!workspace)
        return status;
    status = wsic_code_reader_visit(env, reader, block, workspace, put_rows, &target);
    wsic_free(env, workspace);
    return status;
}
