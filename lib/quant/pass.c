/* SPDX-License-Identifier: MIT */
#include "quant/pass.h"

#include "base/clock.h"
#include "quant/feedback.h"
#include "quant/permute.h"
#include "quant/precision.h"
#include "quant/target.h"
#include "quant/zsic.h"

/* Codes and factors of the recursion from the order of the factor to that of the
 * matrix. */
static wsic_status restore_order(wsic_job *job)
{
    const size_t *const order = job->factor->order;
    const size_t live = job->live;
    wsic_status status = wsic_permute_backward(
        job->env, live, order, job->rows * sizeof *job->pass.codes, job->pass.codes);

    if (status == WSIC_OK)
        status =
            wsic_permute_backward(job->env, live, order, sizeof *job->pass.alpha, job->pass.alpha);
    if (status == WSIC_OK)
        status =
            wsic_permute_backward(job->env, live, order, sizeof *job->pass.gamma, job->pass.gamma);
    return status;
}

wsic_status wsic_job_recurse(wsic_job *job, const wsic_progress *progress, size_t rows,
                             const int8_t *row_width, double *residual)
{
    const bool by_blocks = rows == job->rows && job->quantizer.restart_rows != 0;
    const wsic_zsic problem = {
        .rows = rows,
        .columns = job->live,
        .L = job->factor->L,
        .L_single = job->L_single,
        .alpha = job->pass.alpha,
        .error_share = job->spacing.error_share,
        .lmmse = job->options->lmmse,
        .quantizer = &job->quantizer,
        .row_width = row_width,
        .survivors = job->options->survivors,
        .tile_start = by_blocks ? job->block_start : NULL,
        .tiles = job->blocks,
    };

    return wsic_zsic_run(job->env, progress, &problem, job->pass.y, job->pass.codes,
                         job->pass.gamma, residual);
}

wsic_status wsic_job_widen(wsic_job *job)
{
    wsic_status status = WSIC_OK;

    if (!job->single)
        return WSIC_OK;
    wsic_free(job->env, job->pass.y.f32);
    wsic_free(job->env, job->L_single);
    job->L_single = NULL;
    job->pass.y.f64 = wsic_alloc(job->env, job->rows * job->live, sizeof(double), &status);
    return status;
}

wsic_status wsic_job_narrow(wsic_job *job)
{
    if (!job->single)
        return WSIC_OK;
    wsic_free(job->env, job->pass.y.f64);
    job->pass.y.f64 = NULL;
    wsic_status status = wsic_job_round_factor(job);
    if (status == WSIC_OK)
        job->pass.y.f32 = wsic_alloc(job->env, job->rows * job->live, sizeof(float), &status);
    return status;
}

static wsic_status recurse_all(wsic_job *job, const wsic_progress *progress)
{
    const wsic_selection all = {job->rows, NULL};
    wsic_target_energy energy;
    const wsic_status status = wsic_job_target(job, all, job->single, job->pass.y, &energy);

    if (status != WSIC_OK)
        return status;
    job->pass.target_energy = energy.target;
    job->pass.product_energy = energy.product;
    return wsic_job_recurse(job, progress, job->rows, job->row_width, &job->pass.residual);
}

wsic_status wsic_job_quantize(wsic_job *job, double step)
{
    const wsic_progress span = wsic_job_span(job, "quantize", 0.4);
    double mark = wsic_now();

    job->pass.step = step;
    wsic_job_space(job, step);
    wsic_status status =
        wsic_job_feeds_back(job) ? wsic_job_recurse_coupled(job, &span) : recurse_all(job, &span);
    if (status == WSIC_OK)
        status = restore_order(job);
    job->report->passes++;
    job->report->seconds_recursion += wsic_lap(&mark);
    return status;
}
