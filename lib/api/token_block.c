/* SPDX-License-Identifier: MIT */
#include "api/token_block.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/half.h"

/* Enough for BLAS to be at full speed, and little beside the n x n sums. The bound of the errors
 * grows with those in single precision, since the products of a block are summed in it. Twice the
 * 384 tokens that OpenBLAS packs at a time in single precision: each block reads and writes all of
 * the sums, which more tokens share. */
enum { SINGLES = 768, DOUBLES = 512 };

/* Tokens that a thread takes at once, and the groups that there are of them. */
enum { GROUP = 32, GROUPS = SINGLES / GROUP };

/* Columns whose sums stay in the innermost cache. */
enum { STRIP = 512 };

size_t wsic_token_block_capacity(bool single)
{
    return single ? SINGLES : DOUBLES;
}

/* Numbers for each column: squares, sums, centers, units, and two for each group. */
enum { COLUMN_DOUBLES = 4 + 2 * GROUPS, COLUMN_SINGLES = 3 + GROUPS };

static void divide_columns(wsic_token_block *block, double *doubles, float *singles)
{
    const size_t n = block->columns;

    block->squares = doubles;
    block->sums = doubles + n;
    block->centers = doubles + 2 * n;
    block->units = doubles + 3 * n;
    block->parts = doubles + 4 * n;
    block->shifts = singles;
    block->inverses = singles + n;
    block->largest = singles + 2 * n;
    block->tops = singles + 3 * n;
}

wsic_status wsic_token_block_create(const wsic_env *env, const wsic_tokens *tokens, bool single,
                                    wsic_token_block *block)
{
    const size_t n = tokens->matrix.columns;
    const size_t capacity = wsic_min_size(wsic_token_block_capacity(single), tokens->matrix.rows);
    const size_t element = single ? sizeof(float) : sizeof(double);
    wsic_status status = WSIC_OK;

    *block = (wsic_token_block){.capacity = capacity, .columns = n};
    void *const values = wsic_alloc(env, n, capacity * element, &status);
    if (status != WSIC_OK)
        return status;
    double *const columns = wsic_alloc(
        env, n, COLUMN_DOUBLES * sizeof(double) + COLUMN_SINGLES * sizeof(float), &status);
    if (status != WSIC_OK) {
        wsic_free(env, values);
        return status;
    }
    divide_columns(block, columns, (float *)(void *)(columns + COLUMN_DOUBLES * n));
    block->singles = single ? values : NULL;
    block->doubles = single ? NULL : values;
    return WSIC_OK;
}

void wsic_token_block_release(const wsic_env *env, wsic_token_block *block)
{
    wsic_free(env, block->singles);
    wsic_free(env, block->doubles);
    wsic_free(env, block->squares);
    *block = (wsic_token_block){.capacity = 0};
}

/* --- reading ----------------------------------------------------------------- */

typedef struct load_job {
    const wsic_tokens *tokens;
    size_t first;
    wsic_token_block *block;
    bool avx2;
} load_job;

static double weight_of(const load_job *job, size_t token)
{
    return job->tokens->weights ? job->tokens->weights[job->first + token] : 1;
}

static const void *data_of(const load_job *job, size_t token)
{
    const wsic_matrix *const x = &job->tokens->matrix;

    return (const char *)x->data + (job->first + token) * x->row_stride * wsic_dtype_size(x->dtype);
}

static size_t end_of(const load_job *job, size_t group)
{
    return wsic_min_size((group + 1) * GROUP, job->block->count);
}

static void load_doubles(void *data, size_t group)
{
    const load_job *const job = data;
    const size_t n = job->block->columns;

    for (size_t t = group * GROUP; t < end_of(job, group); t++) {
        const double root = sqrt(weight_of(job, t));
        double *const out = job->block->doubles + t * n;
        wsic_load_f64(out, data_of(job, t), job->tokens->matrix.dtype, n);
        for (size_t j = 0; root != 1 && j < n; j++)
            out[j] *= root;
    }
}

static void square_doubles(wsic_token_block *block)
{
    const size_t n = block->columns;

    memset(block->squares, 0, n * sizeof *block->squares);
    for (size_t t = 0; t < block->count; t++)
        for (size_t j = 0; j < n; j++)
            block->squares[j] += block->doubles[t * n + j] * block->doubles[t * n + j];
}

/* --- sums of columns ------------------------------------------------------------ */

/* Of some columns. */
typedef struct column_sums {
    size_t count;
    double *sums;
    double *squares;
    float *tops;
} column_sums;

/* The bits of a float without its sign are in the order of magnitudes: whole numbers are compared,
 * which is done on whole vectors. */
static void add_magnitudes(const float *restrict x, size_t count, float *restrict tops)
{
    for (size_t j = 0; j < count; j++) {
        int32_t bits, top;
        memcpy(&bits, x + j, sizeof bits);
        memcpy(&top, tops + j, sizeof top);
        bits &= INT32_MAX;
        top = bits > top ? bits : top;
        memcpy(tops + j, &top, sizeof top);
    }
}

static void add_products(const float *restrict x, double weight, size_t count,
                         double *restrict sums, double *restrict squares)
{
    for (size_t j = 0; j < count; j++) {
        const double weighted = weight * (double)x[j];
        sums[j] += weighted;
        squares[j] += weighted * (double)x[j];
    }
}

static void sum_strip(const load_job *job, size_t group, size_t first, column_sums sums)
{
    const size_t n = job->block->columns;

    for (size_t j = 0; j < sums.count; j++) {
        sums.sums[j] = sums.squares[j] = 0;
        sums.tops[j] = 0;
    }
    for (size_t t = group * GROUP; t < end_of(job, group); t++) {
        const double weight = weight_of(job, t);
        const float *const x = job->block->singles + t * n + first;
        if (weight > 0) {
            add_magnitudes(x, sums.count, sums.tops);
            add_products(x, weight, sums.count, sums.sums, sums.squares);
        }
    }
}

static void load_token(const load_job *job, size_t token, float *out)
{
    const uint32_t dtype = job->tokens->matrix.dtype;

#if WSIC_X86
    if (dtype == WSIC_F16 && job->avx2) {
        wsic_load_f16_avx2(out, data_of(job, token), job->block->columns);
        return;
    }
#endif
    wsic_load_f32(out, data_of(job, token), dtype, job->block->columns);
}

static void load_singles(void *data, size_t group)
{
    const load_job *const job = data;
    wsic_token_block *const block = job->block;
    const size_t n = block->columns;

    for (size_t t = group * GROUP; t < end_of(job, group); t++)
        load_token(job, t, block->singles + t * n);
    for (size_t first = 0; first < n; first += STRIP)
        sum_strip(job, group, first,
                  (column_sums){.count = wsic_min_size(STRIP, n - first),
                                .sums = block->parts + 2 * group * n + first,
                                .squares = block->parts + (2 * group + 1) * n + first,
                                .tops = block->tops + group * n + first});
}

static void gather_groups(wsic_token_block *block)
{
    const size_t n = block->columns;

    memset(block->sums, 0, n * sizeof *block->sums);
    memset(block->squares, 0, n * sizeof *block->squares);
    memset(block->largest, 0, n * sizeof *block->largest);
    for (size_t group = 0; group < wsic_div_up(block->count, GROUP); group++) {
        const double *const sums = block->parts + 2 * group * n;
        for (size_t j = 0; j < n; j++) {
            block->sums[j] += sums[j];
            block->squares[j] += sums[n + j];
        }
        add_magnitudes(block->tops + group * n, n, block->largest);
    }
}

/* --- centers and units ------------------------------------------------------------ */

/* 0 where products of the column are safe as they are. Else that of the least power of two that no
 * value passes, down to where its reciprocal is a number. */
static int exponent_for(float largest)
{
    int exponent;

    if (largest == 0 || (largest >= 0x1p-32F && largest <= 0x1p32F))
        return 0;
    frexpf(largest, &exponent);
    return exponent > -126 ? exponent : -126;
}

/* The mean is subtracted where its square is larger than the variance. */
static void choose(wsic_token_block *block, size_t j)
{
    const int exponent = exponent_for(block->largest[j]);
    const double sum = block->sums[j];
    const double mean = block->weight > 0 ? sum / block->weight : 0;

    block->inverses[j] = ldexpf(1, -exponent);
    block->shifts[j] = 2 * sum * mean > block->squares[j] ? (float)ldexp(mean, -exponent) : 0;
    block->units[j] = ldexp(1, exponent);
    block->centers[j] = ldexp((double)block->shifts[j], exponent);
    block->sums[j] = sum - block->weight * block->centers[j];
    block->centered = block->centered || block->centers[j] != 0;
    block->scaled = block->scaled || exponent != 0;
}

static void move_singles(void *data, size_t group)
{
    const load_job *const job = data;
    const wsic_token_block *const block = job->block;
    const size_t n = block->columns;

    for (size_t t = group * GROUP; t < end_of(job, group); t++) {
        const float root = (float)sqrt(weight_of(job, t));
        float *const x = block->singles + t * n;
        for (size_t j = 0; j < n; j++)
            x[j] = (x[j] * block->inverses[j] - block->shifts[j]) * root;
    }
}

void wsic_token_block_load(const wsic_env *env, const wsic_tokens *tokens, size_t first,
                           size_t count, wsic_token_block *block)
{
    load_job job = {.tokens = tokens,
                    .first = first,
                    .block = block,
                    .avx2 = wsic_kernels_have_avx2(wsic_kernels_chosen(env))};
    const size_t groups = wsic_div_up(count, GROUP);

    block->count = count;
    block->weight = 0;
    block->centered = block->scaled = false;
    for (size_t t = 0; t < count; t++)
        block->weight += weight_of(&job, t);
    wsic_parallel_for(env, groups, block->singles ? load_singles : load_doubles, &job);
    if (!block->singles) {
        square_doubles(block);
        return;
    }
    gather_groups(block);
    for (size_t j = 0; j < block->columns; j++)
        choose(block, j);
    if (block->centered || block->scaled || tokens->weights)
        wsic_parallel_for(env, groups, move_singles, &job);
}
