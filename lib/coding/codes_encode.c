/* SPDX-License-Identifier: MIT */
#include "coding/codes.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/sort.h"
#include "coding/codes_plan.h"
#include "coding/int_array.h"
#include "coding/stream_encode.h"

size_t wsic_codes_block_rows(size_t rows, size_t columns, unsigned kind)
{
    enum { BLOCK_CODES = 1 << 18, UNIT = 64, PLAIN_ROWS = 512, TRELLIS_ROWS = 128 };
    /* The first rows of a block, which find the trellis with fewer ways to go, cost about
     * 0.4 bit a column for each bit of the state: so 0.003 bit a code. Without a trellis blocks are
     * as low as leaves several streams to each: who wants one row decodes its block. */
    const size_t width = wsic_max_size(columns, 1);
    const size_t plain = wsic_min_size(BLOCK_CODES / UNIT / width * UNIT, PLAIN_ROWS);
    const size_t wanted = kind == 0 ? wsic_max_size(plain, UNIT) : TRELLIS_ROWS * (size_t)kind;

    return wsic_min_size(rows, wsic_min_size(wanted, wsic_codes_block_rows_most(width)));
}

/* --- streams --------------------------------------------------------------------- */

typedef struct stream_job {
    const wsic_env *env;
    const wsic_code_plan *plan;
    uint32_t *ranges;
    wsic_bytes *bytes;
    wsic_status *statuses;
} stream_job;

static void encode_stream(void *data, size_t index)
{
    const stream_job *const job = data;
    const wsic_code_plan *const plan = job->plan;
    const size_t block = index / plan->streams;

    wsic_bytes_init(&job->bytes[index], job->env);
    job->statuses[index] = WSIC_OK;
    if (plan->first_row[block + 1] != plan->first_row[block])
        job->statuses[index] = wsic_stream_encode(job->env, plan, job->ranges, block,
                                                  index % plan->streams, &job->bytes[index]);
}

/* The sizes of the streams of blocks that live, the last one first: most small matrices have no
 * other. */
static wsic_status put_sizes(const stream_job *job, size_t count, wsic_bytes *out)
{
    wsic_status status = WSIC_OK;
    int32_t *const sizes = wsic_alloc(job->env, count, sizeof *sizes, &status);
    size_t listed = 0;

    if (!sizes)
        return status;
    for (size_t k = 0; k < count; k++) {
        if (job->bytes[k].size > WSIC_INT_ARRAY_LIMIT)
            status = wsic_fail(job->env, WSIC_ERROR_TOO_LARGE, "a stream of %zu bytes",
                               job->bytes[k].size);
        if (job->bytes[k].size != 0)
            sizes[listed++] = (int32_t)job->bytes[k].size;
    }
    if (status == WSIC_OK) {
        wsic_put_varint(out, (uint64_t)sizes[listed - 1]);
        status = wsic_int_array_write(job->env, sizes, listed - 1, out);
    }
    wsic_free(job->env, sizes);
    return status;
}

static wsic_status join_streams(const stream_job *job, size_t count, wsic_bytes *out)
{
    wsic_status status = WSIC_OK;

    for (size_t k = 0; k < count; k++)
        status = status == WSIC_OK ? job->statuses[k] : status;
    if (status == WSIC_OK)
        status = put_sizes(job, count, out);
    for (size_t k = 0; k < count; k++) {
        if (status == WSIC_OK)
            wsic_bytes_append(out, job->bytes[k].data, job->bytes[k].size);
        wsic_bytes_release(&job->bytes[k]);
    }
    return status == WSIC_OK ? out->status : status;
}

static wsic_status encode_streams(const wsic_env *env, const wsic_code_plan *plan, wsic_bytes *out)
{
    const size_t count = plan->blocks * plan->streams;
    stream_job job = {.env = env, .plan = plan};

    if (plan->classes == 0)
        return WSIC_OK;
    wsic_status status;
    job.ranges = wsic_code_ranges(env, plan, &status);
    if (!job.ranges)
        return status;
    job.bytes = wsic_alloc(env, count, sizeof *job.bytes, &status);
    if (job.bytes)
        job.statuses = wsic_alloc(env, count, sizeof *job.statuses, &status);
    if (job.statuses) {
        wsic_parallel_for(env, count, encode_stream, &job);
        status = join_streams(&job, count, out);
    }
    wsic_free(env, job.statuses);
    wsic_free(env, job.bytes);
    wsic_free(env, job.ranges);
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
    status = encode_streams(env, &plan, out);
    if (status != WSIC_OK)
        out->size = before;
    wsic_code_plan_release(env, &plan);
    return status;
}

/* --- sizes ------------------------------------------------------------------------ */

/* Blocks with a row that is not dead; the streams of others are empty. */
static size_t live_blocks(const wsic_code_plan *plan)
{
    size_t count = 0;

    for (size_t block = 0; block < plan->blocks; block++)
        count += plan->first_row[block] != plan->first_row[block + 1];
    return count;
}

wsic_status wsic_codes_measure(const wsic_env *env, const wsic_code_matrix *matrix,
                               size_t block_rows, double *bits, double *bits_fixed)
{
    /* A state is stored in 4 bits more than what it holds of the codes, or a little less; the tail
     * loses a state, and there are its length and the stream's. */
    const double lane_bits = 3.5;
    const double stream_bits = 57;
    const double serial_bits = 38;
    wsic_code_plan plan;

    wsic_status status = wsic_code_plan_make(env, matrix, block_rows, &plan);
    if (status != WSIC_OK)
        return status;
    const double head = 8.0 * (double)plan.head.size;
    double total = head;
    if (plan.classes != 0) {
        const double streams = (double)live_blocks(&plan) * (double)plan.streams;
        const double lanes = (double)wsic_code_plan_group_columns(&plan, 0);
        total +=
            plan.bits + streams * (wsic_code_plan_serial(&plan) ? serial_bits
                                                                : lanes * lane_bits + stream_bits);
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
