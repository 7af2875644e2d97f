/* SPDX-License-Identifier: MIT */
#include "api/token_sums.h"

#include "base/checked.h"
#include "linalg/linalg.h"

/* Rows and columns of a tile: its product in single precision stays in a cache. Every tile has BLAS
 * pack its tokens anew, so that large ones are faster by a tenth where there are enough of them for
 * the threads. The shape alone decides: sums are the same for any number of threads. */
enum { SMALL_TILE = 256, LARGE_TILE = 512, MANY_COLUMNS = 4096 };

/* Most threads, each of which has room for a tile. */
enum { SHARES = 64 };

wsic_status wsic_token_scratch_create(const wsic_env *env, bool single, size_t columns,
                                      wsic_token_scratch *scratch)
{
    const size_t tile = columns < MANY_COLUMNS ? SMALL_TILE : LARGE_TILE;
    wsic_status status = WSIC_OK;

    *scratch = (wsic_token_scratch){.tile = tile,
                                    .threads = wsic_min_size(wsic_parallel_threads(env), SHARES)};
    if (single)
        scratch->tiles =
            wsic_alloc(env, scratch->threads, tile * tile * sizeof *scratch->tiles, &status);
    return status;
}

void wsic_token_scratch_release(const wsic_env *env, wsic_token_scratch *scratch)
{
    wsic_free(env, scratch->tiles);
    *scratch = (wsic_token_scratch){.tiles = NULL};
}

/* Some rows or columns of S. */
typedef struct span {
    size_t first, count;
} span;

typedef struct sum_tile {
    const wsic_token_sum *sum;
    span rows, columns;
    size_t stride; /* from a column of the product to the next */
    bool lower;    /* on the diagonal: only its lower triangle is wanted */
} sum_tile;

typedef struct sums_job {
    const wsic_token_sum *sums;
    size_t count;
    const wsic_token_scratch *scratch;
} sums_job;

static double *element(const sum_tile *tile, size_t j)
{
    const size_t rows = tile->sum->x->columns;

    return tile->sum->sum + (tile->columns.first + j) * rows + tile->rows.first;
}

/* --- in double precision --------------------------------------------------- */

static void add_doubles(const sum_tile *tile)
{
    const wsic_token_block *const x = tile->sum->x, *const y = tile->sum->y;
    const wsic_product product = {.m = tile->rows.count,
                                  .n = tile->columns.count,
                                  .k = x->count,
                                  .ldx = x->columns,
                                  .ldy = y->columns,
                                  .ldc = x->columns,
                                  .lower = tile->lower};

    wsic_cross_accumulate(&product, x->doubles + tile->rows.first, y->doubles + tile->columns.first,
                          element(tile, 0));
}

/* --- in single precision --------------------------------------------------- */

/* The product of y' and y'' (token_block.h) to that of w (x' - c') and (x'' - c''). */
static void add_scaled(const sum_tile *tile, size_t j, const float *restrict product)
{
    const double *const units = tile->sum->x->units + tile->rows.first;
    const double unit = tile->sum->y->units[tile->columns.first + j];
    double *restrict const s = element(tile, j);

    for (size_t i = tile->lower ? j : 0; i < tile->rows.count; i++)
        s[i] += (double)product[i] * (units[i] * unit);
}

static void add_plain(const sum_tile *tile, size_t j, const float *restrict product)
{
    double *restrict const s = element(tile, j);

    for (size_t i = tile->lower ? j : 0; i < tile->rows.count; i++)
        s[i] += (double)product[i];
}

static void add_products(const sum_tile *tile, const float *product)
{
    const bool scaled = tile->sum->x->scaled || tile->sum->y->scaled;

    for (size_t j = 0; j < tile->columns.count; j++) {
        if (scaled)
            add_scaled(tile, j, product + j * tile->stride);
        else
            add_plain(tile, j, product + j * tile->stride);
    }
}

/* Σ w x' x'' = Σ w (x' - c') (x'' - c'') + c'' Σ w (x' - c') + c' Σ w (x'' - c'') + c' c'' Σ w,
 * rounded alike when the two change places. */
static void add_centers(const sum_tile *tile, size_t j)
{
    const wsic_token_block *const x = tile->sum->x, *const y = tile->sum->y;
    const size_t column = tile->columns.first + j;
    const double *const centers = x->centers + tile->rows.first;
    const double *const sums = x->sums + tile->rows.first;
    const double center = y->centers[column], sum = y->sums[column];
    double *restrict const s = element(tile, j);

    for (size_t i = tile->lower ? j : 0; i < tile->rows.count; i++)
        s[i] += (center * sums[i] + sum * centers[i]) + x->weight * (center * centers[i]);
}

static void add_product(const sum_tile *tile, const float *product)
{
    const wsic_token_block *const x = tile->sum->x, *const y = tile->sum->y;

    add_products(tile, product);
    for (size_t j = 0; (x->centered || y->centered) && j < tile->columns.count; j++)
        add_centers(tile, j);
}

static void transpose(float *product, size_t side)
{
    for (size_t j = 1; j < side; j++)
        for (size_t i = 0; i < j; i++) {
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room for it */
            const float upper = product[j * side + i];
            product[j * side + i] = product[i * side + j];
            product[i * side + j] = upper;
        }
}

/* The tile and the one that it is in the other triangle. */
static void add_mirrored(const sum_tile *tile, float *product)
{
    sum_tile mirror = *tile;

    if (tile->lower) {
        for (size_t j = 1; j < tile->columns.count; j++)
            for (size_t i = 0; i < j; i++)
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room for it */
                product[j * tile->stride + i] = product[i * tile->stride + j];
        mirror.lower = false;
        add_product(&mirror, product);
        return;
    }
    add_product(tile, product);
    transpose(product, tile->stride);
    mirror.rows = tile->columns;
    mirror.columns = tile->rows;
    add_product(&mirror, product);
}

static void add_singles(const sum_tile *tile, float *product)
{
    const wsic_token_block *const x = tile->sum->x, *const y = tile->sum->y;
    const wsic_product shape = {.m = tile->rows.count,
                                .n = tile->columns.count,
                                .k = x->count,
                                .ldx = x->columns,
                                .ldy = y->columns,
                                .ldc = tile->stride,
                                .lower = tile->lower};

    wsic_cross_singles(&shape, x->singles + tile->rows.first, y->singles + tile->columns.first,
                       product);
    if (tile->sum->mirrored)
        add_mirrored(tile, product);
    else
        add_product(tile, product);
}

/* --- tiles ----------------------------------------------------------------- */

/* In tiles of the same size as nearly as can be. */
static span span_at(size_t number, size_t parts, size_t total)
{
    const size_t first = number * total / parts;

    return (span){first, (number + 1) * total / parts - first};
}

static void add_tile(const sum_tile *tile, float *product)
{
    if (tile->sum->x->singles)
        add_singles(tile, product);
    else
        add_doubles(tile);
}

/* Every one of the threads' tasks takes the tiles whose turn it is. */
static void add_share(void *data, size_t share)
{
    const sums_job *const job = data;
    const size_t threads = job->scratch->threads, side = job->scratch->tile;
    float *const product = job->scratch->tiles ? job->scratch->tiles + share * side * side : NULL;
    size_t turn = 0;

    for (size_t k = 0; k < job->count; k++) {
        const wsic_token_sum *const sum = &job->sums[k];
        const size_t rows = wsic_div_up(sum->x->columns, side);
        const size_t columns = wsic_div_up(sum->y->columns, side);
        for (size_t j = 0; j < columns; j++)
            for (size_t i = sum->lower ? j : 0; i < rows; i++)
                if (turn++ % threads == share)
                    add_tile(&(sum_tile){.sum = sum,
                                         .rows = span_at(i, rows, sum->x->columns),
                                         .columns = span_at(j, columns, sum->y->columns),
                                         .stride = side,
                                         .lower = sum->lower && i == j},
                             product);
    }
}

void wsic_token_sums_add(const wsic_env *env, const wsic_token_sum *sums, size_t count,
                         const wsic_token_scratch *scratch)
{
    sums_job job = {.sums = sums, .count = count, .scratch = scratch};

    wsic_parallel_for(env, scratch->threads, add_share, &job);
}
