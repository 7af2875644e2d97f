/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/checked.h"
#include "coding/bits.h"
#include "coding/codes_plan.h"
#include "coding/take_run.h"

enum {
    RUN = WSIC_TAKE_RUN,
    PART = 16,             /* columns that one task takes */
    EXACT_ENERGY = 1 << 16 /* squares of smaller magnitudes are added up as integers */
};

/* What a task leaves to be said by the caller. */
typedef struct part_result {
    wsic_status status;
    bool too_wide; /* for narrow data */
    bool wrong;    /* a level that its codebook does not have: */
    size_t place, row;
    uint8_t largest;
} part_result;

typedef struct take_job {
    const wsic_env *env;
    const wsic_code_plan *plan;
    wsic_magnitudes *magnitudes;
    wsic_take_run *kernel;
    wsic_token_taps taps;
    part_result *results;
} take_job;

/* A column as it is being taken. */
typedef struct column_walk {
    const take_job *job;
    part_result *result;
    size_t place;
    uint64_t before; /* of wsic_trellis_take() */
    uint64_t small;  /* energy */
    double large;
} column_walk;

/* --- codes of any size ------------------------------------------------------------------ */

static bool is_narrow(const int32_t *values, size_t count)
{
    uint32_t outside = 0;

    for (size_t i = 0; i < count; i++)
        outside |= ((uint32_t)values[i] + 0x8000U) & 0xFFFF0000U;
    return outside == 0;
}

static void add_energy(column_walk *walk, int32_t code)
{
    const int64_t magnitude = code < 0 ? -(int64_t)code : code;

    if (magnitude < EXACT_ENERGY)
        walk->small += (uint64_t)(magnitude * magnitude);
    else
        walk->large += (double)magnitude * (double)magnitude;
}

/* From levels to tokens. False if one is no level: the row is noted. */
static bool make_tokens(column_walk *walk, size_t row, int32_t *data)
{
    const uint64_t wrong = wsic_trellis_take(&walk->job->taps, data, &walk->before, data);

    if (wrong == 0)
        return true;
    *walk->result =
        (part_result){.wrong = true, .place = walk->place, .row = row + wsic_lowest_bit(wrong)};
    return false;
}

/* Of a run that is filled up with zeros, which every codebook has. False if the column cannot go
 * on. */
static bool take_any(column_walk *walk, size_t row, size_t count, int32_t *data)
{
    const wsic_code_plan *const plan = walk->job->plan;
    const size_t at = walk->place * plan->live_rows + row;
    uint8_t *const buckets = walk->job->magnitudes->buckets + at;
    const wsic_codes_data *const out = &plan->data;

    if (plan->is_trellis && !make_tokens(walk, row, data))
        return false;
    if (out->narrow && !is_narrow(data, count)) {
        walk->result->too_wide = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        buckets[i] = plan->is_trellis ? wsic_token_bucket(data[i]) : wsic_bucket(data[i]);
        add_energy(walk, plan->is_trellis ? wsic_token_index(data[i]) : data[i]);
        if (out->narrow)
            out->narrow[at + i] = (int16_t)data[i];
        else
            out->wide[at + i] = data[i];
    }
    return true;
}

/* --- runs, columns, parts ----------------------------------------------------------------- */

static bool take_whole_run(column_walk *walk, size_t row, const int32_t *codes)
{
    const take_job *const job = walk->job;
    const size_t at = walk->place * job->plan->live_rows + row;
    int32_t data[RUN];

    if (job->plan->data.narrow &&
        job->kernel(codes, job->plan->is_trellis ? &job->taps : NULL, &walk->before,
                    job->plan->data.narrow + at, job->magnitudes->buckets + at, &walk->small))
        return true;
    memcpy(data, codes, sizeof data);
    return take_any(walk, row, RUN, data);
}

/* Rows from `row` on, whose trellis begins anew. */
static bool take_rows(column_walk *walk, size_t row, size_t count, const int32_t *codes)
{
    const size_t whole = count / RUN * RUN;
    int32_t last[RUN] = {0};

    walk->before = 0;
    for (size_t i = 0; i < whole; i += RUN) {
        if (!take_whole_run(walk, row + i, codes + i))
            return false;
    }
    if (whole == count)
        return true;
    memcpy(last, codes + whole, (count - whole) * sizeof *last);
    return take_any(walk, row + whole, count - whole, last);
}

static bool take_blocks(column_walk *walk, const int32_t *codes)
{
    const wsic_code_plan *const plan = walk->job->plan;

    if (!plan->is_trellis)
        return take_rows(walk, 0, plan->live_rows, codes);
    for (size_t block = 0; block < plan->blocks; block++) {
        const size_t first = plan->first_row[block];
        if (!take_rows(walk, first, plan->first_row[block + 1] - first, codes + first))
            return false;
    }
    return true;
}

/* The greatest bucket of a column. */
static uint8_t find_largest(const uint8_t *buckets, size_t count)
{
    uint8_t largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = buckets[i] > largest ? buckets[i] : largest;
    return largest;
}

/* One column, whose rows stand in the order in which they are coded. */
static bool take_column(const take_job *job, part_result *result, size_t place,
                        const int32_t *codes)
{
    wsic_magnitudes *const magnitudes = job->magnitudes;
    column_walk walk = {.job = job, .result = result, .place = place};

    if (!take_blocks(&walk, codes))
        return false;
    const uint8_t largest =
        find_largest(magnitudes->buckets + place * magnitudes->rows, magnitudes->rows);
    result->largest = largest > result->largest ? largest : result->largest;
    magnitudes->deviation[place] =
        sqrt((walk.large + (double)walk.small) / (double)magnitudes->rows);
    return true;
}

static void take_part(void *data, size_t index)
{
    const take_job *const job = data;
    const wsic_code_plan *const plan = job->plan;
    const bool in_place = plan->live_rows == plan->matrix->rows && plan->stride == 1;
    const size_t end = wsic_min_size((index + 1) * PART, plan->live_columns);
    part_result *const result = &job->results[index];
    int32_t *column = NULL;

    *result = (part_result){.status = WSIC_OK};
    if (!in_place)
        column = wsic_alloc(job->env, plan->live_rows, sizeof *column, &result->status);
    for (size_t place = index * PART; place < end && (in_place || column); place++) {
        const int32_t *const codes =
            plan->matrix->codes + plan->live_column[place] * plan->matrix->rows;
        for (size_t i = 0; column && i < plan->live_rows; i++)
            column[i] = codes[plan->row[i]];
        if (!take_column(job, result, place, column ? column : codes))
            break;
    }
    wsic_free(job->env, column);
}

/* --- all ------------------------------------------------------------------------------------ */

static wsic_status fail_at_level(const wsic_env *env, const wsic_code_plan *plan,
                                 const part_result *result)
{
    const size_t j = plan->live_column[result->place];
    const size_t i = plan->row[result->row];

    return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                     "code %d of row %zu, column %zu is no level of the trellis",
                     (int)plan->matrix->codes[j * plan->matrix->rows + i], i, j);
}

/* Of all parts the first failure counts. */
static wsic_status join_parts(const take_job *job, size_t parts, bool *too_wide)
{
    job->magnitudes->used = 0;
    *too_wide = false;
    for (size_t k = 0; k < parts; k++) {
        const part_result *const result = &job->results[k];
        if (result->wrong)
            return fail_at_level(job->env, job->plan, result);
        if (result->status != WSIC_OK)
            return result->status;
        *too_wide |= result->too_wide;
        if (result->largest >= job->magnitudes->used)
            job->magnitudes->used = (uint32_t)result->largest + 1;
    }
    return WSIC_OK;
}

/* Given room for what becomes of each part. */
static wsic_status take_parts(take_job *job, wsic_code_plan *plan, size_t parts)
{
    bool too_wide;

    wsic_parallel_for(job->env, parts, take_part, job);
    wsic_status status = join_parts(job, parts, &too_wide);
    if (status != WSIC_OK || !too_wide)
        return status;
    wsic_codes_data_release(job->env, &plan->data);
    status =
        wsic_codes_data_create(job->env, plan->live_rows, plan->live_columns, true, &plan->data);
    if (status != WSIC_OK)
        return status;
    wsic_parallel_for(job->env, parts, take_part, job);
    return join_parts(job, parts, &too_wide);
}

wsic_status wsic_code_plan_take(const wsic_env *env, wsic_code_plan *plan,
                                wsic_magnitudes *magnitudes)
{
    const size_t parts = wsic_div_up(plan->live_columns, PART);
    take_job job = {.env = env,
                    .plan = plan,
                    .magnitudes = magnitudes,
                    .kernel = wsic_take_run_kernel(wsic_kernels_chosen(env))};

    if (plan->is_trellis)
        job.taps = wsic_token_taps_make(&plan->trellis);
    wsic_status status =
        wsic_codes_data_create(env, plan->live_rows, plan->live_columns, false, &plan->data);
    if (status == WSIC_OK)
        status = wsic_magnitudes_create(env, plan->live_rows, plan->live_columns, plan->is_trellis,
                                        magnitudes);
    if (status != WSIC_OK)
        return status;
    job.results = wsic_alloc(env, parts, sizeof *job.results, &status);
    if (job.results)
        status = take_parts(&job, plan, parts);
    wsic_free(env, job.results);
    if (status != WSIC_OK)
        wsic_magnitudes_release(env, magnitudes);
    return status;
}
