/* SPDX-License-Identifier: MIT */
#include "quant/setup.h"

#include <math.h>

#include "base/checked.h"
#include "base/clock.h"
#include "coding/codes.h"
#include "quant/feedback.h"
#include "quant/precision.h"
#include "quant/ridge.h"
#include "quant/target.h"

/* A quantizer that weighs bits against error has no use for the ridge's estimate of them. */
static void fill_error_share(wsic_job *job)
{
    const wsic_encode_options *const options = job->options;
    const bool counts_bits = options->quantizer != WSIC_QUANTIZE_SCALAR && options->lambda > 0.0;

    for (size_t k = 0; k < job->live; k++) {
        const double diagonal = job->factor->L[k * job->live + k];
        const double rho =
            job->spacing.ridge ? job->spacing.ridge[wsic_factor_column(job->factor, k)] : 0.0;
        const double share = 1.0 - rho / (diagonal * diagonal);
        /* Where next to nothing remains rounding may have left anything; such a column will have
         * no bits in any case. */
        job->spacing.error_share[k] = counts_bits ? fmax(share, 1e-6) : 1.0;
    }
}

/* α_j / c. Waterfilling: 1 / L_jj, the same step for every column in the domain of the
 * factor. Uniform: a constant, chosen so that c is the geometric mean of the steps. The codes
 * of a trellis count halves of the step, which is the spacing of either codebook. */
static void fill_shape(wsic_job *job)
{
    const size_t live = job->live;
    double mean_log = 0.0;

    for (size_t j = 0; j < live; j++) {
        /* Equal steps in the metric in which the column is decided. */
        const double metric = job->factor->L[j * live + j] * sqrt(job->spacing.error_share[j]);
        job->spacing.shape[j] = 1.0 / metric;
        mean_log += log(job->spacing.shape[j]) / (double)live;
    }
    if (job->options->spacing == WSIC_SPACING_UNIFORM) {
        for (size_t j = 0; j < live; j++)
            job->spacing.shape[j] = exp(mean_log);
    }
    for (size_t j = 0; j < live; j++)
        job->spacing.shape[j] *= wsic_quantizer_grid(job->options->quantizer);
}

/* With codes that fit four bits: a column of Gaussian weights has its least error where the codes
 * count a third of the deviation; what is saved on the bits moves that down a little. */
static void fill_least(wsic_job *job)
{
    static const double part = 0.3;

    for (size_t k = 0; k < job->live; k++) {
        const double energy = job->column_energy[wsic_factor_column(job->factor, k)];
        job->spacing.least[k] = job->options->codes_fit_i4 ? part * sqrt(energy) : 0.0;
    }
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
        .fit_i4 = options->codes_fit_i4,
    };
}

/* So that a block has as many rows as it would have without those that are left out. */
static size_t choose_block_rows(const wsic_job *job)
{
    const wsic_encode_options *const options = job->options;
    const unsigned kind = options->quantizer == WSIC_QUANTIZE_TRELLIS ? options->trellis_kind : 0;

    if (options->block_rows != 0)
        return wsic_min_size(options->block_rows, job->all_rows);
    const size_t wanted = wsic_codes_block_rows(job->rows, job->columns, kind);
    const double share = (double)job->all_rows / (double)job->rows;
    return wsic_min_size((size_t)ceil((double)wanted * share),
                         wsic_min_size(job->all_rows, wsic_codes_block_rows_most(job->columns)));
}

static wsic_status cut_blocks(wsic_job *job)
{
    const wsic_selection rows = job->problem->weights.rows;
    wsic_status status = WSIC_OK;
    size_t row = 0;

    job->block_rows = choose_block_rows(job);
    job->blocks = wsic_div_up(job->all_rows, job->block_rows);
    job->block_start = wsic_alloc(job->env, job->blocks + 1, sizeof *job->block_start, &status);
    for (size_t block = 0; job->block_start && block <= job->blocks; block++) {
        while (row < job->rows && wsic_selected(rows, row) < block * job->block_rows)
            row++;
        job->block_start[block] = row;
    }
    return status;
}

static size_t longest_block(const wsic_job *job)
{
    size_t longest = 0;

    for (size_t block = 0; block < job->blocks; block++)
        longest = wsic_max_size(longest, job->block_start[block + 1] - job->block_start[block]);
    return longest;
}

static wsic_status create_quantizer(wsic_job *job)
{
    wsic_quantizer_choice choice = wsic_job_quantizer(job->options, job->rows, job->columns);
    const wsic_status status = cut_blocks(job);

    if (status != WSIC_OK)
        return status;
    choice.restart_rows = longest_block(job);
    return wsic_quantizer_create(job->env, &choice, &job->quantizer);
}

static wsic_status allocate(wsic_job *job)
{
    const size_t live = job->live;
    wsic_status status = WSIC_OK;

    job->spacing.shape = wsic_alloc(job->env, 6 * live, sizeof *job->spacing.shape, &status);
    if (!job->spacing.shape)
        return status;
    job->pass.alpha = job->spacing.shape + live;
    job->pass.gamma = job->spacing.shape + 2 * live;
    job->spacing.error_share = job->spacing.shape + 3 * live;
    job->feedback.gamma = job->spacing.shape + 4 * live;
    job->spacing.least = job->spacing.shape + 5 * live;
    job->row_width = wsic_alloc(job->env, job->rows, sizeof *job->row_width, &status);
    if (!job->row_width)
        return status;
    job->pass.codes =
        wsic_alloc(job->env, job->all_rows * job->columns, sizeof *job->pass.codes, &status);
    return status;
}

static bool drifts(const wsic_job *job)
{
    const wsic_blend_sources *const sources = &job->problem->input.sources;
    return sources->moments->quantized != NULL && sources->drift_mix < 1.0;
}

/* Where a distortion is asked for, what the recursion does not see of it has to be known. */
static bool wants_offset(const wsic_job *job)
{
    return job->options->distortion != 0.0 && (drifts(job) || job->options->ridge > 0.0);
}

static wsic_status prepare_problem(wsic_job *job)
{
    wsic_encode_problem *const problem = job->problem;
    const wsic_matrix *const weights = &problem->input.weights;
    size_t elements;

    job->all_rows = weights->rows;
    job->columns = weights->columns;
    if (!wsic_mul_size(job->all_rows, job->columns, &elements) ||
        !wsic_mul_size(job->columns, job->columns, &elements))
        return wsic_fail(job->env, WSIC_ERROR_TOO_LARGE, "%zu x %zu weights do not fit memory",
                         job->all_rows, job->columns);
    const wsic_status status = wsic_encode_problem_prepare(
        job->env, &job->options->factor, job->options->dead_threshold,
        !wsic_job_refactorizes(job) || wants_offset(job) ||
            (drifts(job) && wsic_outputs_known(&problem->input.outputs)),
        problem);
    job->rows = problem->weights.rows.count;
    job->live = problem->live;
    job->weights = problem->weights;
    job->factor = &problem->factor;
    job->column_energy = problem->column_energy;
    job->row_energy = problem->row_energy;
    job->idle_rows = problem->zero_rows;
    return status;
}

/* Energies of weighted rows. */
static wsic_status weigh_rows(wsic_job *job)
{
    const wsic_encode_problem *const problem = job->problem;
    wsic_status status = WSIC_OK;

    if (!job->metric.weight)
        return WSIC_OK;
    job->weighted_energy =
        wsic_alloc(job->env, job->live + job->rows, sizeof *job->weighted_energy, &status);
    if (!job->weighted_energy)
        return status;
    job->weights.row_factor = job->metric.weight;
    wsic_weights_energies(&job->weights, problem->live_columns, problem->column_diagonal,
                          job->weighted_energy, job->weighted_energy + job->live);
    job->column_energy = job->weighted_energy;
    job->row_energy = job->weighted_energy + job->live;
    return WSIC_OK;
}

/* Nothing is to be decided where no row has any energy. */
static wsic_status prepare_metric(wsic_job *job)
{
    const wsic_metric_input input = {job->problem->input.outputs, job->row_energy, job->live,
                                     job->problem->weights.rows};
    double mark = wsic_now();

    if (!wsic_outputs_known(&input.outputs) || job->options->outputs.use == WSIC_OUTPUTS_NONE ||
        job->idle_rows == job->rows)
        return WSIC_OK;
    wsic_status status = wsic_metric_make(job->env, &job->options->outputs, &input, &job->metric);
    job->has_metric = status == WSIC_OK;
    if (status == WSIC_OK)
        status = weigh_rows(job);
    job->report->seconds_outputs += wsic_lap(&mark);
    return status;
}

static wsic_status find_target_energy(wsic_job *job, double *energy)
{
    const wsic_selection all = {job->rows, NULL};
    wsic_target_energy found = {0.0, 0.0};
    const wsic_status status = wsic_job_target(job, all, false, (wsic_reals){.f64 = NULL}, &found);

    *energy = found.target;
    return status;
}

/* The ridge and the order; what they take off ||Y||², and what no Ŵ can undo:
 * K - C S⁻¹ Cᵀ = K - ||Y||², up to the damping, from the factor without ridge. */
static wsic_status refactorize(wsic_job *job)
{
    double plain = 0.0, ridged = 0.0;
    wsic_status status = WSIC_OK;

    if (!wants_offset(job) || job->live == 0)
        return wsic_job_refactorize(job);
    status = find_target_energy(job, &plain);
    /* D_G does not count what drift leaves. */
    if (status == WSIC_OK && drifts(job) && !job->has_metric)
        job->unseen.floor = fmax(job->problem->energy - plain, 0.0);
    if (status == WSIC_OK)
        status = wsic_job_refactorize(job);
    if (status == WSIC_OK)
        status = find_target_energy(job, &ridged);
    job->unseen.offset = job->unseen.floor + plain - ridged;
    return status;
}

wsic_status wsic_job_prepare(wsic_job *job)
{
    const wsic_progress span = wsic_job_span(job, "prepare", 0.1);
    double mark = wsic_now();

    wsic_status status = wsic_progress_report(job->env, &span, 0.0);
    if (status == WSIC_OK)
        status = prepare_problem(job);
    if (status == WSIC_OK)
        status = prepare_metric(job);
    if (status == WSIC_OK)
        status = allocate(job);
    if (status == WSIC_OK)
        status = wsic_job_drifted_goal(job);
    if (status == WSIC_OK)
        status = refactorize(job);
    if (status == WSIC_OK)
        status = wsic_job_plain_goal(job);
    if (status == WSIC_OK) {
        fill_error_share(job);
        fill_shape(job);
        fill_least(job);
        fill_row_widths(job);
        status = create_quantizer(job);
    }
    if (status == WSIC_OK)
        status = wsic_job_choose_precision(job);
    if (status == WSIC_OK)
        job->pass.y.f64 =
            wsic_alloc(job->env, job->rows * job->live, wsic_reals_size(job->single), &status);
    job->report->seconds_prepare += wsic_lap(&mark);
    return status;
}

void wsic_job_release(wsic_job *job)
{
    wsic_free(job->env, job->feedback.goal);
    wsic_free(job->env, job->pass.codes);
    wsic_free(job->env, job->pass.y.f64);
    wsic_free(job->env, job->L_single);
    wsic_free(job->env, job->spacing.ridge);
    wsic_quantizer_release(job->env, &job->quantizer);
    wsic_free(job->env, job->block_start);
    wsic_free(job->env, job->row_width);
    wsic_free(job->env, job->spacing.shape);
    wsic_free(job->env, job->weighted_energy);
    wsic_metric_release(job->env, &job->metric);
}
