/* SPDX-License-Identifier: MIT */
/* Recursion with feedback between blocks of rows: errors of what is decided move the targets of
 * what is not. docs/algorithm.md, section "Both sides". */
#include "quant/feedback.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/linalg.h"
#include "quant/permute.h"
#include "quant/target.h"
#include "quant/zsic.h"

enum {
    ERROR_ROWS = 256, /* rows whose errors are fed back at a time */
    TILE_ROWS = 256   /* of a quantizer without memory; fixed, see lib/quant/zsic.c */
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

    if (!job->problem->input.outputs || !wsic_encode_problem_drifts(job->problem) || job->live == 0)
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

/* --- one block --------------------------------------------------------------------- */

typedef struct pass {
    wsic_job *job;
    const wsic_progress *progress;
    size_t block;
    size_t place;   /* of its first row */
    size_t rows;    /* in it */
    double *target; /* rows x live: of the block */
    double *errors; /* ERROR_ROWS x live */
    double *sums;   /* see wsic_zsic */
    double *gamma;
    int32_t *codes;
    int8_t *row_width;
    size_t *tile_start;
    size_t tiles;
    uint8_t *states; /* NULL without a trellis */
} pass;

/* With a trellis one for each block of the coder. */
static size_t count_tiles(const wsic_job *job)
{
    const size_t longest = wsic_metric_place(&job->metric, 1);

    return job->quantizer.restart_rows != 0 ? job->blocks : wsic_div_up(longest, TILE_ROWS);
}

static void release(pass *p)
{
    const wsic_env *const env = p->job->env;

    wsic_free(env, p->target);
    wsic_free(env, p->errors);
    wsic_free(env, p->sums);
    wsic_free(env, p->codes);
    wsic_free(env, p->row_width);
    wsic_free(env, p->tile_start);
    wsic_free(env, p->states);
}

static wsic_status create(pass *p)
{
    const wsic_job *const job = p->job;
    const size_t live = job->live, longest = wsic_metric_place(&job->metric, 1);
    wsic_status status = WSIC_OK;

    p->tiles = count_tiles(job);
    p->target = wsic_alloc(job->env, longest * live, sizeof *p->target, &status);
    if (status == WSIC_OK)
        p->errors = wsic_alloc(job->env, wsic_min_size(ERROR_ROWS, job->rows) * live,
                               sizeof *p->errors, &status);
    if (status == WSIC_OK)
        p->sums = wsic_alloc_zero(job->env, 3 * live, sizeof *p->sums, &status);
    if (status == WSIC_OK)
        p->codes = wsic_alloc(job->env, longest * live, sizeof *p->codes, &status);
    if (status == WSIC_OK)
        p->row_width = wsic_alloc(job->env, longest, sizeof *p->row_width, &status);
    if (status == WSIC_OK)
        p->tile_start = wsic_alloc(job->env, p->tiles + 1, sizeof *p->tile_start, &status);
    if (status == WSIC_OK && job->quantizer.restart_rows != 0)
        p->states = wsic_alloc_zero(job->env, p->tiles * live, sizeof *p->states, &status);
    if (status != WSIC_OK)
        release(p);
    else
        p->gamma = p->sums + 2 * live;
    return status;
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

/* T = W_b + F_b E_>b. */
static void move_target(const pass *p)
{
    const wsic_job *const job = p->job;
    const wsic_metric *const metric = &job->metric;
    const size_t behind = p->place + p->rows;

    memset(p->target, 0, p->rows * job->live * sizeof *p->target);
    for (size_t first = behind; first < job->rows; first += ERROR_ROWS) {
        const size_t count = wsic_min_size(ERROR_ROWS, job->rows - first);
        load_errors(p, first, count);
        wsic_metric_gather(metric, p->block, first, count, job->live, p->errors, count, p->target,
                           p->rows);
    }
    if (behind < job->rows)
        wsic_metric_feed_back(metric, p->block, job->live, p->target, p->rows);
    for (size_t k = 0; k < job->live; k++) {
        for (size_t i = 0; i < p->rows; i++)
            p->target[k * p->rows + i] += job->feedback.goal[k * job->rows + p->place + i];
    }
}

/* Where among the rows of the block those of each block of the coder begin: row b + i B is the
 * first of them that is not before that block's first row. */
static void fill_tiles(const pass *p)
{
    const wsic_job *const job = p->job;

    for (size_t tile = 0; tile <= p->tiles; tile++) {
        size_t start = tile * TILE_ROWS;
        if (job->quantizer.restart_rows != 0) {
            const size_t first = job->block_start[tile];
            start = first > p->block ? wsic_div_up(first - p->block, job->metric.blocks) : 0;
        }
        p->tile_start[tile] = wsic_min_size(start, p->rows);
    }
}

static void begin_block(pass *p, size_t block)
{
    const wsic_job *const job = p->job;

    p->block = block;
    p->place = wsic_metric_place(&job->metric, block);
    p->rows = wsic_metric_place(&job->metric, block + 1) - p->place;
    for (size_t i = 0; i < p->rows; i++)
        p->row_width[i] = job->row_width[job->metric.order[p->place + i]];
    fill_tiles(p);
}

static double square_sum(const double *values, size_t count)
{
    double sum = 0.0;

    for (size_t k = 0; k < count; k++)
        sum += values[k] * values[k];
    return sum;
}

/* Codes to their rows, the reconstruction to its places. */
static void keep_block(const pass *p)
{
    wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        int32_t *const codes = job->pass.codes + k * job->rows;
        for (size_t i = 0; i < p->rows; i++)
            codes[job->metric.order[p->place + i]] = p->codes[k * p->rows + i];
        const double weight = p->gamma[k] * job->pass.alpha[k];
        double *const y = job->pass.y.f64 + k * job->rows + p->place;
        for (size_t i = 0; i < p->rows; i++)
            y[i] = weight * p->codes[k * p->rows + i];
        /* All blocks have the same, but 0 where a column has no code. */
        job->pass.gamma[k] = p->gamma[k] != 0.0 ? p->gamma[k] : job->pass.gamma[k];
    }
}

static wsic_progress block_span(const pass *p)
{
    const double from = p->progress->from, blocks = (double)p->job->metric.blocks;
    const double part = (p->progress->to - from) / blocks;
    const double done = blocks - 1.0 - (double)p->block;

    return (wsic_progress){p->progress->stage, from + done * part, from + (done + 1.0) * part};
}

static wsic_status decide_block(pass *p)
{
    wsic_job *const job = p->job;
    const wsic_progress span = block_span(p);
    const wsic_zsic problem = {
        .rows = p->rows,
        .columns = job->live,
        .L = job->factor->L,
        .alpha = job->pass.alpha,
        .error_share = job->spacing.error_share,
        .lmmse = job->options->lmmse,
        .quantizer = &job->quantizer,
        .row_width = p->row_width,
        .survivors = job->options->survivors,
        .tile_start = p->tile_start,
        .tiles = p->tiles,
        .states = p->states,
        .gamma = job->options->lmmse ? job->feedback.gamma : NULL,
        .sums = p->sums,
    };
    double residual = 0.0;

    move_target(p);
    wsic_status status = wsic_job_aim(job, p->rows, p->target);
    job->pass.target_energy += square_sum(p->target, p->rows * job->live);
    if (status == WSIC_OK)
        status = wsic_zsic_run(job->env, &span, &problem, (wsic_reals){.f64 = p->target}, p->codes,
                               p->gamma, &residual);
    job->pass.residual += residual;
    if (status == WSIC_OK)
        keep_block(p);
    return status;
}

/* LMMSE over all rows takes all blocks to be decided: it serves the next pass, which is at nearly
 * the same step. */
static void learn_gamma(const pass *p)
{
    wsic_job *const job = p->job;

    for (size_t k = 0; k < job->live; k++) {
        const double zy = p->sums[k], zz = p->sums[job->live + k];
        job->feedback.gamma[k] = zz > 0.0 && zy > 0.0 ? zy / zz : 1.0;
    }
}

wsic_status wsic_job_recurse_blocks(wsic_job *job, const wsic_progress *progress)
{
    pass p = {.job = job, .progress = progress};
    wsic_status status = create(&p);

    if (status != WSIC_OK)
        return status;
    job->pass.residual = job->pass.target_energy = 0.0;
    memset(job->pass.gamma, 0, job->live * sizeof *job->pass.gamma);
    for (size_t block = job->metric.blocks; status == WSIC_OK && block-- > 0;) {
        begin_block(&p, block);
        status = decide_block(&p);
    }
    learn_gamma(&p);
    release(&p);
    return status;
}
