/* SPDX-License-Identifier: MIT */
/* From the codes of a pass to the bytes of a layer: fit the scales, round them to their
 * stored form, measure what the decoder will see, write. */
#include "quant/assemble.h"

#include <string.h>

#include "base/clock.h"
#include "coding/codes.h"
#include "format/layer_format.h"
#include "quant/limit.h"
#include "quant/measure.h"
#include "quant/outputs.h"
#include "quant/scale_fit.h"

typedef struct assembly {
    wsic_job *job;
    wsic_stored_scales scales;
    wsic_scales all_row_scales;    /* all_rows */
    wsic_scales all_column_scales; /* columns, zeros at the dead ones */
} assembly;

static wsic_status create(assembly *s)
{
    wsic_status status = wsic_stored_scales_create(s->job, &s->scales);

    if (status == WSIC_OK)
        status = wsic_scales_create(s->job->env, s->job->all_rows, 0, &s->all_row_scales);
    if (status == WSIC_OK)
        status = wsic_scales_create(s->job->env, s->job->columns, 0, &s->all_column_scales);
    return status;
}

static void release(assembly *s)
{
    wsic_stored_scales_release(&s->scales);
    wsic_scales_release(s->job->env, &s->all_row_scales);
    wsic_scales_release(s->job->env, &s->all_column_scales);
}

/* --- bytes ---------------------------------------------------------------------- */

/* Spread the live columns' codes and scales over all columns, in place: from the last
 * to the first, since no column moves to the left. */
static void expand_columns(assembly *s)
{
    const wsic_job *const job = s->job;
    const size_t rows = job->rows;
    size_t k = job->live;

    s->all_column_scales.grid = s->scales.column_scales.grid;
    for (size_t j = job->columns; j-- > 0;) {
        int32_t *const target = job->pass.codes + j * rows;
        if (k == 0 || job->factor->live_index[k - 1] != j) {
            memset(target, 0, rows * sizeof *target);
            continue;
        }
        k--;
        if (s->scales.column_scales.sign[k] == 0)
            memset(target, 0, rows * sizeof *target);
        else if (k != j)
            memmove(target, job->pass.codes + k * rows, rows * sizeof *target);
        s->all_column_scales.sign[j] = s->scales.column_scales.sign[k];
        s->all_column_scales.exponent[j] = s->scales.column_scales.exponent[k];
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
    const wsic_scales *const scales = &s->scales.row_scales;
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
        if (s->scales.row_scales.sign[r] != 0)
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

/* Whether the host wants the call to stop: asked before each part that takes long. */
static wsic_status may_go_on(const assembly *s)
{
    return wsic_progress_report(s->job->env, NULL, 0.0);
}

/* The distortion of what a decoder will see: by the fit, or measured. */
static wsic_status find_distortion(assembly *s, double *distortion)
{
    wsic_job *const job = s->job;
    wsic_scale_fit fit;
    double mark = wsic_now();
    const wsic_status status = wsic_scale_fit_run(&s->scales, &fit);

    job->report->rescale_rounds = fit.rounds;
    job->report->seconds_rescale += wsic_lap(&mark);
    if (status != WSIC_OK)
        return status;
    if (fit.distortion < 0.0)
        return wsic_job_measure(job, s->scales.row_values, s->scales.column_values, distortion);
    *distortion = fit.distortion;
    job->problem->energy = fit.energy;
    return WSIC_OK;
}

static wsic_status assemble(assembly *s, wsic_bytes *out, double *distortion)
{
    wsic_job *const job = s->job;
    wsic_layer_figures figures;
    wsic_status status = may_go_on(s);

    if (status == WSIC_OK)
        status = find_distortion(s, distortion);
    if (status == WSIC_OK)
        status = may_go_on(s);
    if (status == WSIC_OK)
        status = wsic_job_measure_outputs(job, s->scales.row_values, s->scales.column_values);
    if (status != WSIC_OK)
        return status;
    expand_columns(s);
    clear_zero_rows(s);
    expand_rows(job);
    expand_row_scales(s);
    status = fill_figures(s, *distortion, &figures);
    if (status == WSIC_OK)
        status = may_go_on(s);
    /* What targets are in. */
    *distortion = job->has_metric ? job->outputs.distortion / wsic_job_target_unit(job)
                                  : *distortion / wsic_job_weights(job);
    double mark = wsic_now();
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
