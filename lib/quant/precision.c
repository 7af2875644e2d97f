/* SPDX-License-Identifier: MIT */
#include "quant/precision.h"

#include <float.h>
#include <math.h>

#include "quant/first_step.h"

/* Squares of elements of a factor are below its square: far from the end of floats. */
static const double largest_single = 0x1p50;

/* What single precision leaves of y_ij = (W L)_ij - Σ_k>j ŵ_ik L_kj differs by
 *
 *     √n u y_ij      from the sum, whose n roundings of half a unit u are independent,
 *     (W - Ŵ) ΔL     from the rounding of L, |ΔL_kj| <= u |L_kj|.
 *
 * A decision on a y that is wrong by e makes an error whose square is larger by e² in the mean:
 * the error is otherwise uniform within the step, and e knows nothing of it. Later columns work
 * with what has been decided, so that nothing adds up. Beside c² / 12, with weights of energy s and
 * errors of spacing α:
 *
 *     12 u² (n mean_j(s_j) ||L||²_F / n + mean_j(Σ_k L_kj² α_k² / 12)) / c². */
double wsic_job_rounding_loss(const wsic_job *job, double step)
{
    const double unit = 0.5 * (double)FLT_EPSILON, n = (double)job->live;
    const double *const L = job->factor->L;
    double of_sums = 0.0, of_factor = 0.0;

    for (size_t j = 0; j < job->live; j++) {
        for (size_t k = j; k < job->live; k++) {
            const double coupling = L[j * job->live + k] * L[j * job->live + k];
            const double shape = job->spacing.shape[k];
            of_sums += coupling * job->column_energy[wsic_factor_column(job->factor, k)];
            of_factor += coupling * shape * shape;
        }
    }
    return unit * unit * (12.0 * of_sums / (step * step) + of_factor / n);
}

/* A ridge for a coarse step, and the factor with it, may leave the range of float. */
static bool fits_single(const wsic_job *job)
{
    for (size_t j = 0; j < job->live; j++) {
        const double diagonal = job->factor->L[j * job->live + j];
        if (!(diagonal < largest_single))
            return false;
    }
    return true;
}

static bool can_be_single(const wsic_job *job)
{
    return job->options->precision == WSIC_PRECISION_AUTO && job->live > 0 &&
           job->idle_rows < job->rows && job->options->survivors <= 1 && !wsic_job_feeds_back(job);
}

wsic_status wsic_job_round_factor(wsic_job *job)
{
    const size_t n = job->live;
    wsic_status status = WSIC_OK;

    job->L_single = wsic_alloc(job->env, n * n, sizeof *job->L_single, &status);
    for (size_t j = 0; job->L_single && j < n; j++) {
        for (size_t k = j; k < n; k++)
            job->L_single[j * n + k] = (float)job->factor->L[j * n + k];
    }
    return status;
}

wsic_status wsic_job_choose_precision(wsic_job *job)
{
    double step = 0.0;

    if (!can_be_single(job) || !fits_single(job))
        return WSIC_OK;
    wsic_status status = wsic_job_first_step(job, &step);
    if (status != WSIC_OK)
        return status;
    const double loss = step > 0.0 ? wsic_job_rounding_loss(job, step) : HUGE_VAL;
    job->single = loss <= WSIC_PRECISION_LOSS;
    wsic_log(job->env, WSIC_LOG_DEBUG, "single precision would cost %.2g of the distortion%s", loss,
             job->single ? "" : ": double");
    return job->single ? wsic_job_round_factor(job) : WSIC_OK;
}
