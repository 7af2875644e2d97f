/* SPDX-License-Identifier: MIT */
#include "quant/problem.h"

#include <string.h>

#include "base/checked.h"

void wsic_encode_problem_init(const wsic_encode_input *input, wsic_encode_problem *problem)
{
    *problem = (wsic_encode_problem){
        .input = *input,
        .factor = {.unit = 1.0},
        .variance = -1.0,
        .source_energy = {-1.0, -1.0},
        .energy = -1.0,
    };
}

static void forget_mixture(const wsic_env *env, wsic_encode_problem *problem)
{
    wsic_blend_release(env, &problem->blend);
    wsic_free(env, problem->S_owned);
    wsic_free(env, problem->cross_owned);
    wsic_free(env, problem->spectrum);
    problem->S_owned = problem->cross_owned = problem->spectrum = NULL;
    problem->S = problem->cross = NULL;
    problem->energy = -1.0;
    problem->blend_known = problem->factor_known = problem->determinant_known = false;
}

void wsic_encode_problem_forget_outputs(const wsic_env *env, wsic_encode_problem *problem)
{
    wsic_free(env, problem->output_spectrum);
    problem->output_spectrum = NULL;
}

/* Another mixture may see something where this one did not. */
void wsic_encode_problem_remix(const wsic_env *env, wsic_encode_problem *problem)
{
    if (problem->silent)
        wsic_encode_problem_reset(env, problem);
    else
        forget_mixture(env, problem);
}

void wsic_encode_problem_reset(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_encode_input input = problem->input;

    forget_mixture(env, problem);
    wsic_factor_release(env, &problem->factor);
    wsic_free(env, problem->column_energy);
    wsic_free(env, problem->row_energy);
    wsic_free(env, problem->row_index);
    wsic_encode_problem_forget_outputs(env, problem);
    wsic_encode_problem_init(&input, problem);
}

void wsic_encode_problem_release(const wsic_env *env, wsic_encode_problem *problem)
{
    wsic_encode_problem_reset(env, problem);
}

/* --- rows ------------------------------------------------------------------------ */

static bool is_told_dead(const wsic_encode_input *input, size_t row)
{
    return input->dead_rows && input->dead_rows[row];
}

/* What is to be made up for in residual streams gives codes to rows of zeros. */
static bool has_residual(const wsic_blend_sources *sources)
{
    return sources->moments->residual || (sources->weighted && sources->weighted->residual);
}

/* Rows that are to be encoded into index; their number. */
static size_t list_rows(const wsic_encode_input *input, bool zeros_too, size_t *index)
{
    size_t count = 0;

    for (size_t r = 0; r < input->weights.rows; r++) {
        if (!is_told_dead(input, r) && (zeros_too || !wsic_row_is_zero(&input->weights, r)))
            index[count++] = r;
    }
    return count;
}

/* At least one row remains, be it of zeros. */
static wsic_status find_rows(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_encode_input *const input = &problem->input;
    const bool zeros_too = has_residual(&input->sources);
    const size_t rows = input->weights.rows;
    wsic_selection live = {rows, NULL};
    wsic_status status = WSIC_OK;

    problem->row_index = wsic_alloc(env, rows, sizeof *problem->row_index, &status);
    if (!problem->row_index)
        return status;
    live.count = list_rows(input, zeros_too, problem->row_index);
    if (live.count == 0)
        live.count = list_rows(input, true, problem->row_index);
    live.index = problem->row_index;
    if (live.count == rows) {
        wsic_free(env, problem->row_index);
        live.index = problem->row_index = NULL;
    }
    problem->weights = wsic_weights_make(&input->weights, live);
    return WSIC_OK;
}

/* --- columns ------------------------------------------------------------------ */

static wsic_status measure_weights(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_moments *const moments = problem->input.sources.moments;
    const size_t n = moments->columns, live = problem->live;
    const size_t rows = problem->weights.rows.count;
    const double mean =
        wsic_factor_mean_diagonal(&problem->factor, moments->input, moments->samples);
    const double factor = 1.0 / (moments->samples * wsic_even_power_of_two(mean));
    wsic_status status = WSIC_OK;

    problem->column_energy = wsic_alloc(env, 2 * live, sizeof(double), &status);
    if (!problem->column_energy)
        return status;
    problem->row_energy = wsic_alloc(env, rows, sizeof(double), &status);
    if (!problem->row_energy)
        return status;
    double *const diagonal = problem->column_diagonal = problem->column_energy + live;
    for (size_t k = 0; k < live; k++) {
        const size_t j = problem->live_columns.index[k];
        diagonal[k] = factor * moments->input[j * n + j];
    }
    wsic_weights_energies(&problem->weights, problem->live_columns, diagonal,
                          problem->column_energy, problem->row_energy);
    for (size_t r = 0; r < rows; r++)
        problem->zero_rows += problem->row_energy[r] == 0.0;
    return WSIC_OK;
}

static wsic_status find_columns(const wsic_env *env, double threshold, wsic_encode_problem *problem)
{
    const wsic_encode_input *const input = &problem->input;
    const wsic_moments *const moments = input->sources.moments;
    const wsic_dead_rule rule = {threshold, input->dead_columns};
    wsic_status status =
        wsic_factor_columns(env, moments->columns, moments->input, &rule, &problem->factor);

    if (status != WSIC_OK)
        return status;
    status = find_rows(env, problem);
    if (status != WSIC_OK)
        return status;
    problem->live = problem->factor.live;
    problem->live_columns = (wsic_selection){problem->live, problem->factor.live_index};
    problem->dead_threshold = threshold;
    if (problem->live < moments->columns)
        wsic_log(env, WSIC_LOG_INFO, "%zu of %zu columns are dead",
                 moments->columns - problem->live, moments->columns);
    status = measure_weights(env, problem);
    problem->columns_known = status == WSIC_OK;
    return status;
}

/* --- mixture -------------------------------------------------------------------- */

static wsic_status mix(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_status status = wsic_blend_make(env, &problem->input.sources, &problem->blend);

    problem->blend_known = status == WSIC_OK;
    return status;
}

/* Columns are dead by the clean input. Where the quantized model gives the layer nothing but zeros,
 * no weight does anything, and no damping in proportion to the diagonal makes a factor. */
static void kill_silent_columns(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_blend *const blend = &problem->blend;
    const size_t rows = problem->weights.rows.count;

    if (problem->live == 0 ||
        wsic_factor_mean_diagonal(&problem->factor, blend->hessian, blend->samples) > 0.0)
        return;
    wsic_log(env, WSIC_LOG_INFO, "the quantized input is always 0: all columns are dead");
    problem->silent = true;
    problem->live = problem->factor.live = problem->live_columns.count = 0;
    memset(problem->row_energy, 0, rows * sizeof *problem->row_energy);
    problem->zero_rows = rows;
}

/* With drift the distortion is measured by Σ without damping, over the live columns. A copy
 * is made only where dead columns have to be left out. */
static wsic_status gather_covariance(const wsic_env *env, wsic_encode_problem *problem)
{
    const wsic_blend *const blend = &problem->blend;
    const size_t live = problem->live;
    wsic_status status = WSIC_OK;

    if (problem->S || !blend->cross)
        return WSIC_OK;
    if (live == problem->factor.n) {
        problem->S = blend->hessian;
        problem->S_factor = 1.0 / (blend->samples * problem->factor.unit);
        return WSIC_OK;
    }
    problem->S_owned = wsic_alloc(env, live * live, sizeof(double), &status);
    if (!problem->S_owned)
        return status;
    wsic_gather_live(&problem->factor, blend->hessian, blend->samples, problem->S_owned);
    problem->S = problem->S_owned;
    problem->S_factor = 1.0;
    return WSIC_OK;
}

/* The columns of Σ_{X,X̂} that belong to live inputs, with all rows: the contribution of dead
 * columns to the output is part of the target. */
static wsic_status gather_cross(const wsic_env *env, wsic_encode_problem *problem)
{
    const double *const cross = problem->blend.cross;
    const size_t n = problem->factor.n, live = problem->live;
    wsic_status status = WSIC_OK;

    if (problem->cross || !cross)
        return WSIC_OK;
    if (live == n) {
        problem->cross = cross;
        return WSIC_OK;
    }
    problem->cross_owned = wsic_alloc(env, live * n, sizeof(double), &status);
    if (!problem->cross_owned)
        return status;
    for (size_t k = 0; k < live; k++) {
        const double *const column = cross + problem->live_columns.index[k] * n;
        for (size_t i = 0; i < n; i++)
            problem->cross_owned[k * n + i] = column[i];
    }
    problem->cross = problem->cross_owned;
    return WSIC_OK;
}

static wsic_status factorize(const wsic_env *env, const wsic_factor_options *options,
                             wsic_encode_problem *problem)
{
    const wsic_blend *const blend = &problem->blend;
    wsic_status status =
        wsic_factorize(env, blend->hessian, blend->samples, options, &problem->factor);

    if (status == WSIC_OK)
        status = gather_covariance(env, problem);
    if (status == WSIC_OK)
        status = gather_cross(env, problem);
    wsic_log(env, WSIC_LOG_INFO, "damping %g after %llu retries",
             problem->factor.damping * problem->factor.unit,
             (unsigned long long)problem->factor.retries);
    problem->factor_options = *options;
    problem->factor_known = status == WSIC_OK;
    return status;
}

static bool same_options(const wsic_factor_options *a, const wsic_factor_options *b)
{
    return a->damping == b->damping && a->damping_retries == b->damping_retries;
}

wsic_status wsic_encode_problem_prepare(const wsic_env *env, const wsic_factor_options *options,
                                        double dead_threshold, bool original,
                                        wsic_encode_problem *problem)
{
    wsic_status status = WSIC_OK;

    if (problem->columns_known && problem->dead_threshold != dead_threshold)
        wsic_encode_problem_reset(env, problem);
    if (!problem->columns_known)
        status = find_columns(env, dead_threshold, problem);
    if (status == WSIC_OK && !problem->blend_known)
        status = mix(env, problem);
    if (status == WSIC_OK)
        kill_silent_columns(env, problem);
    const bool usable = problem->factor_known && same_options(&problem->factor_options, options) &&
                        !(original && problem->factor.changed);
    if (status == WSIC_OK && !usable)
        status = factorize(env, options, problem);
    if (status == WSIC_OK && wsic_encode_problem_drifts(problem) && problem->energy < 0.0)
        status = wsic_encode_problem_energy(env, problem);
    if (status != WSIC_OK)
        wsic_encode_problem_reset(env, problem);
    return status;
}
