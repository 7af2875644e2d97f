/* SPDX-License-Identifier: MIT */
#include "decode/task.h"

#include <string.h>

#include "base/checked.h"

/* --- workspace ----------------------------------------------------------- */

static size_t block_rows(const wsic_decode_task *task)
{
    return wsic_min_size(wsic_code_reader_block_rows(task->reader), task->layer_rows);
}

size_t wsic_task_blocks(const wsic_decode_task *task)
{
    const size_t of_block = wsic_code_reader_block_rows(task->reader);
    return (task->first_row + task->rows - 1) / of_block - task->first_row / of_block + 1;
}

static size_t round_up(size_t size, size_t multiple)
{
    return wsic_div_up(size, multiple) * multiple;
}

/* Columns of a whole block. One line more than the rows need: with powers of two the pieces of many
 * columns would compete for the same places in the cache. */
static size_t scratch_stride(const wsic_decode_task *task)
{
    return round_up(block_rows(task), WSIC_TILE_ALIGNMENT) + WSIC_TILE_ALIGNMENT;
}

/* Tiles in coded order can be stored at once, but for pairs of codes in one byte, which begin at
 * even columns. */
static bool needs_scratch(const wsic_decode_task *task)
{
    return task->store && (!task->coded_order || task->output.dtype == WSIC_I4);
}

/* Bytes of the sums, or of the scratch columns. */
static bool data_size(const wsic_decode_task *task, size_t *bytes)
{
    size_t elements;

    *bytes = 0;
    if (!task->store)
        return wsic_product_sums(block_rows(task), task->input.tokens, &elements) &&
               wsic_mul_size(elements, sizeof(float), bytes);
    if (!needs_scratch(task))
        return true;
    const size_t code = wsic_code_reader_narrow(task->reader) ? 1 : sizeof(int32_t);
    return wsic_mul_size(scratch_stride(task), task->columns, &elements) &&
           wsic_mul_size(elements, code, bytes);
}

static size_t reader_size(const wsic_decode_task *task)
{
    return round_up(wsic_code_reader_workspace(task->reader), WSIC_TILE_ALIGNMENT);
}

static size_t numbers_size(const wsic_decode_task *task)
{
    return round_up(block_rows(task) * sizeof(uint32_t), WSIC_TILE_ALIGNMENT);
}

static size_t named_size(const wsic_decode_task *task)
{
    return round_up(block_rows(task), WSIC_TILE_ALIGNMENT);
}

static size_t marks_size(const wsic_decode_task *task)
{
    return needs_scratch(task) ? round_up(task->columns, WSIC_TILE_ALIGNMENT) : 0;
}

bool wsic_task_workspace(const wsic_decode_task *task, size_t *bytes)
{
    size_t data;

    return data_size(task, &data) && data <= SIZE_MAX - WSIC_TILE_ALIGNMENT &&
           wsic_add_size(reader_size(task) + numbers_size(task) + named_size(task) +
                             marks_size(task),
                         round_up(data, WSIC_TILE_ALIGNMENT), bytes);
}

/* --- a block ------------------------------------------------------------- */

/* Marks of the columns of the scratch, see wsic_columns. */
enum { COLUMN_NARROW = 0, COLUMN_WIDE = 1, COLUMN_ABSENT = 2 };

typedef struct block_walk {
    const wsic_decode_task *task;
    size_t first_row; /* of the block, in the layer */
    size_t rows;      /* of the block */

    uint32_t *numbers; /* of each row of the tiles: its number in the output, or WSIC_NO_ROW */
    uint8_t *named;    /* of each row of the block: a tile has it */
    size_t tile_rows;  /* 0 before the first tile */
    size_t begin, end; /* rows of the tiles that are wanted lie between these */
    size_t position;   /* of the next tile in the order of columns */

    float *sums;          /* products */
    wsic_columns scratch; /* rows */
    void *room;           /* what the scratch is written through */
    uint8_t *marks;
} block_walk;

/* Number of a row of the block in the output, or WSIC_NO_ROW. */
static uint32_t output_row(const block_walk *walk, size_t row)
{
    /* Rows before the first one wrap around to large numbers. */
    const size_t number = walk->first_row + row - walk->task->first_row;
    return number < walk->task->rows ? (uint32_t)number : WSIC_NO_ROW;
}

/* All tiles of a block have the same rows. */
static void take_rows(block_walk *walk, const wsic_code_tile *tile)
{
    walk->tile_rows = tile->rows;
    walk->begin = tile->rows;
    for (size_t i = 0; i < tile->rows; i++) {
        walk->named[tile->row[i]] = 1;
        walk->numbers[i] = output_row(walk, tile->row[i]);
        if (walk->numbers[i] == WSIC_NO_ROW)
            continue;
        walk->begin = wsic_min_size(walk->begin, i);
        walk->end = i + 1;
    }
    /* Whole strips and squares; those behind the end may be read. */
    walk->begin -= walk->begin % WSIC_STRIP_ROWS;
    if (walk->end == 0)
        walk->begin = 0;
}

/* The first byte of a row of a column of the scratch. */
static char *scratch_at(const block_walk *walk, size_t place, size_t row, size_t code)
{
    const size_t slot = walk->scratch.narrow ? 1 : sizeof(int32_t);
    return (char *)walk->room + place * walk->scratch.stride * slot + row * code;
}

static void place_column(const block_walk *walk, const wsic_code_tile *tile, size_t j, size_t place)
{
    const size_t count = round_up(walk->end, WSIC_PIECE_ROWS) - walk->begin;
    const size_t first = j * tile->stride + walk->begin;

    walk->marks[place] = tile->narrow ? COLUMN_NARROW : COLUMN_WIDE;
    if (tile->narrow)
        memcpy(scratch_at(walk, place, walk->begin, 1), tile->narrow + first, count);
    else
        memcpy(scratch_at(walk, place, walk->begin, sizeof *tile->wide), tile->wide + first,
               count * sizeof *tile->wide);
}

/* Columns that no tile brought. */
static void place_zeros(const block_walk *walk)
{
    for (size_t place = 0; place < walk->task->columns; place++) {
        if (walk->marks[place] != COLUMN_ABSENT)
            continue;
        walk->marks[place] = COLUMN_NARROW;
        memset(scratch_at(walk, place, walk->begin, 1), 0,
               round_up(walk->end, WSIC_PIECE_ROWS) - walk->begin);
    }
}

/* Columns of the tile that are wanted go where they belong. */
static void place_tile(const block_walk *walk, const wsic_code_tile *tile)
{
    const wsic_decode_task *const task = walk->task;

    for (size_t j = 0; j < tile->columns; j++) {
        const size_t column = task->coded_order ? walk->position + j : tile->column[j];
        const size_t place = column - task->first_column; /* wraps around */
        if (place < task->columns)
            place_column(walk, tile, j, place);
    }
}

/* In coded order the columns of a tile stand together in the output. */
static wsic_status store_tile(block_walk *walk, const wsic_code_tile *tile)
{
    const wsic_decode_task *const task = walk->task;
    const size_t skip =
        walk->position < task->first_column ? task->first_column - walk->position : 0;
    const size_t column = walk->position + skip - task->first_column;

    if (skip >= tile->columns || column >= task->columns || walk->end == 0)
        return WSIC_OK;
    const size_t first = skip * tile->stride;
    const wsic_columns source = {.narrow = tile->narrow ? tile->narrow + first : NULL,
                                 .wide = tile->narrow ? NULL : tile->wide + first,
                                 .stride = tile->stride,
                                 .first = walk->begin,
                                 .rows = walk->end,
                                 .columns =
                                     wsic_min_size(tile->columns - skip, task->columns - column)};
    return wsic_rows_from_columns(task->kernels, &source, walk->numbers, column, task->store,
                                  (void *)&task->output);
}

static wsic_status take_tile(void *data, const wsic_code_tile *tile)
{
    block_walk *const walk = data;
    const wsic_decode_task *const task = walk->task;
    wsic_status status = WSIC_OK;

    if (walk->tile_rows == 0)
        take_rows(walk, tile);
    if (!task->store)
        wsic_product_add(wsic_product_for(task->kernels), &task->input, task->factors, tile,
                         walk->position, walk->begin / WSIC_STRIP_ROWS,
                         wsic_div_up(walk->end, WSIC_STRIP_ROWS), walk->sums);
    else if (needs_scratch(task))
        place_tile(walk, tile);
    else
        status = store_tile(walk, tile);
    walk->position += tile->columns;
    return status;
}

/* --- what stands when all tiles are there -------------------------------- */

/* Y has the same NaN everywhere: machines differ in which one they make. */
static float as_product(float scale, float sum)
{
    const float product = scale * sum;
    static const uint32_t bits = 0x7FC00000;
    float quiet;

    memcpy(&quiet, &bits, sizeof quiet);
    return product == product ? product : quiet;
}

static void store_products(const block_walk *walk)
{
    const wsic_decode_task *const task = walk->task;
    const float *const scales = task->row_scales + task->first_row;

    for (size_t token = 0; token < task->input.tokens; token++) {
        float *const out = task->products + token * task->products_stride;
        for (size_t i = walk->begin; i < walk->end; i++) {
            const uint32_t row = walk->numbers[i];
            if (row != WSIC_NO_ROW)
                out[row] = as_product(scales[row],
                                      wsic_product_sum(walk->sums, task->input.tokens, i, token));
        }
        for (size_t row = 0; row < walk->rows; row++) {
            const uint32_t number = walk->named[row] ? WSIC_NO_ROW : output_row(walk, row);
            if (number != WSIC_NO_ROW)
                out[number] = as_product(scales[number], 0);
        }
    }
}

static wsic_status store_zeros(const block_walk *walk)
{
    size_t count = 0;

    for (size_t row = 0; row < walk->rows; row++) {
        if (!walk->named[row])
            walk->numbers[count++] = output_row(walk, row);
    }
    return wsic_rows_of_zeros(walk->numbers, count, walk->task->columns, walk->task->store,
                              (void *)&walk->task->output);
}

static wsic_status store_rows(const block_walk *walk)
{
    const wsic_decode_task *const task = walk->task;
    wsic_status status = WSIC_OK;

    if (needs_scratch(task) && walk->end != 0) {
        wsic_columns wanted = walk->scratch;
        wanted.first = walk->begin;
        wanted.rows = walk->end;
        place_zeros(walk);
        status = wsic_rows_from_columns(task->kernels, &wanted, walk->numbers, 0, task->store,
                                        (void *)&task->output);
    }
    return status == WSIC_OK ? store_zeros(walk) : status;
}

/* --- all of it ----------------------------------------------------------- */

static block_walk begin_block(const wsic_decode_task *task, size_t block, char *workspace)
{
    const size_t first_row = block * wsic_code_reader_block_rows(task->reader);
    char *const numbers = workspace + reader_size(task);
    char *const named = numbers + numbers_size(task);
    char *const marks = named + named_size(task);
    char *const data = marks + marks_size(task);
    const bool narrow = wsic_code_reader_narrow(task->reader);
    size_t bytes = 0;

    data_size(task, &bytes);
    if (!task->store)
        memset(data, 0, bytes);
    memset(named, 0, named_size(task));
    memset(marks, COLUMN_ABSENT, marks_size(task));
    return (block_walk){.task = task,
                        .first_row = first_row,
                        .rows = wsic_min_size(block_rows(task), task->layer_rows - first_row),
                        .numbers = (uint32_t *)(void *)numbers,
                        .named = (uint8_t *)named,
                        .sums = (float *)(void *)data,
                        .scratch = {.narrow = narrow ? (int8_t *)data : NULL,
                                    .wide = narrow ? NULL : (int32_t *)(void *)data,
                                    .is_wide = narrow ? NULL : (uint8_t *)marks,
                                    .stride = scratch_stride(task),
                                    .columns = task->columns},
                        .room = data,
                        .marks = (uint8_t *)marks};
}

wsic_status wsic_task_run_block(const wsic_env *env, const wsic_decode_task *task, size_t block,
                                void *workspace)
{
    const size_t number = task->first_row / wsic_code_reader_block_rows(task->reader) + block;
    block_walk walk = begin_block(task, number, workspace);
    const wsic_status status =
        wsic_code_reader_visit(env, task->reader, number, workspace, take_tile, &walk);

    if (status != WSIC_OK)
        return status;
    if (task->store)
        return store_rows(&walk);
    store_products(&walk);
    return WSIC_OK;
}
