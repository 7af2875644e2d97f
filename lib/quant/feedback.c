/* SPDX-License-Identifier: MIT */
/* Recursion with feedback between rows: errors of what is decided move the targets of
 * what is not. docs/algorithm.md, section "Both sides". */
#include "quant/feedback.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/coupled.h"
#include "quant/permute.h"
#include "quant/reals.h"
#include "quant/target.h"
#include "quant/zsic.h"

enum {
    ERROR_ROWS = 256, /* rows whose errors are fed back at a time */
    GROUP_ROWS = 640  /* that are decided together: their part of the metric stays in the cache */
};

/* --- the goal -------------------------------------------------------------------- */

static wsic_status create_goal(wsic_job *job)
{
    wsic_status status = WSIC_OK;

    job->feedback.goal =
        wsic_alloc(job->env, job->rows * job->live, sizeof *job->feedback.goal, &status);
    return status;
}

/* W' = (C + δ W) (S + δI)⁻¹, with the factor as it is before ridge and order. */
wsic_status wsic_job_drifted_goal(wsic_job *job)
{
    const wsic_selection rows = {job->rows, job->metric.order};

    if (!wsic_outputs_known(&job->problem->input.outputs) ||
        !wsic_encode_problem_drifts(job->problem) || job->live == 0)
        return WSIC_OK;
    wsic_status status = create_goal(job);
    if (status == WSIC_OK)
        status = wsic_job_target(job, rows, false, (wsic_reals){.f64 = job->feedback.goal}, NULL);
    if (status == WSIC_OK)
        wsic_solve_lower(job->rows, job->live, job->factor->L, job->live, job->feedback.goal,
                         job->rows);
    return status;
}

wsic_status wsic_job_plain_goal(wsic_job *job)
{
    const wsic_selection rows = {job->rows, job->metric.order};
    wsic_status status = WSIC_OK;

    if (job->live == 0)
        return WSIC_OK;
    if (!job->feedback.goal) {
        if (!wsic_job_feeds_back(job))
            return WSIC_OK;
        status = create_goal(job);
        if (status != WSIC_OK)
            return status;
        wsic_weights_load(&job->weights, rows, 0, job->rows, job->problem->live_columns,
                          job->feedback.goal, job->rows);
    }
    for (size_t k = 0; k < job->live; k++)
        job->feedback.gamma[k] = 1.0;
    return wsic_permute_forward(job->env, job->live, job->factor->order,
                                job->rows * sizeof *job->feedback.goal, job->feedback.goal);
}

/* --- one group of rows --------------------------------------------------------------- */

typedef struct pass {
    wsic_job *job;
    const wsic_progress *progress;
    size_t first;   /* row of the group */
    size_t rows;    /* in it */
    size_t place;   /* of its last row */
    double *target; /* rows x live: of the group */
    double *bias;   /* likewise, see coupled.h; NULL without a ridge */
    double *errors; /* ERROR_ROWS x live */
    double *passed_on;
    int32_t *codes;
    int8_t *row_width;
    uint8_t *states;
    wsic_coupled_sums sums;
} pass;

static void release(pass *p)
{
    const wsic_env *const env = p->job->env;

    wsic_free(env, p->target);
    wsic_free(env, p->bias);
    wsic_free(env, p->errors);
    wsic_free(env, p->passed_on);
    wsic_free(env, p->codes);
    wsic_free(env, p->row_width);
    wsic_free(env, p->states);
}

static wsic_status allocate(pass *p)
{
    const wsic_job *const job = p->job;
    const size_t live = job->live, longest = wsic_min_size(GROUP_ROWS, job->rows);
    wsic_status status = WSIC_OK;

    p->target = wsic_alloc(job->env, longest * live, sizeof *p->target, &status);
    if (status == WSIC_OK && job->spacing.ridge)
        p->bias = wsic_alloc(job->env, longest * live, sizeof *p->bias, &status);
    if (status == WSIC_OK)
        p->errors = wsic_alloc(job->env, wsic_min_size(ERROR_ROWS, job->rows) * live,
                               sizeof *p->errors, &status);
    if (status == WSIC_OK)
        p->passed_on = wsic_alloc_zero(job->env, 3 * live, sizeof *p->passed_on, &status);
    if (status == WSIC_OK)
        p->codes = wsic_alloc(job->env, longest * live, sizeof *p->codes, &status);
    if (status == WSIC_OK)
        p->row_width = wsic_alloc(job->env, longest, sizeof *p->row_width, &status);
    if (status == WSIC_OK)
        p->states = wsic_alloc_zero(job->env, live, sizeof *p->states, &status);
    return status;
}

/* 1 - ρ_j / L_jj². */
static void fill_passed_on(const pass *p)
{
    const wsic_job *const job = p->job;
    const double *const ridge = job->spacing.ridge;

    for (size_t k = 0; k < job->live; k++) {
        const double diagonal = job->factor->L[k * job->live + k];
        const double rho = ridge ? ridge[wsic_factor_column(job->factor, k)] : 0.0;
        p->passed_on[k] = 1.0 - rho / (diagonal * diagonal);
    }
}

static wsic_status create(pass *p)
{
    const wsic_status status = allocate(p);

    if (status != WSIC_OK) {
        release(p);
        return status;
    }
    p->sums.zy = p->passed_on + p->job->live;
    p->sums.zz = p->sums.zy + p->job->live;
    fill_passed_on(p);
    return WSIC_OK;
}

/* E of the rows at places from `first` on, which are decided. */
static void load_errors(const pass *p, size_t first, size_t count)
{
    const wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double *const goal = job->feedback.goal + k * job->rows + first;
        const double *const y = job->pass.y.f64 + k * job->rows + first;
        for (size_t i = 0; i < count; i++)
            p->errors[k * count + i] = goal[i] - y[i];
    }
}

/* T = W_b + F_b E_>b, where b is the group. */
static void move_target(const pass *p)
{
    const wsic_job *const job = p->job;
    const wsic_metric *const metric = &job->metric;
    const size_t behind = p->place + p->rows;

    memset(p->target, 0, p->rows * job->live * sizeof *p->target);
    for (size_t first = behind; first < job->rows; first += ERROR_ROWS) {
        const size_t count = wsic_min_size(ERROR_ROWS, job->rows - first);
        load_errors(p, first, count);
        wsic_metric_gather(metric, p->place, p->rows, first, count, job->live, p->errors, count,
                           p->target, p->rows);
    }
    if (behind < job->rows)
        wsic_metric_feed_back(metric, p->place, p->rows, job->live, p->target, p->rows);
    for (size_t k = 0; k < job->live; k++) {
        for (size_t i = 0; i < p->rows; i++)
            p->target[k * p->rows + i] += job->feedback.goal[k * job->rows + p->place + i];
    }
}

/* From T to Y, and T L - Y. */
static wsic_status aim(const pass *p)
{
    const wsic_job *const job = p->job;
    const size_t count = p->rows * job->live;

    if (p->bias) {
        memcpy(p->bias, p->target, count * sizeof *p->bias);
        wsic_multiply_lower(p->rows, job->live, job->factor->L, job->live, p->bias, p->rows);
    }
    const wsic_status status = wsic_job_aim(job, p->rows, p->target);
    for (size_t k = 0; p->bias && k < count; k++)
        p->bias[k] -= p->target[k];
    return status;
}

/* Codes to their rows, the reconstruction to its places. */
static void keep_group(const pass *p)
{
    wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double weight = job->feedback.gamma[k] * job->pass.alpha[k];
        const int32_t *const found = p->codes + k * p->rows;
        int32_t *const codes = job->pass.codes + k * job->rows;
        double *const y = job->pass.y.f64 + k * job->rows + p->place;
        for (size_t i = 0; i < p->rows; i++) {
            codes[job->metric.order[p->place + i]] = found[i];
            y[i] = weight * found[i];
        }
    }
}

static wsic_progress group_span(const pass *p)
{
    const double from = p->progress->from;
    const double share = (p->progress->to - from) / (double)p->job->rows;

    return (wsic_progress){p->progress->stage, from + share * (double)p->first,
                           from + share * (double)(p->first + p->rows)};
}

static wsic_status decide_coupled(pass *p, const wsic_progress *span)
{
    const wsic_job *const job = p->job;
    const wsic_coupled problem = {
        .rows = p->rows,
        .columns = job->live,
        .L = job->factor->L,
        .alpha = job->pass.alpha,
        .gamma = job->feedback.gamma,
        .error_share = job->spacing.error_share,
        .passed_on = p->passed_on,
        .bias = p->bias,
        .quantizer = &job->quantizer,
        .row_width = p->row_width,
        .A = job->metric.factor + p->place * job->rows + p->place,
        .lda = job->rows,
        .states = p->states,
    };

    return wsic_coupled_run(job->env, span, &problem, p->target, p->codes, &p->sums);
}

/* Survivors are sequences of codes along a row. So a row is decided as a whole, and the next row
 * waits for it. The γ that wsic_zsic_run() finds for one row are not needed: they overwrite the
 * sums for the LMMSE factor, which does not go together with survivors. */
static wsic_status decide_row(pass *p, const wsic_progress *span)
{
    const wsic_job *const job = p->job;
    const wsic_zsic problem = {
        .rows = p->rows,
        .columns = job->live,
        .L = job->factor->L,
        .alpha = job->pass.alpha,
        .error_share = job->spacing.error_share,
        .quantizer = &job->quantizer,
        .row_width = p->row_width,
        .survivors = job->options->survivors,
    };
    const wsic_reals target = {.f64 = p->target};
    double residual = 0.0;

    p->sums.target_energy += wsic_reals_square_sum(false, p->rows * job->live, target);
    const wsic_status status =
        wsic_zsic_run(job->env, span, &problem, target, p->codes, p->sums.zy, &residual);
    p->sums.residual += residual;
    return status;
}

static bool has_survivors(const wsic_job *job)
{
    return job->options->survivors > 1;
}

static wsic_status decide_group(pass *p)
{
    wsic_job *const job = p->job;
    const wsic_progress span = group_span(p);

    for (size_t i = 0; i < p->rows; i++)
        p->row_width[i] = job->row_width[job->metric.order[p->place + i]];
    move_target(p);
    wsic_status status = aim(p);
    if (status == WSIC_OK)
        status = has_survivors(job) ? decide_row(p, &span) : decide_coupled(p, &span);
    if (status == WSIC_OK)
        keep_group(p);
    return status;
}

/* --- all of them ----------------------------------------------------------------------- */

/* A group ends with a block of the coder at the latest, where a trellis begins anew. */
static void begin_group(pass *p, size_t first)
{
    const wsic_job *const job = p->job;
    size_t end = wsic_min_size(first + (has_survivors(job) ? 1 : GROUP_ROWS), job->rows);

    for (size_t block = 0; block < job->blocks; block++) {
        if (job->block_start[block] == first)
            memset(p->states, 0, job->live * sizeof *p->states);
        if (job->block_start[block] > first)
            end = wsic_min_size(end, job->block_start[block]);
    }
    p->first = first;
    p->rows = end - first;
    p->place = job->rows - end;
}

/* The LMMSE factor over all rows is known when all of them are decided. It serves the next pass,
 * which is at nearly the same step. A column whose codes are all 0 has a γ of 0 in this pass. */
static void settle_gamma(const pass *p)
{
    wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double zy = p->sums.zy[k], zz = p->sums.zz[k];
        job->pass.gamma[k] = zz > 0.0 || has_survivors(job) ? job->feedback.gamma[k] : 0.0;
        if (job->options->lmmse)
            job->feedback.gamma[k] = zz > 0.0 && zy > 0.0 ? zy / zz : 1.0;
    }
}

wsic_status wsic_job_recurse_coupled(wsic_job *job, const wsic_progress *progress)
{
    pass p = {.job = job, .progress = progress};
    wsic_status status = create(&p);

    if (status != WSIC_OK)
        return status;
    for (size_t first = 0; first < job->rows && status == WSIC_OK; first += p.rows) {
        begin_group(&p, first);
        status = decide_group(&p);
    }
    job->pass.residual = p.sums.residual;
    job->pass.target_energy = p.sums.target_energy;
    settle_gamma(&p);
    release(&p);
    return status;
}

double wsic_coupled_pass_memory(size_t rows, size_t columns)
{
    const double group = (double)wsic_min_size(GROUP_ROWS, rows), n = (double)columns;

    return 20.0 * group * n + group + 25.0 * n + 8.0 * fmin((double)rows, ERROR_ROWS) * n;
}
