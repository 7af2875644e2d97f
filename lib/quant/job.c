/* SPDX-License-Identifier: MIT */
#include "quant/job.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "coding/codes.h"
#include "quant/permute.h"
#include "quant/zsic.h"

double wsic_job_step_unit(const wsic_job *job)
{
    return job->weights.unit * sqrt(job->factor.unit);
}

double wsic_job_distortion_unit(const wsic_job *job)
{
    return job->weights.unit * job->weights.unit * job->factor.unit;
}

wsic_progress wsic_job_span(wsic_job *job, const char *stage, double part)
{
    const double from = job->progress;

    job->progress += part * (1.0 - from);
    return (wsic_progress){stage, from, job->progress};
}

/* α_j / c. Waterfilling: 1 / L_jj, the same step for every column in the domain of the
 * factor. Uniform: a constant, chosen so that c is the geometric mean of the steps. The codes
 * of a trellis count halves of the step, which is the spacing of either codebook. */
static void fill_shape(wsic_job *job)
{
    const size_t live = job->live;
    double mean_log = 0.0;

    for (size_t j = 0; j < live; j++) {
        job->shape[j] = 1.0 / job->factor.L[j * live + j];
        mean_log += log(job->shape[j]) / (double)live;
    }
    if (job->options->spacing == WSIC_SPACING_UNIFORM) {
        for (size_t j = 0; j < live; j++)
            job->shape[j] = exp(mean_log);
    }
    for (size_t j = 0; j < live; j++)
        job->shape[j] *= wsic_quantizer_grid(job->options->quantizer);
}

/* Widths of the rows from their energies: quarter octaves of a root. */
static void fill_row_widths(wsic_job *job)
{
    double mean = 0.0;

    for (size_t r = 0; r < job->rows; r++)
        mean += job->row_energy[r] / (double)job->rows;
    for (size_t r = 0; r < job->rows; r++) {
        const double ratio = mean > 0.0 ? job->row_energy[r] / mean : 1.0;
        job->row_width[r] = (int8_t)lround(fmin(fmax(2.0 * log2(ratio), -64.0), 63.0));
    }
}

wsic_quantizer_choice wsic_job_quantizer(const wsic_encode_options *options, size_t rows,
                                         size_t columns)
{
    const size_t block_rows = options->block_rows != 0
                                  ? options->block_rows
                                  : wsic_codes_block_rows(rows, columns, options->trellis_kind);
    return (wsic_quantizer_choice){
        .which = options->quantizer,
        .kind = options->trellis_kind,
        .restart_rows = wsic_min_size(block_rows, rows),
        .lambda = options->lambda,
    };
}

static wsic_status create_quantizer(wsic_job *job)
{
    const wsic_encode_options *const options = job->options;
    const wsic_quantizer_choice choice = wsic_job_quantizer(options, job->rows, job->columns);

    job->block_rows =
        options->quantizer == WSIC_QUANTIZE_TRELLIS ? choice.restart_rows : options->block_rows;
    return wsic_quantizer_create(job->env, &choice, &job->quantizer);
}

static wsic_status measure_weights(wsic_job *job)
{
    const size_t live = job->live;
    wsic_status status = WSIC_OK;
    double *const diagonal = wsic_alloc(job->env, live, sizeof *diagonal, &status);

    if (!diagonal)
        return status;
    for (size_t j = 0; j < live; j++)
        diagonal[j] = job->S_factor * job->S[j * live + j];
    wsic_weights_energies(&job->weights, job->live_columns, diagonal, job->column_energy,
                          job->row_energy);
    wsic_free(job->env, diagonal);
    for (size_t r = 0; r < job->rows; r++)
        job->dead_rows += job->row_energy[r] == 0.0;
    return WSIC_OK;
}

/* The rescalers must not see the damping, so the factor does not serve them. A copy
 * is made only where dead columns have to be left out. */
static wsic_status gather_covariance(wsic_job *job)
{
    wsic_status status = WSIC_OK;

    if (job->live == job->columns) {
        job->S = job->input->sum;
        job->S_factor = 1.0 / (job->input->samples * job->factor.unit);
        return WSIC_OK;
    }
    job->S_owned = wsic_alloc(job->env, job->live * job->live, sizeof *job->S_owned, &status);
    if (!job->S_owned)
        return status;
    wsic_gather_live(&job->factor, job->input->sum, job->input->samples, job->S_owned);
    job->S = job->S_owned;
    job->S_factor = 1.0;
    return WSIC_OK;
}

static wsic_status allocate(wsic_job *job)
{
    const size_t live = job->live;
    wsic_status status = WSIC_OK;

    job->shape = wsic_alloc(job->env, 4 * live, sizeof *job->shape, &status);
    if (!job->shape)
        return status;
    job->column_energy = job->shape + live;
    job->alpha = job->shape + 2 * live;
    job->gamma = job->shape + 3 * live;
    job->row_energy = wsic_alloc(job->env, job->rows, sizeof *job->row_energy, &status);
    if (!job->row_energy)
        return status;
    job->row_width = wsic_alloc(job->env, job->rows, sizeof *job->row_width, &status);
    if (!job->row_width)
        return status;
    job->y = wsic_alloc(job->env, job->rows * live, sizeof *job->y, &status);
    if (!job->y)
        return status;
    job->codes = wsic_alloc(job->env, job->rows * job->columns, sizeof *job->codes, &status);
    return status;
}

static void log_preparation(const wsic_job *job)
{
    if (job->live < job->columns)
        wsic_log(job->env, WSIC_LOG_INFO, "%zu of %zu columns are dead", job->columns - job->live,
                 job->columns);
    wsic_log(job->env, WSIC_LOG_INFO, "damping %g after %llu retries",
             job->factor.damping * job->factor.unit, (unsigned long long)job->factor.retries);
}

wsic_status wsic_job_prepare(wsic_job *job)
{
    const wsic_encode_input *const input = job->input;
    const wsic_progress span = wsic_job_span(job, "prepare", 0.1);
    double mark = wsic_now();
    size_t elements;

    job->rows = input->weights->rows;
    job->columns = input->weights->columns;
    if (!wsic_mul_size(job->rows, job->columns, &elements) ||
        !wsic_mul_size(job->columns, job->columns, &elements))
        return wsic_fail(job->env, WSIC_ERROR_TOO_LARGE, "%zu x %zu weights do not fit memory",
                         job->rows, job->columns);
    job->weights = wsic_weights_make(input->weights);

    wsic_status status = wsic_progress_report(job->env, &span, 0.0);
    if (status == WSIC_OK)
        status = wsic_factorize(job->env, job->columns, input->sum, input->samples,
                                &job->options->factor, &job->factor);
    if (status != WSIC_OK)
        return status;
    job->live = job->factor.live;
    job->live_columns = (wsic_selection){job->live, job->factor.live_index};
    log_preparation(job);
    status = gather_covariance(job);
    if (status == WSIC_OK)
        status = allocate(job);
    if (status == WSIC_OK)
        status = measure_weights(job);
    if (status == WSIC_OK)
        status = wsic_job_refactorize(job);
    if (status == WSIC_OK) {
        fill_shape(job);
        fill_row_widths(job);
        status = create_quantizer(job);
    }
    job->energy = -1.0;
    job->report->seconds_prepare += wsic_lap(&mark);
    return status;
}

void wsic_job_release(wsic_job *job)
{
    wsic_free(job->env, job->spectrum);
    wsic_free(job->env, job->codes);
    wsic_free(job->env, job->y);
    wsic_free(job->env, job->ridge);
    wsic_quantizer_release(job->env, &job->quantizer);
    wsic_free(job->env, job->row_width);
    wsic_free(job->env, job->row_energy);
    wsic_free(job->env, job->shape);
    wsic_free(job->env, job->S_owned);
    wsic_factor_release(job->env, &job->factor);
}

void wsic_job_sigma(const wsic_job *job, double *sigma)
{
    for (size_t k = 0; k < job->live; k++) {
        const double energy = job->column_energy[wsic_factor_column(&job->factor, k)];
        sigma[k] = sqrt(energy) * job->factor.L[k * job->live + k];
    }
}

/* Codes and factors of the recursion from the order of the factor to that of the
 * matrix. */
static wsic_status restore_order(wsic_job *job)
{
    const size_t *const order = job->factor.order;
    const size_t live = job->live;
    wsic_status status =
        wsic_permute_backward(job->env, live, order, job->rows * sizeof *job->codes, job->codes);

    if (status == WSIC_OK)
        status = wsic_permute_backward(job->env, live, order, sizeof *job->alpha, job->alpha);
    if (status == WSIC_OK)
        status = wsic_permute_backward(job->env, live, order, sizeof *job->gamma, job->gamma);
    return status;
}

static double square_sum(const double *values, size_t count)
{
    double sum = 0.0;

    for (size_t k = 0; k < count; k++)
        sum += values[k] * values[k];
    return sum;
}

wsic_status wsic_job_quantize(wsic_job *job, double step)
{
    const wsic_selection all = {job->rows, NULL};
    const wsic_progress span = wsic_job_span(job, "quantize", 0.4);
    const wsic_zsic problem = {
        .rows = job->rows,
        .columns = job->live,
        .L = job->factor.L,
        .alpha = job->alpha,
        .lmmse = job->options->lmmse,
        .quantizer = &job->quantizer,
        .row_width = job->row_width,
    };
    double mark = wsic_now();

    job->step = step;
    for (size_t k = 0; k < job->live; k++)
        job->alpha[k] = step * job->shape[k];
    wsic_status status = wsic_job_target(job, all, job->y);
    job->target_energy = square_sum(job->y, job->rows * job->live);
    if (status == WSIC_OK)
        status = wsic_zsic_run(job->env, &span, &problem, job->y, job->codes, job->gamma,
                               &job->residual);
    if (status == WSIC_OK)
        status = restore_order(job);
    job->report->passes++;
    job->report->seconds_recursion += wsic_lap(&mark);
    return status;
}
