/* SPDX-License-Identifier: MIT */
#include "quant/stored_scales.h"

#include <string.h>

#include "quant/size.h"

static void fill_ones(wsic_stored_scales *s)
{
    for (size_t r = 0; r < s->job->rows; r++)
        s->t[r] = 1.0;
}

wsic_status wsic_stored_scales_create(wsic_job *job, wsic_stored_scales *s)
{
    wsic_status status = WSIC_OK;

    *s = (wsic_stored_scales){.job = job};
    s->t = wsic_alloc(job->env, job->rows + job->live, sizeof *s->t, &status);
    if (!s->t)
        return status;
    s->g = s->t + job->rows;
    s->row_values = wsic_alloc(job->env, job->rows + job->live, sizeof *s->row_values, &status);
    if (!s->row_values)
        return status;
    s->column_values = s->row_values + job->rows;
    fill_ones(s);
    memcpy(s->g, job->pass.gamma, job->live * sizeof *s->g);
    status = wsic_scales_create(job->env, job->rows, 0, &s->row_scales);
    if (status == WSIC_OK)
        status = wsic_scales_create(job->env, job->live, 0, &s->column_scales);
    return status;
}

void wsic_stored_scales_release(wsic_stored_scales *s)
{
    wsic_scales_release(s->job->env, &s->row_scales);
    wsic_scales_release(s->job->env, &s->column_scales);
    wsic_free(s->job->env, s->row_values);
    wsic_free(s->job->env, s->t);
}

static wsic_status round_scales(const wsic_stored_scales *s, const char *what, const double *scale,
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

wsic_status wsic_stored_scales_round_columns(wsic_stored_scales *s, double relative)
{
    const wsic_job *const job = s->job;
    double *const scale = s->g;

    s->column_scales.grid = wsic_scale_grid(relative, job->rows);
    for (size_t j = 0; j < job->live; j++)
        scale[j] *= job->pass.alpha[j] * job->weights.unit;
    const wsic_status status = round_scales(s, "live column", scale, &s->column_scales);
    for (size_t j = 0; j < job->live && status == WSIC_OK; j++) {
        s->column_values[j] = wsic_scale_value(s->column_scales.grid, s->column_scales.sign[j],
                                               s->column_scales.exponent[j]);
        s->g[j] = (double)s->column_values[j] / (job->pass.alpha[j] * job->weights.unit);
    }
    return status;
}

wsic_status wsic_stored_scales_round_rows(wsic_stored_scales *s, double relative)
{
    const wsic_job *const job = s->job;

    s->row_scales.grid = wsic_scale_grid(relative, job->live);
    for (size_t r = 0; job->metric.weight && r < job->rows; r++)
        s->t[r] /= job->metric.weight[r];
    const wsic_status status = round_scales(s, "row", s->t, &s->row_scales);
    for (size_t r = 0; r < job->rows && status == WSIC_OK; r++)
        s->row_values[r] =
            wsic_scale_value(s->row_scales.grid, s->row_scales.sign[r], s->row_scales.exponent[r]);
    return status;
}

wsic_status wsic_stored_scales_keep_rows(wsic_stored_scales *s, double relative)
{
    const wsic_metric *const metric = &s->job->metric;

    fill_ones(s);
    if (!metric->weight)
        return wsic_stored_scales_round_rows(s, relative);
    s->row_scales.grid = metric->grid;
    for (size_t r = 0; r < s->job->rows; r++) {
        s->row_scales.sign[r] = 1;
        s->row_scales.exponent[r] = -metric->exponent[r];
        s->row_values[r] = wsic_scale_value(metric->grid, 1, -metric->exponent[r]);
    }
    return WSIC_OK;
}

wsic_status wsic_stored_scales_weight_bits(const wsic_stored_scales *s, double *bits)
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
