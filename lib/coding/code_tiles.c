/* SPDX-License-Identifier: MIT */
#include "coding/code_tiles.h"

#include "base/checked.h"
#include "coding/code_reader.h"
#include "coding/codes.h"
#include "coding/stream_decode.h"

/* --- the workspace -------------------------------------------------------------------- */

/* One block while it is decoded. */
typedef struct walk {
    const wsic_env *env;
    const wsic_code_reader *reader;
    size_t block;
    size_t rows;
    size_t stride; /* of a tile */
    wsic_stream *streams;
    const uint16_t **bounds; /* by kind of row and octet */
    int32_t *tile;        /* or as int8_t */
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

size_t wsic_code_reader_workspace(const wsic_code_reader *reader)
{
    return tile_size(reader) + aligned(reader->streams * sizeof(wsic_stream)) +
           aligned(reader->kinds * octets_of_group(reader) * sizeof(uint16_t *));
}

static void lay_out(walk *w, void *workspace)
{
    const wsic_code_reader *const reader = w->reader;
    char *const bytes = workspace;
    const size_t streams = aligned(reader->streams * sizeof(wsic_stream));

    w->tile = workspace;
    w->streams = (wsic_stream *)(void *)(bytes + tile_size(reader));
    w->bounds = (const uint16_t **)(void *)(bytes + tile_size(reader) + streams);
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
    *plane_bytes = 0;
    for (size_t g = stream; g < reader->groups; g += reader->streams) {
        const wsic_form form = wsic_form_make(reader->form[g], reader->is_trellis);
        *plane_bytes += w->rows * wsic_step_planes(&form, group_columns(reader, g));
        *codes += w->rows * group_columns(reader, g);
    }
}

static wsic_status damaged(const walk *w)
{
    return wsic_fail(w->env, WSIC_ERROR_FORMAT, "block %zu of the codes is damaged", w->block);
}

static wsic_status open_streams(walk *w)
{
    const wsic_code_reader *const reader = w->reader;

    for (size_t k = 0; k < reader->streams; k++) {
        const size_t *const offset = reader->offset + w->block * reader->streams + k;
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

static void find_bounds(const walk *w, size_t group)
{
    const wsic_code_reader *const reader = w->reader;
    const size_t in_group = octets_of_group(reader);
    const size_t octets =
        wsic_div_up(group_columns(reader, group), (size_t)1 << reader->octet_log);
    const int16_t *const octet_class = reader->octet_class + group * in_group;
    const uint32_t *const at =
        reader->bounds_at + reader->form_rank[reader->form[group]] * (size_t)reader->classes;

    for (size_t kind = 0; kind < reader->kinds; kind++) {
        for (size_t octet = 0; octet < octets; octet++) {
            const int32_t sum = octet_class[octet] + reader->kind_class[kind];
            w->bounds[kind * in_group + octet] =
                reader->bounds + at[wsic_class_index(sum, reader->classes)];
        }
    }
}

static wsic_steps make_steps(const walk *w, size_t group)
{
    const wsic_code_reader *const reader = w->reader;
    return (wsic_steps){
        .form = wsic_form_make(reader->form[group], reader->is_trellis),
        .trellis = reader->is_trellis ? &reader->trellis : NULL,
        .lanes = reader->lanes,
        .columns = group_columns(reader, group),
        .rows = w->rows,
        .row_kind = reader->row_kind + reader->first_row[w->block],
        .octet_log = reader->octet_log,
        .bounds = w->bounds,
    };
}

/* False where a code does not fit a byte; the stream is then left anywhere. */
static bool decode_narrow(wsic_stream *stream, const wsic_steps *steps, size_t stride,
                          int8_t *tile)
{
    int32_t values[WSIC_LANES_MAX] = {0};

    for (size_t row = 0; row < steps->rows && !stream->failed; row++) {
        int32_t outside = 0;
        wsic_stream_step(stream, steps, row, values);
        for (size_t lane = 0; lane < steps->columns; lane++) {
            outside |= values[lane] < INT8_MIN || values[lane] > INT8_MAX;
            tile[lane * stride + row] = (int8_t)values[lane];
        }
        if (outside)
            return false;
    }
    return true;
}

static void decode_wide(wsic_stream *stream, const wsic_steps *steps, size_t stride, int32_t *tile)
{
    int32_t values[WSIC_LANES_MAX];

    for (size_t row = 0; row < steps->rows && !stream->failed; row++) {
        wsic_stream_step(stream, steps, row, values);
        for (size_t lane = 0; lane < steps->columns; lane++)
            tile[lane * stride + row] = values[lane];
    }
}

static void decode_group(const walk *w, size_t group, wsic_code_tile *tile)
{
    wsic_stream *const stream = &w->streams[group % w->reader->streams];
    const wsic_steps steps = make_steps(w, group);

    find_bounds(w, group);
    for (size_t lane = 0; lane < WSIC_LANES_MAX; lane++)
        stream->trellis[lane] = 0;
    const wsic_stream before = *stream;
    tile->narrow = (const int8_t *)w->tile;
    tile->wide = NULL;
    if (steps.form.shift == 0 && decode_narrow(stream, &steps, w->stride, (int8_t *)w->tile))
        return;
    *stream = before;
    decode_wide(stream, &steps, w->stride, w->tile);
    tile->wide = w->tile;
    tile->narrow = NULL;
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
    wsic_status status = open_streams(&w);
    wsic_code_tile tile = {.rows = w.rows, .row = reader->row + first, .stride = w.stride};
    for (size_t group = 0; group < reader->groups && status == WSIC_OK; group++) {
        tile.columns = group_columns(reader, group);
        tile.column = reader->column + group * reader->lanes;
        decode_group(&w, group, &tile);
        status = w.streams[group % reader->streams].failed ? damaged(&w) : visit(data, &tile);
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
