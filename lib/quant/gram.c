/* SPDX-License-Identifier: MIT */
#include "quant/gram.h"

#include <math.h>

#include "base/checked.h"
#include "linalg/linalg.h"

/* Columns of F that are a task. Fixed, so that sums are the same for any number of threads. */
enum { BLOCK_COLUMNS = 128 };

typedef struct product {
    const wsic_env *env;
    size_t first, count; /* rows */
    size_t rows;         /* of all codes */
    size_t n, blocks;
    const int32_t *codes;
    const double *t;
    bool single;
    wsic_reals x; /* count x n */
    double *F;
    wsic_status *status; /* of each block */
} product;

static size_t block_width(const product *p, size_t block)
{
    return wsic_min_size(BLOCK_COLUMNS, p->n - block * BLOCK_COLUMNS);
}

static void convert_block(void *data, size_t block)
{
    const product *const p = data;
    const size_t begin = block * BLOCK_COLUMNS;

    for (size_t j = begin; j < begin + block_width(p, block); j++) {
        const int32_t *const z = p->codes + j * p->rows + p->first;
        float *const x = p->x.f32 + j * p->count;
        if (p->t) {
            for (size_t i = 0; i < p->count; i++)
                x[i] = (float)(p->t[p->first + i] * z[i]);
        } else {
            for (size_t i = 0; i < p->count; i++)
                x[i] = (float)z[i];
        }
    }
}

static void add_single(const product *p, size_t begin, size_t width, const float *part)
{
    const size_t height = p->n - begin;

    for (size_t j = 0; j < width; j++) {
        double *const F = p->F + (begin + j) * p->n + begin;
        for (size_t i = j; i < height; i++)
            F[i] += part[j * height + i];
    }
}

/* Columns of F from their diagonal on. */
static void multiply_block(void *data, size_t block)
{
    const product *const p = data;
    const size_t begin = block * BLOCK_COLUMNS, width = block_width(p, block);
    wsic_status status = WSIC_OK;

    if (!p->single) {
        const double *const x = p->x.f64 + begin * p->count;
        wsic_gemm_add_transposed(p->n - begin, width, p->count, x, p->count, x, p->count,
                                 p->F + begin * p->n + begin, p->n);
        return;
    }
    float *const part = wsic_alloc(p->env, (p->n - begin) * width, sizeof *part, &status);
    if (part) {
        const float *const x = p->x.f32 + begin * p->count;
        wsic_gemm_transposed_f32(p->n - begin, width, p->count, x, p->count, x, p->count, part,
                                 p->n - begin);
        add_single(p, begin, width, part);
    }
    wsic_free(p->env, part);
    p->status[block] = status;
}

static wsic_status multiply(product *p)
{
    wsic_status status = WSIC_OK;

    wsic_parallel_for(p->env, p->blocks, multiply_block, p);
    for (size_t block = 0; block < p->blocks && status == WSIC_OK && p->single; block++)
        status = p->status[block];
    return status;
}

static int64_t largest_code(const int32_t *codes, size_t count)
{
    int32_t least = 0, most = 0;

    for (size_t k = 0; k < count; k++) {
        least = codes[k] < least ? codes[k] : least;
        most = codes[k] > most ? codes[k] : most;
    }
    return most > -(int64_t)least ? most : -(int64_t)least;
}

/* With scales nothing is exact, and the fewer products add up in single precision the better. */
static size_t rows_at_a_time(const product *p)
{
    const double largest =
        p->t ? HUGE_VAL : fmax((double)largest_code(p->codes, p->rows * p->n), 1.0);
    const double exact = floor(0x1p24 / (largest * largest));

    return (size_t)fmin(fmax(exact, WSIC_GRAM_ROWS), WSIC_GRAM_MOST_ROWS);
}

wsic_status wsic_gram_codes(const wsic_env *env, size_t rows, size_t n, const int32_t *codes,
                            const double *t, double *F)
{
    product p = {.env = env,
                 .rows = rows,
                 .n = n,
                 .blocks = wsic_div_up(n, BLOCK_COLUMNS),
                 .codes = codes,
                 .t = t,
                 .single = true,
                 .F = F};
    const size_t most = wsic_min_size(rows_at_a_time(&p), rows);
    wsic_status status = WSIC_OK;

    p.status = wsic_alloc_zero(env, p.blocks, sizeof *p.status, &status);
    if (status == WSIC_OK)
        p.x.f32 = wsic_alloc(env, most * n, sizeof(float), &status);
    for (; status == WSIC_OK && p.first < rows; p.first += most) {
        p.count = wsic_min_size(most, rows - p.first);
        wsic_parallel_for(env, p.blocks, convert_block, &p);
        status = multiply(&p);
    }
    wsic_free(env, p.x.f32);
    wsic_free(env, p.status);
    return status;
}

wsic_status wsic_gram_add(const wsic_env *env, size_t count, size_t n, const double *x, double *F)
{
    product p = {.env = env,
                 .count = count,
                 .n = n,
                 .blocks = wsic_div_up(n, BLOCK_COLUMNS),
                 .x = {.f64 = (double *)x},
                 .F = F};

    return multiply(&p);
}
