/* SPDX-License-Identifier: MIT */
/* Recursion with feedback between blocks of rows: errors of what is decided move the targets of
 * what is not. docs/algorithm.md, section "Both sides". */
#include "quant/feedback.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/coupled.h"
#include "quant/permute.h"
#include "quant/target.h"

enum { ERROR_ROWS = 256 }; /* rows whose errors are fed back at a time */

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

    if (!job->problem->input.outputs || !wsic_encode_problem_drifts(job->problem) || job->live == 0)
        return WSIC_OK;
    wsic_status status = create_goal(job);
    if (status == WSIC_OK)
        status = wsic_job_target(job, rows, job->feedback.goal);
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

/* --- one group ---------------------------------------------------------------------- */

typedef struct pass {
    wsic_job *job;
    const wsic_progress *progress;
    size_t place;   /* of the first row of the group */
    size_t rows;    /* in it */
    double *target; /* rows x live: of the group */
    double *bias;   /* likewise, see coupled.h; NULL without a ridge */
    double *errors; /* ERROR_ROWS x live */
    double *sums;   /* see coupled.h */
    double *gamma;
    double *passed;
    int32_t *codes;
    int8_t *row_width;
} pass;

static void release(pass *p)
{
    const wsic_env *const env = p->job->env;

    wsic_free(env, p->target);
    wsic_free(env, p->bias);
    wsic_free(env, p->errors);
    wsic_free(env, p->sums);
    wsic_free(env, p->codes);
    wsic_free(env, p->row_width);
}

/* 1 - ρ_j / L_jj². */
static void fill_passed(const pass *p)
{
    const wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double diagonal = job->factor->L[k * job->live + k];
        const double *const ridge = job->spacing.ridge;
        const double rho = ridge ? ridge[wsic_factor_column(job->factor, k)] : 0.0;
        p->passed[k] = 1.0 - rho / (diagonal * diagonal);
    }
}

static wsic_status create(pass *p)
{
    const wsic_job *const job = p->job;
    const size_t live = job->live, longest = wsic_min_size(job->metric.group_rows, job->rows);
    wsic_status status = WSIC_OK;

    p->target = wsic_alloc(job->env, longest * live, sizeof *p->target, &status);
    if (status == WSIC_OK && job->spacing.ridge)
        p->bias = wsic_alloc(job->env, longest * live, sizeof *p->bias, &status);
    if (status == WSIC_OK)
        p->errors = wsic_alloc(job->env, wsic_min_size(ERROR_ROWS, job->rows) * live,
                               sizeof *p->errors, &status);
    if (status == WSIC_OK)
        p->sums = wsic_alloc_zero(job->env, 4 * live, sizeof *p->sums, &status);
    if (status == WSIC_OK)
        p->codes = wsic_alloc(job->env, longest * live, sizeof *p->codes, &status);
    if (status == WSIC_OK)
        p->row_width = wsic_alloc(job->env, longest, sizeof *p->row_width, &status);
    if (status != WSIC_OK) {
        release(p);
        return status;
    }
    p->gamma = p->sums + 2 * live;
    p->passed = p->sums + 3 * live;
    fill_passed(p);
    return WSIC_OK;
}

/* E of the rows at places from `first` on, which are decided. */
static void load_errors(const pass *p, size_t first, size_t count)
{
    const wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double *const goal = job->feedback.goal + k * job->rows + first;
        const double *const y = job->pass.y + k * job->rows + first;
        for (size_t i = 0; i < count; i++)
            p->errors[k * count + i] = goal[i] - y[i];
    }
}

/* T = W_b + F_b E_>b, b being the group. */
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
        int32_t *const codes = job->pass.codes + k * job->rows;
        for (size_t i = 0; i < p->rows; i++)
            codes[job->metric.order[p->place + i]] = p->codes[k * p->rows + i];
        memcpy(job->pass.y + k * job->rows + p->place, p->target + k * p->rows,
               p->rows * sizeof *p->target);
        /* All groups have the same, but 0 where a column has no code. */
        job->pass.gamma[k] = p->gamma[k] != 0.0 ? p->gamma[k] : job->pass.gamma[k];
    }
}

static wsic_progress group_span(const pass *p)
{
    const double from = p->progress->from, length = p->progress->to - from;
    const double rows = (double)p->job->rows;
    const double done = rows - (double)(p->place + p->rows);

    return (wsic_progress){p->progress->stage, from + done / rows * length,
                           from + (done + (double)p->rows) / rows * length};
}

static wsic_status decide_group(pass *p, wsic_coupled_result *result)
{
    wsic_job *const job = p->job;
    const wsic_progress span = group_span(p);
    const wsic_coupled problem = {
        .rows = p->rows,
        .columns = job->live,
        .L = job->factor->L,
        .alpha = job->pass.alpha,
        .gamma = job->feedback.gamma,
        .error_share = job->spacing.error_share,
        .passed = p->passed,
        .bias = p->bias,
        .quantizer = &job->quantizer,
        .row_width = p->row_width,
        .A = job->metric.factor + p->place * job->rows + p->place,
        .lda = job->rows,
        .sums = p->sums,
    };

    for (size_t i = 0; i < p->rows; i++)
        p->row_width[i] = job->row_width[job->metric.order[p->place + i]];
    move_target(p);
    wsic_status status = aim(p);
    if (status == WSIC_OK)
        status =
            wsic_coupled_run(job->env, &span, &problem, p->target, p->codes, p->gamma, result);
    if (status == WSIC_OK)
        keep_group(p);
    return status;
}

/* LMMSE over all rows takes all of them to be decided: it serves the next pass, which is at nearly
 * the same step. */
static void learn_gamma(const pass *p)
{
    wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live && job->options->lmmse; k++) {
        const double zy = p->sums[k], zz = p->sums[job->live + k];
        job->feedback.gamma[k] = zz > 0.0 && zy > 0.0 ? zy / zz : 1.0;
    }
}

wsic_status wsic_job_recurse_blocks(wsic_job *job, const wsic_progress *progress)
{
    pass p = {.job = job, .progress = progress};
    wsic_coupled_result result = {0.0, 0.0};
    wsic_status status = create(&p);

    if (status != WSIC_OK)
        return status;
    memset(job->pass.gamma, 0, job->live * sizeof *job->pass.gamma);
    for (size_t end = job->rows; end > 0 && status == WSIC_OK; end = p.place) {
        p.place = (end - 1) / job->metric.group_rows * job->metric.group_rows;
        p.rows = end - p.place;
        status = decide_group(&p, &result);
    }
    job->pass.residual = result.residual;
    job->pass.target_energy = result.target_energy;
    learn_gamma(&p);
    release(&p);
    return status;
}
