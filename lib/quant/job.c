/* SPDX-License-Identifier: MIT */
#include "quant/job.h"

#include <math.h>

double wsic_job_step_unit(const wsic_job *job)
{
    return job->weights.unit * sqrt(job->factor->unit);
}

double wsic_job_distortion_unit(const wsic_job *job)
{
    return job->weights.unit * job->weights.unit * job->factor->unit;
}

double wsic_job_output_element(const wsic_job *job, size_t i, size_t j)
{
    const wsic_selection rows = job->problem->weights.rows;

    return wsic_outputs_element(&job->problem->input.outputs, wsic_selected(rows, i),
                                wsic_selected(rows, j));
}

double wsic_job_output_unit(const wsic_job *job)
{
    double mean = 0.0;

    for (size_t r = 0; r < job->rows; r++)
        mean += wsic_job_output_element(job, r, r) / (double)job->rows;
    return wsic_even_power_of_two(mean);
}

double wsic_job_target_unit(const wsic_job *job)
{
    return job->has_metric ? wsic_job_distortion_unit(job) * job->metric.unit
                           : wsic_job_distortion_unit(job);
}

double wsic_job_open_distortion(const wsic_job *job)
{
    const double wanted = job->options->distortion / wsic_job_target_unit(job);
    const double floor = job->unseen.floor / wsic_job_weights(job);

    /* A target below the floor cannot be met; as near as the search goes. */
    return fmax(wanted - floor, 1e-6 * wanted);
}

void wsic_job_space(wsic_job *job, double step)
{
    for (size_t k = 0; k < job->live; k++)
        job->pass.alpha[k] = fmax(step * job->spacing.shape[k], job->spacing.least[k]);
}

void wsic_job_sigma(const wsic_job *job, double *sigma)
{
    for (size_t k = 0; k < job->live; k++) {
        const double energy = job->column_energy[wsic_factor_column(job->factor, k)];
        sigma[k] = sqrt(energy) * job->factor->L[k * job->live + k];
    }
}

void wsic_job_plain_sigma(const wsic_job *job, double *sigma)
{
    for (size_t k = 0; k < job->live; k++)
        sigma[k] = sqrt(job->column_energy[k]) * job->factor->diagonal[k];
}

wsic_progress wsic_job_span(wsic_job *job, const char *stage, double part)
{
    const double from = job->progress;

    job->progress += part * (1.0 - from);
    return (wsic_progress){stage, from, job->progress};
}
