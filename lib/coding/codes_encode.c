/* SPDX-License-Identifier: MIT */
#include "coding/codes.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/sort.h"
#include "coding/codes_plan.h"

size_t wsic_codes_block_rows(size_t rows, size_t columns, unsigned kind)
{
    enum { BLOCK_CODES = 1 << 20, UNIT = 64 };
    /* The first rows of a block, which find the trellis with fewer ways to go, cost about
     * 0.4 bit a column for each bit of the state: so 0.003 bit a code at the most. */
    const size_t least = wsic_max_size(UNIT, 2 * (size_t)kind * UNIT);
    const size_t width = wsic_max_size(columns, 1);
    const size_t wanted = wsic_max_size(BLOCK_CODES / UNIT / width * UNIT, least);

    return wsic_min_size(rows, wsic_min_size(wanted, wsic_codes_block_rows_most(width)));
}

/* --- blocks ---------------------------------------------------------------------- */

typedef struct block_job {
    const wsic_env *env;
    const wsic_code_plan *plan;
    wsic_bytes *blocks;
    wsic_status *statuses;
} block_job;

/* Position of the first live row from `row` on, which is the first of a block. Where all are live
 * they need not be in order. */
static size_t first_live(const wsic_live_axis *rows, size_t row)
{
    size_t low = 0;
    size_t high = rows->count;

    if (rows->count == rows->total)
        return row;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows->index[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void encode_block(void *data, size_t block)
{
    const block_job *const job = data;
    const wsic_code_plan *const plan = job->plan;
    const size_t from = block * plan->block_rows;
    const size_t first = first_live(&plan->rows, from);
    /* The last block's end may lie beyond the last row, and beyond SIZE_MAX too. */
    const size_t length = wsic_min_size(plan->block_rows, plan->rows.total - from);
    const wsic_block_shape shape = {.rows = first_live(&plan->rows, from + length) - first,
                                    .columns = plan->columns.count,
                                    .lanes = (size_t)1 << plan->lanes_log,
                                    .classes = plan->classes,
                                    .row_class = plan->rows.classes + first,
                                    .column_class = plan->columns.classes,
                                    .trellis = plan->kind == 0 ? NULL : &plan->trellis};
    const wsic_block_layout layout = {.row_index = plan->rows.index + first,
                                      .column_index = plan->columns.index,
                                      .row_stride = 1,
                                      .column_stride = plan->rows.total};

    wsic_bytes_init(&job->blocks[block], job->env);
    job->statuses[block] = wsic_block_encode(job->env, &shape, plan->models, &layout,
                                             job->plan->data, &job->blocks[block]);
}

static wsic_status join_blocks(const block_job *job, size_t count, wsic_bytes *out)
{
    wsic_status status = WSIC_OK;

    for (size_t block = 0; block < count; block++) {
        status = status == WSIC_OK ? job->statuses[block] : status;
        wsic_put_varint(out, job->blocks[block].size);
    }
    for (size_t block = 0; block < count; block++) {
        if (status == WSIC_OK)
            wsic_bytes_append(out, job->blocks[block].data, job->blocks[block].size);
        wsic_bytes_release(&job->blocks[block]);
    }
    return status == WSIC_OK ? out->status : status;
}

static wsic_status encode_blocks(const wsic_env *env, const wsic_code_plan *plan, wsic_bytes *out)
{
    const size_t count = plan->classes == 0 ? 0 : wsic_div_up(plan->rows.total, plan->block_rows);
    block_job job = {.env = env, .plan = plan};
    wsic_status status;

    job.blocks = wsic_alloc(env, count, sizeof *job.blocks, &status);
    if (!job.blocks)
        return status;
    job.statuses = wsic_alloc(env, count, sizeof *job.statuses, &status);
    if (job.statuses) {
        wsic_parallel_for(env, count, encode_block, &job);
        status = join_blocks(&job, count, out);
    }
    wsic_free(env, job.statuses);
    wsic_free(env, job.blocks);
    return status;
}

wsic_status wsic_codes_encode(const wsic_env *env, const wsic_code_matrix *matrix,
                              size_t block_rows, wsic_bytes *out)
{
    const size_t before = out->size;
    wsic_code_plan plan;

    wsic_status status = wsic_code_plan_make(env, matrix, block_rows, &plan);
    if (status != WSIC_OK)
        return status;
    wsic_bytes_append(out, plan.head.data, plan.head.size);
    status = encode_blocks(env, &plan, out);
    if (status != WSIC_OK)
        out->size = before;
    wsic_code_plan_release(env, &plan);
    return status;
}

/* --- sizes ------------------------------------------------------------------------ */

wsic_status wsic_codes_measure(const wsic_env *env, const wsic_code_matrix *matrix,
                               size_t block_rows, double *bits, double *bits_fixed)
{
    /* A final state is stored in about 31.5 bits, its excess over 2^16 being log-uniform,
     * and holds 8 bits of the codes. The bypass leaves half a byte. */
    const double lane_bits = 23.5;
    const double bypass_bits = 4;
    wsic_code_plan plan;

    wsic_status status = wsic_code_plan_make(env, matrix, block_rows, &plan);
    if (status != WSIC_OK)
        return status;
    const double head = 8.0 * (double)plan.head.size;
    double total = head;
    if (plan.classes != 0) {
        const double blocks = (double)wsic_div_up(matrix->rows, plan.block_rows);
        const double size = plan.bits / blocks / 8;
        const double lanes = (double)(1U << plan.lanes_log);
        total += plan.bits + blocks * (lanes * lane_bits + bypass_bits + 8 +
                                       8 * (double)wsic_varint_size((uint64_t)size));
    }
    *bits = total;
    if (bits_fixed)
        *bits_fixed = head - 8.0 * (double)plan.head_rows;
    wsic_code_plan_release(env, &plan);
    return WSIC_OK;
}

/* Part of the entropy, in bits, of a value that occurs so often among all. */
static double share_bits(size_t times, size_t count)
{
    return times == 0 ? 0 : (double)times * (log2((double)count) - log2((double)times));
}

static double sorted_bits(const int32_t *sorted, size_t count)
{
    double bits = 0;
    size_t first = 0;

    for (size_t i = 1; i <= count; i++) {
        if (i == count || sorted[i] != sorted[first]) {
            bits += share_bits(i - first, count);
            first = i;
        }
    }
    return bits;
}

static wsic_status sort_and_count(const wsic_env *env, const int32_t *codes, size_t count,
                                  double *bits)
{
    wsic_status status;
    int32_t *const sorted = wsic_alloc(env, count, sizeof *sorted, &status);

    if (!sorted)
        return status;
    memcpy(sorted, codes, count * sizeof *sorted);
    wsic_sort(sorted, count, sizeof *sorted, wsic_ascending_int32);
    *bits = sorted_bits(sorted, count) / (double)count;
    wsic_free(env, sorted);
    return WSIC_OK;
}

/* All values lie between lowest and lowest + values - 1. */
static wsic_status count_directly(const wsic_env *env, const int32_t *codes, size_t count,
                                  int32_t lowest, size_t values, double *bits)
{
    double sum = 0;
    wsic_status status;
    size_t *const times = wsic_alloc_zero(env, values, sizeof *times, &status);

    if (!times)
        return status;
    for (size_t i = 0; i < count; i++)
        times[(int64_t)codes[i] - lowest]++;
    for (size_t i = 0; i < values; i++)
        sum += share_bits(times[i], count);
    *bits = sum / (double)count;
    wsic_free(env, times);
    return WSIC_OK;
}

wsic_status wsic_codes_entropy(const wsic_env *env, const int32_t *codes, size_t count,
                               double *bits)
{
    int32_t lowest = INT32_MAX;
    int32_t highest = INT32_MIN;

    *bits = 0;
    if (count == 0)
        return WSIC_OK;
    for (size_t i = 0; i < count; i++) {
        lowest = codes[i] < lowest ? codes[i] : lowest;
        highest = codes[i] > highest ? codes[i] : highest;
    }
    /* Neither way takes more memory than the codes do. */
    const uint64_t values = (uint64_t)((int64_t)highest - lowest) + 1;
    return values <= count / 2 ? count_directly(env, codes, count, lowest, (size_t)values, bits)
                               : sort_and_count(env, codes, count, bits);
}
