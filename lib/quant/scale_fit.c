/* SPDX-License-Identifier: MIT */
#include "quant/scale_fit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "quant/fit.h"
#include "quant/pass.h"
#include "quant/rescale.h"
#include "quant/rows_pay.h"
#include "quant/size.h"
#include "quant/target.h"

/* Below this relative distortion the float arithmetic of a decoder is a part of it that no fit
 * sees; small matrices are measured at no cost. */
static const double least_relative = 1e-8;
enum { SMALL_WEIGHTS = 1 << 16 };

/* --- what is known of the loss -------------------------------------------------------- */

/* Whether losses are known up to a constant only. */
static bool has_floor(const wsic_job *job)
{
    return wsic_encode_problem_drifts(job->problem) || wsic_job_feeds_back(job);
}

/* The part of a loss that more bits would lower. With drift some of the error, K - ||Y||², is
 * there whatever Ŵ is: it tells nothing of what scales are worth. A loss is a difference of
 * numbers as large as K, and not known to less than their rounding: at very high rates that is all
 * there is, of either sign. */
static double reducible(double loss, double floor, double K)
{
    return fmax(loss - floor, DBL_EPSILON * K);
}

static double relative_loss(const wsic_job *job, double loss, double floor, double K)
{
    return reducible(loss, floor, K) / (has_floor(job) ? job->pass.target_energy : K);
}

/* The loss of the live columns as the distortion of all. */
static void tell(const wsic_job *job, double loss, double energy, wsic_scale_fit *fit)
{
    const bool whole = !has_floor(job) && !job->has_metric && job->live == job->columns;
    const bool large = job->rows >= SMALL_WEIGHTS / job->columns;

    if (whole && large && loss > least_relative * energy) {
        fit->distortion = loss;
        fit->energy = energy;
    }
}

/* --- by the error of the recursion: Γ alone ------------------------------------------- */

/* *rows: whether scales of rows are worth a fit, in which case nothing is rounded. */
static wsic_status fit_columns(wsic_stored_scales *s, wsic_scale_fit *fit, bool *rows)
{
    wsic_job *const job = s->job;
    const bool drifts = wsic_encode_problem_drifts(job->problem);
    const double K = drifts ? job->problem->energy : wsic_fit_energy(job);
    wsic_quadratic columns;
    wsic_status status = wsic_fit_columns(job, &columns);

    *rows = false;
    if (status != WSIC_OK)
        return status;
    const double loss = wsic_quadratic_descend(job->env, &columns, s->g, columns.loss);
    const double relative = relative_loss(job, loss, 0.0, K);
    fit->rounds = 1;
    if (job->options->rescale == WSIC_RESCALE_AUTO)
        status = wsic_rows_pay(s, reducible(loss, 0.0, K), relative, rows);
    if (status == WSIC_OK && !*rows)
        status = wsic_stored_scales_round_columns(s, relative);
    if (status == WSIC_OK && !*rows)
        status = wsic_stored_scales_keep_rows(s, relative);
    if (status == WSIC_OK && !*rows)
        tell(job, wsic_quadratic_loss(&columns, s->g), K, fit);
    wsic_quadratic_release(job->env, &columns);
    return status;
}

/* --- by the cross term: T and Γ in turn ------------------------------------------------ */

typedef struct alternation {
    wsic_stored_scales *scales;
    wsic_rescale problem;
    wsic_rescale_result result;
    double *g_columns; /* Γ without T */
    double *excess;
    double *numerator, *denominator;
} alternation;

static wsic_status judge_rows(const alternation *a, bool *pay)
{
    const wsic_job *const job = a->scales->job;
    const wsic_rescale_result *const result = &a->result;
    const double weights = (double)job->rows * (double)job->live;
    const double without = reducible(result->loss_columns, result->floor, a->problem.K);
    const double with = reducible(result->loss, result->floor, a->problem.K);
    double cost = 0.0, kept = 0.0;

    *pay = true;
    if (!(with > 0.0))
        return WSIC_OK;
    wsic_status status = wsic_job_scale_bits(job, &a->scales->row_scales, &cost);
    if (status == WSIC_OK)
        status = wsic_stored_scales_weight_bits(a->scales, &kept);
    *pay = 0.5 * log2(without / with) * weights > cost - kept;
    return status;
}

static wsic_status drop_rows(alternation *a)
{
    wsic_stored_scales *const s = a->scales;
    const double relative =
        relative_loss(s->job, a->result.loss_columns, a->result.floor, a->problem.K);

    memcpy(s->g, a->g_columns, s->job->live * sizeof *s->g);
    const wsic_status status = wsic_stored_scales_round_columns(s, relative);
    return status == WSIC_OK ? wsic_stored_scales_keep_rows(s, relative) : status;
}

/* Fit T once more to the rounded Γ, round T. */
static wsic_status round_fitted_rows(alternation *a, double relative)
{
    wsic_stored_scales *const s = a->scales;
    const wsic_status status =
        wsic_rescale_rows(s->job->env, &a->problem, s->g, s->t, a->numerator, a->denominator);

    if (status != WSIC_OK)
        return status;
    a->result.loss = wsic_rescale_loss(&a->problem, s->t, a->numerator, a->denominator);
    return wsic_stored_scales_round_rows(s, relative);
}

/* The loss with T as rounded. */
static double rounded_loss(const alternation *a)
{
    const wsic_stored_scales *const s = a->scales;

    for (size_t r = 0; r < s->job->rows; r++)
        s->t[r] = (double)s->row_values[r];
    return wsic_rescale_loss(&a->problem, s->t, a->numerator, a->denominator);
}

/* Rounding a column's scale moves all its rows by the same part. Where errors of rows count
 * together, that may cost many times what it does row by row. */
static double fitted_relative_loss(const alternation *a)
{
    const wsic_rescale_result *const result = &a->result;

    if (wsic_job_feeds_back(a->scales->job) && result->column_energy > 0.0)
        return reducible(result->loss, result->floor, a->problem.K) / result->column_energy;
    return relative_loss(a->scales->job, result->loss, result->floor, a->problem.K);
}

static wsic_status round_both(alternation *a, wsic_scale_fit *fit)
{
    wsic_stored_scales *const s = a->scales;
    const double relative = fitted_relative_loss(a);
    bool rows_pay = true;
    wsic_status status = wsic_stored_scales_round_columns(s, relative);

    if (status != WSIC_OK)
        return status;
    if (!a->problem.fit_rows)
        return wsic_stored_scales_keep_rows(s, relative);
    status = round_fitted_rows(a, relative);
    if (status == WSIC_OK && s->job->options->rescale == WSIC_RESCALE_AUTO)
        status = judge_rows(a, &rows_pay);
    if (status == WSIC_OK && rows_pay)
        tell(s->job, rounded_loss(a), a->problem.K, fit);
    return status == WSIC_OK && !rows_pay ? drop_rows(a) : status;
}

static wsic_status create(alternation *a)
{
    const wsic_job *const job = a->scales->job;
    wsic_status status = WSIC_OK;

    a->g_columns = wsic_alloc(job->env, 2 * job->live + 2 * job->rows, sizeof(double), &status);
    if (!a->g_columns)
        return status;
    a->excess = a->g_columns + job->live;
    a->numerator = a->excess + job->live;
    a->denominator = a->numerator + job->rows;
    wsic_fit_excess(job, a->excess);
    return WSIC_OK;
}

static void describe(alternation *a)
{
    const wsic_job *const job = a->scales->job;
    const int mode = job->options->rescale;
    const bool feeds_back = wsic_job_feeds_back(job);

    a->problem = (wsic_rescale){
        .rows = job->rows,
        .columns = job->live,
        .codes = job->pass.codes,
        .alpha = job->pass.alpha,
        .S = wsic_fit_moments(job),
        .L = job->factor->L,
        .column_order = job->factor->order,
        .excess = a->excess,
        .C = job->pass.y.f64,
        /* A row's own error is not what its scale should make small where others answer for it. */
        .fit_rows = !feeds_back && (mode == WSIC_RESCALE_BOTH || mode == WSIC_RESCALE_AUTO),
        .quick = job->options->precision != WSIC_PRECISION_DOUBLE,
        .order = job->metric.order,
        .metric = job->metric.factor,
        .rounds = job->options->rescale_rounds,
        .tolerance = job->options->rescale_tolerance,
        .residual = has_floor(job) ? job->pass.residual : 0.0,
        .g_columns = a->g_columns,
    };
}

static wsic_status alternate(alternation *a, wsic_scale_fit *fit)
{
    wsic_job *const job = a->scales->job;
    const wsic_selection rows = {job->rows, job->metric.order};
    const wsic_progress span = wsic_job_span(job, "rescale", 0.4);
    wsic_status status = wsic_job_widen(job);

    describe(a);
    if (status == WSIC_OK)
        status = wsic_job_cross(job, rows, false, job->pass.y.f64, &a->problem.K);
    if (status == WSIC_OK && wsic_job_feeds_back(job)) {
        wsic_metric_multiply(&job->metric, job->live, job->pass.y.f64);
        a->problem.K = job->pass.target_energy;
    }
    if (status == WSIC_OK)
        status =
            wsic_rescale_run(job->env, &span, &a->problem, a->scales->t, a->scales->g, &a->result);
    fit->rounds = a->result.rounds;
    return status == WSIC_OK ? round_both(a, fit) : status;
}

static wsic_status fit_both(wsic_stored_scales *s, wsic_scale_fit *fit)
{
    alternation a = {.scales = s};
    wsic_status status = create(&a);

    memcpy(s->g, s->job->pass.gamma, s->job->live * sizeof *s->g);
    if (status == WSIC_OK)
        status = alternate(&a, fit);
    wsic_free(s->job->env, a.g_columns);
    return status == WSIC_OK ? wsic_job_narrow(s->job) : status;
}

/* --- either ---------------------------------------------------------------------------- */

/* No fit: the scales are those of the recursion. */
static wsic_status keep_scales(wsic_stored_scales *s)
{
    const wsic_pass *const pass = &s->job->pass;
    const double relative = pass->target_energy > 0.0 ? pass->residual / pass->target_energy : 1.0;
    const wsic_status status = wsic_stored_scales_round_columns(s, relative);

    return status == WSIC_OK ? wsic_stored_scales_keep_rows(s, relative) : status;
}

wsic_status wsic_scale_fit_run(wsic_stored_scales *s, wsic_scale_fit *fit)
{
    const wsic_job *const job = s->job;
    const int mode = job->options->rescale;
    bool rows = mode == WSIC_RESCALE_BOTH || !wsic_fit_applies(job);

    *fit = (wsic_scale_fit){.distortion = -1.0};
    if (mode == WSIC_RESCALE_NONE || !(job->pass.residual > 0.0))
        return keep_scales(s);
    const wsic_status status = rows ? WSIC_OK : fit_columns(s, fit, &rows);
    return status == WSIC_OK && rows ? fit_both(s, fit) : status;
}
