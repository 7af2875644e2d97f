/* SPDX-License-Identifier: MIT */
#include "quant/rows_pay.h"

#include <math.h>

#include "base/checked.h"
#include "quant/fit.h"
#include "quant/rescale.h"
#include "quant/size.h"
#include "quant/target.h"

/* Rows that are looked at: the mean gain of a row is then known to a tenth or so. */
enum { SAMPLE_ROWS = 256 };

typedef struct sample {
    const wsic_stored_scales *scales;
    size_t rows;
    size_t live_rows; /* that these stand for */
    size_t *index;
    int32_t *codes; /* rows x live */
    double *C;      /* rows x live */
    double *excess; /* live */
    double *t, *numerator, *denominator;
} sample;

static void release(sample *p)
{
    const wsic_env *const env = p->scales->job->env;

    wsic_free(env, p->index);
    wsic_free(env, p->codes);
    wsic_free(env, p->C);
    wsic_free(env, p->excess);
}

static wsic_status create(sample *p)
{
    const wsic_job *const job = p->scales->job;
    wsic_status status = WSIC_OK;

    p->live_rows = job->rows - job->idle_rows;
    p->rows = wsic_min_size(SAMPLE_ROWS, p->live_rows);
    p->index = wsic_alloc(job->env, p->rows, sizeof *p->index, &status);
    if (status == WSIC_OK)
        p->codes = wsic_alloc(job->env, p->rows * job->live, sizeof *p->codes, &status);
    if (status == WSIC_OK)
        p->C = wsic_alloc(job->env, p->rows * job->live, sizeof *p->C, &status);
    if (status == WSIC_OK)
        p->excess = wsic_alloc(job->env, job->live + 3 * p->rows, sizeof *p->excess, &status);
    if (status != WSIC_OK)
        return status;
    p->t = p->excess + job->live;
    p->numerator = p->t + p->rows;
    p->denominator = p->numerator + p->rows;
    wsic_fit_excess(job, p->excess);
    return WSIC_OK;
}

/* Evenly over the rows that are not zeros. */
static void choose(sample *p)
{
    const wsic_job *const job = p->scales->job;
    size_t seen = 0, chosen = 0;

    for (size_t r = 0; r < job->rows && chosen < p->rows; r++) {
        if (job->row_energy[r] == 0.0)
            continue;
        if (seen * p->rows >= chosen * p->live_rows)
            p->index[chosen++] = r;
        seen++;
    }
    for (size_t j = 0; j < job->live; j++) {
        for (size_t k = 0; k < p->rows; k++)
            p->codes[j * p->rows + k] = job->pass.codes[j * job->rows + p->index[k]];
    }
}

/* The best scales of the rows of the sample. */
static wsic_status fit_rows(sample *p)
{
    const wsic_job *const job = p->scales->job;
    wsic_rescale problem = {
        .rows = p->rows,
        .columns = job->live,
        .codes = p->codes,
        .alpha = job->pass.alpha,
        .L = job->factor->L,
        .L_single = job->L_single,
        .column_order = job->factor->order,
        .excess = p->excess,
        .C = p->C,
    };
    wsic_status status =
        wsic_job_cross(job, (wsic_selection){p->rows, p->index}, job->single, p->C, &problem.K);

    if (status == WSIC_OK)
        status =
            wsic_rescale_rows(job->env, &problem, p->scales->g, p->t, p->numerator, p->denominator);
    return status;
}

/* Of the loss of all rows, what those of the sample gain by their scales as they are stored, and
 * the bits of these. */
static void round_rows(const sample *p, wsic_scales *scales, double *gain)
{
    const wsic_metric *const metric = &p->scales->job->metric;

    *gain = 0.0;
    for (size_t k = 0; k < p->rows; k++) {
        const double weight = metric->weight ? metric->weight[p->index[k]] : 1.0, best = p->t[k];
        if (!wsic_scale_round(best / weight, scales->grid, &scales->sign[k], &scales->exponent[k]))
            scales->sign[k] = 0;
        const double t =
            weight * (double)wsic_scale_value(scales->grid, scales->sign[k], scales->exponent[k]);
        *gain += ((1.0 - best) * (1.0 - best) - (t - best) * (t - best)) * p->denominator[k];
    }
    *gain *= (double)p->live_rows / (double)p->rows;
}

static wsic_status weigh(const sample *p, double relative, double *gain, double *bits)
{
    const wsic_job *const job = p->scales->job;
    double kept = 0.0;
    wsic_scales scales;
    wsic_status status =
        wsic_scales_create(job->env, p->rows, wsic_scale_grid(relative, job->live), &scales);

    *bits = 0.0;
    if (status != WSIC_OK)
        return status;
    round_rows(p, &scales, gain);
    status = wsic_job_scale_bits(job, &scales, bits);
    wsic_scales_release(job->env, &scales);
    if (status == WSIC_OK)
        status = wsic_stored_scales_weight_bits(p->scales, &kept);
    *bits = *bits * (double)p->live_rows / (double)p->rows - kept;
    return status;
}

wsic_status wsic_rows_pay(const wsic_stored_scales *s, double loss, double relative, bool *pay)
{
    const wsic_job *const job = s->job;
    const double weights = (double)job->rows * (double)job->live;
    sample p = {.scales = s};
    double gain = 0.0, cost = 0.0;
    wsic_status status = create(&p);

    *pay = false;
    if (status == WSIC_OK) {
        choose(&p);
        status = fit_rows(&p);
    }
    if (status == WSIC_OK)
        status = weigh(&p, relative, &gain, &cost);
    if (status == WSIC_OK)
        *pay = gain >= loss || -0.5 * log2(1.0 - gain / loss) * weights > cost;
    release(&p);
    return status;
}
