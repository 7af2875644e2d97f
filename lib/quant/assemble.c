/* SPDX-License-Identifier: MIT */
/* From the codes of a pass to the bytes of a layer: fit the scales, round them to their
 * stored form, measure what the decoder will see, write. */
#include "quant/assemble.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "coding/codes.h"
#include "format/layer_format.h"
#include "quant/limit.h"
#include "quant/measure.h"
#include "quant/outputs.h"
#include "quant/rescale.h"
#include "quant/size.h"
#include "quant/target.h"

typedef struct assembly {
    wsic_job *job;
    double *t; /* rows */
    double *g; /* live */
    double *g_columns;
    double K;                      /* tr(W S Wᵀ) over the live columns */
    wsic_scales row_scales;        /* rows */
    wsic_scales all_row_scales;    /* all_rows */
    wsic_scales column_scales;     /* live */
    wsic_scales all_column_scales; /* columns, zeros at the dead ones */
    float *values;                 /* rows, then live: the scales as decoded */
} assembly;

static void fill_ones(assembly *s)
{
    for (size_t r = 0; r < s->job->rows; r++)
        s->t[r] = 1.0;
}

static wsic_status create(assembly *s)
{
    const wsic_job *const job = s->job;
    wsic_status status = WSIC_OK;

    s->t = wsic_alloc(job->env, job->rows + 2 * job->live, sizeof *s->t, &status);
    if (!s->t)
        return status;
    s->g = s->t + job->rows;
    s->g_columns = s->g + job->live;
    s->values = wsic_alloc(job->env, job->rows + job->live, sizeof *s->values, &status);
    if (!s->values)
        return status;
    fill_ones(s);
    memcpy(s->g, job->pass.gamma, job->live * sizeof *s->g);
    status = wsic_scales_create(job->env, job->rows, 0, &s->row_scales);
    if (status == WSIC_OK)
        status = wsic_scales_create(job->env, job->all_rows, 0, &s->all_row_scales);
    if (status == WSIC_OK)
        status = wsic_scales_create(job->env, job->live, 0, &s->column_scales);
    if (status == WSIC_OK)
        status = wsic_scales_create(job->env, job->columns, 0, &s->all_column_scales);
    return status;
}

static void release(assembly *s)
{
    wsic_scales_release(s->job->env, &s->row_scales);
    wsic_scales_release(s->job->env, &s->all_row_scales);
    wsic_scales_release(s->job->env, &s->column_scales);
    wsic_scales_release(s->job->env, &s->all_column_scales);
    wsic_free(s->job->env, s->values);
    wsic_free(s->job->env, s->t);
}

/* Whether losses are known up to a constant only. */
static bool has_floor(const assembly *s)
{
    return wsic_encode_problem_drifts(s->job->problem) || wsic_job_feeds_back(s->job);
}

/* The part of a loss that more bits would lower. With drift some of the error, K - ||Y||², is
 * there whatever Ŵ is: it tells nothing of what scales are worth. A loss is a difference of
 * numbers as large as K, and not known to less than their rounding: at very high rates that is all
 * there is, of either sign. */
static double reducible(const assembly *s, const wsic_rescale_result *result, double loss)
{
    return fmax(loss - result->floor, DBL_EPSILON * s->K);
}

static double relative_loss(const assembly *s, const wsic_rescale_result *result, double loss)
{
    return reducible(s, result, loss) / (has_floor(s) ? s->job->pass.target_energy : s->K);
}

/* --- rounding ------------------------------------------------------------------ */

static wsic_status round_scales(const assembly *s, const char *what, const double *scale,
                                wsic_scales *rounded)
{
    for (size_t k = 0; k < rounded->count; k++) {
        if (!wsic_scale_round(scale[k], rounded->grid, &rounded->sign[k], &rounded->exponent[k]))
            return wsic_fail(s->job->env, WSIC_ERROR_RANGE,
                             "the scale of %s %zu is %g, beyond the range of float", what, k,
                             scale[k]);
    }
    return WSIC_OK;
}

/* Round α g, and let g be what remains of it. */
static wsic_status round_columns(assembly *s, double relative)
{
    const wsic_job *const job = s->job;
    double *const scale = s->g;

    s->column_scales.grid = wsic_scale_grid(relative, job->rows);
    for (size_t j = 0; j < job->live; j++)
        scale[j] *= job->pass.alpha[j] * job->weights.unit;
    const wsic_status status = round_scales(s, "live column", scale, &s->column_scales);
    float *const value = s->values + job->rows;
    for (size_t j = 0; j < job->live && status == WSIC_OK; j++) {
        value[j] = wsic_scale_value(s->column_scales.grid, s->column_scales.sign[j],
                                    s->column_scales.exponent[j]);
        s->g[j] = (double)value[j] / (job->pass.alpha[j] * job->weights.unit);
    }
    return status;
}

/* t / w, which is what takes the weights of the metric back. */
static wsic_status round_rows(assembly *s, double relative)
{
    const wsic_job *const job = s->job;
    wsic_status status = WSIC_OK;

    s->row_scales.grid = wsic_scale_grid(relative, job->live);
    for (size_t r = 0; job->metric.weight && r < job->rows; r++)
        s->t[r] /= job->metric.weight[r];
    status = round_scales(s, "row", s->t, &s->row_scales);
    for (size_t r = 0; r < job->rows && status == WSIC_OK; r++)
        s->values[r] =
            wsic_scale_value(s->row_scales.grid, s->row_scales.sign[r], s->row_scales.exponent[r]);
    return status;
}

/* No fit of the rows: their scales are the inverses of the weights, exactly. */
static wsic_status keep_rows(assembly *s, double relative)
{
    const wsic_metric *const metric = &s->job->metric;

    fill_ones(s);
    if (!metric->weight)
        return round_rows(s, relative);
    s->row_scales.grid = metric->grid;
    for (size_t r = 0; r < s->job->rows; r++) {
        s->row_scales.sign[r] = 1;
        s->row_scales.exponent[r] = -metric->exponent[r];
        s->values[r] = wsic_scale_value(metric->grid, 1, -metric->exponent[r]);
    }
    return WSIC_OK;
}

/* --- fit ------------------------------------------------------------------------ */

/* What the scales of the rows cost in any case. */
static wsic_status weight_bits(const assembly *s, double *bits)
{
    const wsic_metric *const metric = &s->job->metric;
    wsic_scales scales = s->row_scales;
    wsic_status status;

    *bits = 0.0;
    if (!metric->weight)
        return WSIC_OK;
    scales.exponent = wsic_alloc(s->job->env, scales.count, sizeof *scales.exponent, &status);
    if (!scales.exponent)
        return status;
    for (size_t r = 0; r < scales.count; r++)
        scales.exponent[r] = -metric->exponent[r];
    scales.grid = metric->grid;
    status = wsic_job_scale_bits(s->job, &scales, bits);
    wsic_free(s->job->env, scales.exponent);
    return status;
}

static wsic_status judge_rows(const assembly *s, const wsic_rescale_result *result, bool *pay)
{
    const double weights = (double)s->job->rows * (double)s->job->live;
    const double without = reducible(s, result, result->loss_columns);
    const double with = reducible(s, result, result->loss);
    double cost = 0.0, kept = 0.0;

    *pay = true;
    if (!(with > 0.0))
        return WSIC_OK;
    wsic_status status = wsic_job_scale_bits(s->job, &s->row_scales, &cost);
    if (status == WSIC_OK)
        status = weight_bits(s, &kept);
    *pay = 0.5 * log2(without / with) * weights > cost - kept;
    return status;
}

static wsic_status drop_rows(assembly *s, const wsic_rescale_result *result)
{
    const double relative = relative_loss(s, result, result->loss_columns);

    memcpy(s->g, s->g_columns, s->job->live * sizeof *s->g);
    const wsic_status status = round_columns(s, relative);
    return status == WSIC_OK ? keep_rows(s, relative) : status;
}

/* Round Γ, fit T once more to the rounded Γ, round T. */
static wsic_status round_both(assembly *s, const wsic_rescale *problem, wsic_rescale_result *result)
{
    const double relative = relative_loss(s, result, result->loss);
    bool rows_pay = true;
    wsic_status status = round_columns(s, relative);

    if (status == WSIC_OK && problem->fit_rows)
        status = wsic_rescale_rows(s->job->env, problem, s->g, s->t, &result->loss);
    if (status == WSIC_OK)
        status = problem->fit_rows ? round_rows(s, relative) : keep_rows(s, relative);
    if (status == WSIC_OK && problem->fit_rows && s->job->options->rescale == WSIC_RESCALE_AUTO)
        status = judge_rows(s, result, &rows_pay);
    return status == WSIC_OK && !rows_pay ? drop_rows(s, result) : status;
}

static wsic_status fit_scales(assembly *s)
{
    wsic_job *const job = s->job;
    const int mode = job->options->rescale;
    const wsic_progress span = wsic_job_span(job, "rescale", 0.4);
    const bool feeds_back = wsic_job_feeds_back(job);
    wsic_status status = wsic_job_cross(job, job->pass.y, &s->K);

    if (status != WSIC_OK)
        return status;
    if (feeds_back) {
        wsic_metric_multiply(&job->metric, job->live, job->pass.y);
        s->K = job->pass.target_energy;
    }
    const wsic_rescale problem = {
        .rows = job->rows,
        .columns = job->live,
        .codes = job->pass.codes,
        .alpha = job->pass.alpha,
        .S = job->problem->S,
        .S_factor = job->problem->S_factor,
        .C = job->pass.y,
        .K = s->K,
        /* A row's own error is not what its scale should make small where others answer for it. */
        .fit_rows = !feeds_back && (mode == WSIC_RESCALE_BOTH || mode == WSIC_RESCALE_AUTO),
        .order = job->metric.order,
        .metric = job->metric.factor,
        .rounds = job->options->rescale_rounds,
        .tolerance = job->options->rescale_tolerance,
        .residual = has_floor(s) ? job->pass.residual : 0.0,
        .g_columns = s->g_columns,
    };
    wsic_rescale_result result;
    status = wsic_rescale_run(job->env, &span, &problem, s->t, s->g, &result);
    if (status != WSIC_OK)
        return status;
    job->report->rescale_rounds = result.rounds;
    return round_both(s, &problem, &result);
}

/* No fit: the scales are those of the recursion. */
static wsic_status keep_scales(assembly *s)
{
    const wsic_job *const job = s->job;
    const double relative =
        job->pass.target_energy > 0.0 ? job->pass.residual / job->pass.target_energy : 1.0;
    const wsic_status status = round_columns(s, relative);

    return status == WSIC_OK ? keep_rows(s, relative) : status;
}

/* --- bytes ---------------------------------------------------------------------- */

/* Spread the live columns' codes and scales over all columns, in place: from the last
 * to the first, since no column moves to the left. */
static void expand_columns(assembly *s)
{
    const wsic_job *const job = s->job;
    const size_t rows = job->rows;
    size_t k = job->live;

    s->all_column_scales.grid = s->column_scales.grid;
    for (size_t j = job->columns; j-- > 0;) {
        int32_t *const target = job->pass.codes + j * rows;
        if (k == 0 || job->factor->live_index[k - 1] != j) {
            memset(target, 0, rows * sizeof *target);
            continue;
        }
        k--;
        if (s->column_scales.sign[k] == 0)
            memset(target, 0, rows * sizeof *target);
        else if (k != j)
            memmove(target, job->pass.codes + k * rows, rows * sizeof *target);
        s->all_column_scales.sign[j] = s->column_scales.sign[k];
        s->all_column_scales.exponent[j] = s->column_scales.exponent[k];
    }
}

/* Whether all scales are 1: those that are stored for no bits. */
static bool are_ones(const wsic_scales *scales)
{
    for (size_t r = 0; r < scales->count; r++) {
        if (scales->sign[r] != 1 || scales->exponent[r] != 0)
            return false;
    }
    return true;
}

/* Scales of all rows. Those that were left out have 0, but where no row has a scale of its own. */
static void expand_row_scales(assembly *s)
{
    const wsic_job *const job = s->job;
    const wsic_scales *const scales = &s->row_scales;
    const int8_t others = are_ones(scales) ? 1 : 0;

    s->all_row_scales.grid = scales->grid;
    for (size_t r = 0; r < job->all_rows; r++) {
        s->all_row_scales.sign[r] = others;
        s->all_row_scales.exponent[r] = 0;
    }
    for (size_t k = 0; k < job->rows; k++) {
        const size_t r = wsic_selected(job->problem->weights.rows, k);
        s->all_row_scales.sign[r] = scales->sign[k];
        s->all_row_scales.exponent[r] = scales->exponent[k];
    }
}

/* Spread the codes of the rows over all rows, in place: none moves to the left. */
static void expand_rows(const wsic_job *job)
{
    const wsic_selection rows = job->problem->weights.rows;

    for (size_t j = job->columns; rows.index && j-- > 0;) {
        const int32_t *const codes = job->pass.codes + j * job->rows;
        int32_t *const target = job->pass.codes + j * job->all_rows;
        size_t k = job->rows;
        for (size_t r = job->all_rows; r-- > 0;) {
            const bool coded = k > 0 && rows.index[k - 1] == r;
            target[r] = coded ? codes[--k] : 0;
        }
    }
}

/* Not with a trellis, whose states depend on all codes: there a row of zeros, which is
 * quantized to zeros, is the only one without a scale. */
static void clear_zero_rows(assembly *s)
{
    const wsic_job *const job = s->job;

    if (job->quantizer.kind != 0)
        return;
    for (size_t r = 0; r < job->rows; r++) {
        if (s->row_scales.sign[r] != 0)
            continue;
        for (size_t j = 0; j < job->columns; j++)
            job->pass.codes[j * job->rows + r] = 0;
    }
}

static wsic_status fill_figures(const assembly *s, double distortion, wsic_layer_figures *figures)
{
    wsic_job *const job = s->job;
    const double per_weight = distortion / wsic_job_weights(job), energy = job->problem->energy;

    *figures = (wsic_layer_figures){
        .rate_target = job->options->rate,
        .step = job->pass.step * wsic_job_step_unit(job),
        .distortion = per_weight * wsic_job_distortion_unit(job),
        .relative_distortion = energy > 0.0 ? distortion / energy : 0.0,
        .damping = job->factor->damping * job->factor->unit,
        .damping_retries = job->factor->retries,
        .dead_columns = job->columns - job->live,
        .dead_rows = wsic_encode_problem_dead_rows(job->problem),
    };
    const wsic_status status = wsic_job_limit(job, per_weight, &figures->limit_rate);
    if (status != WSIC_OK)
        return status;
    return wsic_codes_entropy(job->env, job->pass.codes, job->all_rows * job->columns,
                              &figures->entropy_pooled);
}

/* A mark for each row that is left out; NULL: none is. */
static wsic_status mark_dead_rows(const wsic_job *job, bool **dead)
{
    const wsic_selection rows = job->problem->weights.rows;
    wsic_status status = WSIC_OK;

    *dead = NULL;
    if (!rows.index)
        return WSIC_OK;
    *dead = wsic_alloc(job->env, job->all_rows, sizeof **dead, &status);
    if (!*dead)
        return status;
    memset(*dead, true, job->all_rows * sizeof **dead);
    for (size_t k = 0; k < rows.count; k++)
        (*dead)[rows.index[k]] = false;
    return WSIC_OK;
}

static wsic_status write_layer(assembly *s, const wsic_layer_figures *figures, wsic_bytes *out)
{
    wsic_job *const job = s->job;
    bool *dead;
    wsic_status status = mark_dead_rows(job, &dead);

    if (status != WSIC_OK)
        return status;
    const wsic_layer_parts parts = {
        .rows = job->all_rows,
        .columns = job->columns,
        .codes = job->pass.codes,
        .kind = job->quantizer.kind,
        .dead_rows = dead,
        .row_scales = &s->all_row_scales,
        .column_scales = &s->all_column_scales,
        .figures = figures,
        .block_rows = job->block_rows,
    };
    status = wsic_layer_format_write(job->env, &parts, out);
    wsic_free(job->env, dead);
    return status;
}

static wsic_status assemble(assembly *s, wsic_bytes *out, double *distortion)
{
    wsic_job *const job = s->job;
    const bool fit = job->options->rescale != WSIC_RESCALE_NONE && job->pass.residual > 0.0;
    wsic_layer_figures figures;
    double mark = wsic_now();
    wsic_status status = fit ? fit_scales(s) : keep_scales(s);

    job->report->seconds_rescale += wsic_lap(&mark);
    if (status == WSIC_OK)
        status = wsic_job_measure(job, s->values, s->values + job->rows, distortion);
    if (status == WSIC_OK)
        status = wsic_job_measure_outputs(job, s->values, s->values + job->rows);
    if (status != WSIC_OK)
        return status;
    expand_columns(s);
    clear_zero_rows(s);
    expand_rows(job);
    expand_row_scales(s);
    status = fill_figures(s, *distortion, &figures);
    /* What targets are in. */
    *distortion = job->has_metric ? job->outputs.distortion / wsic_job_target_unit(job)
                                  : *distortion / wsic_job_weights(job);
    mark = wsic_now();
    if (status == WSIC_OK)
        status = write_layer(s, &figures, out);
    if (status == WSIC_OK)
        wsic_log(job->env, WSIC_LOG_INFO, "step %g: %zu bytes, relative distortion %g",
                 figures.step, out->size, figures.relative_distortion);
    job->report->seconds_coding += wsic_lap(&mark);
    return status;
}

wsic_status wsic_job_assemble(wsic_job *job, wsic_bytes *out, double *distortion)
{
    assembly s = {.job = job};
    wsic_status status = create(&s);

    if (status == WSIC_OK)
        status = assemble(&s, out, distortion);
    release(&s);
    return status;
}
