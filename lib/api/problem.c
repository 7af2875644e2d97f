/* SPDX-License-Identifier: MIT */
#include "api/problem.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/stats.h"

/* --- input ----------------------------------------------------------------------- */

static wsic_status check_stats(const wsic_env *env, const char *name, const wsic_stats *stats,
                               const wsic_matrix *weights)
{
    const size_t outputs = wsic_stats_residual_columns(stats);

    if (!(wsic_stats_samples(stats) > 0.0))
        return wsic_fail(env, WSIC_ERROR_NO_SAMPLES, "%s: the statistics hold no sample", name);
    if (wsic_stats_columns(stats) != weights->columns)
        return wsic_fail(env, WSIC_ERROR_SHAPE, "%s is of %zu columns, weights of %zu", name,
                         wsic_stats_columns(stats), weights->columns);
    if (outputs != 0 && outputs != weights->rows)
        return wsic_fail(env, WSIC_ERROR_SHAPE,
                         "%s holds residuals of %zu outputs, where weights has %zu rows", name,
                         outputs, weights->rows);
    return WSIC_OK;
}

static wsic_status check_same_kind(const wsic_env *env, const wsic_stats *stats,
                                   const wsic_stats *weighted)
{
    if (wsic_stats_has_pairs(stats) != wsic_stats_has_pairs(weighted))
        return wsic_fail(env, WSIC_ERROR_STATE,
                         "one of stats and weighted holds pairs, the other plain inputs");
    if (wsic_stats_residual_columns(stats) != wsic_stats_residual_columns(weighted))
        return wsic_fail(env, WSIC_ERROR_STATE,
                         "one of stats and weighted holds residuals, the other none");
    return WSIC_OK;
}

wsic_status wsic_problem_check_input(const wsic_env *env, const wsic_stats *stats,
                                     const wsic_stats *weighted, const wsic_matrix *weights,
                                     wsic_encode_input *input)
{
    *input = (wsic_encode_input){.spectrum = NULL};
    if (!stats)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "stats is NULL");
    wsic_status status =
        wsic_check_matrix(env, "weights", weights, WSIC_ALLOW_REAL,
                          (wsic_shape){0, wsic_stats_columns(stats)}, &input->weights);
    if (status == WSIC_OK)
        status = wsic_check_finite(env, "weights", &input->weights);
    if (status == WSIC_OK)
        status = check_stats(env, "stats", stats, &input->weights);
    if (status == WSIC_OK && weighted)
        status = check_stats(env, "weighted", weighted, &input->weights);
    if (status == WSIC_OK && weighted)
        status = check_same_kind(env, stats, weighted);
    input->sources.moments = wsic_stats_moments(stats);
    input->sources.weighted = weighted ? wsic_stats_moments(weighted) : NULL;
    input->spectrum = wsic_stats_cached_spectrum(stats);
    return status;
}

/* --- life ------------------------------------------------------------------------ */

static wsic_status fill(const wsic_stats *stats, const wsic_stats *weighted,
                        const wsic_matrix *weights, wsic_problem *problem)
{
    wsic_encode_input input;
    const wsic_status status =
        wsic_problem_check_input(&problem->handle.env, stats, weighted, weights, &input);

    if (status == WSIC_OK)
        wsic_encode_problem_init(&input, &problem->inner);
    return status;
}

wsic_status wsic_problem_create(wsic_context *context, const wsic_stats *stats,
                                const wsic_stats *weighted, const wsic_matrix *weights,
                                wsic_problem **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, NULL, NULL, out);
    if (status != WSIC_OK)
        return status;
    wsic_problem *const problem = wsic_handle_create(context, sizeof *problem, &status);
    if (!problem)
        return status;
    status = fill(stats, weighted, weights, problem);
    if (status != WSIC_OK) {
        wsic_handle_destroy(problem);
        return status;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = problem;
    return WSIC_OK;
}

void wsic_problem_destroy(wsic_problem *problem)
{
    if (!problem)
        return;
    wsic_encode_problem_release(&problem->handle.env, &problem->inner);
    wsic_free(&problem->handle.env, problem->dead_rows);
    wsic_free(&problem->handle.env, problem->dead_columns);
    wsic_free(&problem->handle.env, problem->output_diagonal);
    wsic_handle_destroy(problem);
}

const char *wsic_problem_message(const wsic_problem *problem)
{
    return wsic_handle_message(problem);
}

/* --- what is to be solved ----------------------------------------------------------- */

wsic_status wsic_problem_set_mix(wsic_problem *problem, double q, double a)
{
    if (!problem)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &problem->handle.env;
    wsic_blend_sources *const sources = &problem->inner.input.sources;

    if (!(q >= 0.0 && q <= 1.0))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "q is %g, not within 0 to 1", q);
    if (!(a >= 0.0 && a <= 1.0))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "a is %g, not within 0 to 1", a);
    const bool changed = (sources->moments->quantized && sources->drift_mix != q) ||
                         (sources->weighted && sources->attention_mix != a);
    sources->drift_mix = q;
    sources->attention_mix = a;
    if (changed)
        wsic_encode_problem_remix(env, &problem->inner);
    return WSIC_OK;
}

/* Turn a list of numbers below limit into marks; NULL for an empty list. */
static wsic_status make_marks(const wsic_env *env, const char *name, const size_t *list,
                              size_t count, size_t limit, bool **marks)
{
    wsic_status status = WSIC_OK;

    *marks = NULL;
    if (count == 0)
        return WSIC_OK;
    if (!list)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL, count %zu", name, count);
    for (size_t k = 0; k < count; k++) {
        if (list[k] >= limit)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s[%zu] is %zu, where there are %zu", name,
                             k, list[k], limit);
    }
    *marks = wsic_alloc_zero(env, limit, sizeof **marks, &status);
    for (size_t k = 0; *marks && k < count; k++)
        (*marks)[list[k]] = true;
    return status;
}

/* Put marks in the place of earlier ones, which takes back what was prepared with those. */
static void replace_marks(wsic_problem *problem, bool **place, bool *marks)
{
    wsic_free(&problem->handle.env, *place);
    *place = marks;
    problem->inner.input.dead_rows = problem->dead_rows;
    problem->inner.input.dead_columns = problem->dead_columns;
    wsic_encode_problem_reset(&problem->handle.env, &problem->inner);
}

static size_t count_marks(const bool *marks, size_t limit)
{
    size_t count = 0;

    for (size_t k = 0; marks && k < limit; k++)
        count += marks[k];
    return count;
}

wsic_status wsic_problem_set_dead_rows(wsic_problem *problem, const size_t *rows, size_t count)
{
    bool *marks;

    if (!problem)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &problem->handle.env;
    const size_t limit = problem->inner.input.weights.rows;
    const wsic_status status = make_marks(env, "rows", rows, count, limit, &marks);
    if (status != WSIC_OK)
        return status;
    if (count_marks(marks, limit) == limit) {
        wsic_free(env, marks);
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "rows are all %zu of the matrix", limit);
    }
    replace_marks(problem, &problem->dead_rows, marks);
    return WSIC_OK;
}

wsic_status wsic_problem_set_dead_columns(wsic_problem *problem, const size_t *columns,
                                          size_t count)
{
    bool *marks;

    if (!problem)
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = make_marks(&problem->handle.env, "columns", columns, count,
                                          problem->inner.input.weights.columns, &marks);
    if (status == WSIC_OK)
        replace_marks(problem, &problem->dead_columns, marks);
    return status;
}

/* --- outputs -------------------------------------------------------------------------- */

static wsic_status check_outputs(const wsic_env *env, const wsic_stats *outputs, size_t rows)
{
    const wsic_moments *const moments = wsic_stats_moments(outputs);
    const wsic_output_moments found = {.sums = moments};
    double mean = 0.0;

    if (moments->quantized)
        return wsic_fail(env, WSIC_ERROR_STATE, "outputs holds pairs, not plain statistics");
    if (moments->columns != rows)
        return wsic_fail(env, WSIC_ERROR_SHAPE, "outputs is of %zu columns, weights has %zu rows",
                         moments->columns, rows);
    if (!(moments->samples > 0.0))
        return wsic_fail(env, WSIC_ERROR_NO_SAMPLES, "outputs: the statistics hold no sample");
    for (size_t r = 0; r < rows; r++)
        mean += wsic_outputs_element(&found, r, r) / (double)rows;
    if (!(mean >= DBL_MIN))
        return wsic_fail(env, WSIC_ERROR_RANGE,
                         "outputs has a mean diagonal of %g over %g samples: no gradient has "
                         "reached the outputs",
                         mean, moments->samples);
    return WSIC_OK;
}

static void replace_outputs(wsic_problem *problem, wsic_output_moments outputs,
                            const double *spectrum)
{
    problem->inner.input.outputs = outputs;
    problem->inner.input.output_spectrum = spectrum;
    wsic_encode_problem_forget_outputs(&problem->handle.env, &problem->inner);
}

wsic_status wsic_problem_set_outputs(wsic_problem *problem, const wsic_stats *outputs)
{
    if (!problem)
        return WSIC_ERROR_ARGUMENT;
    wsic_output_moments known = {.sums = NULL};
    wsic_status status = WSIC_OK;

    if (outputs) {
        status = check_outputs(&problem->handle.env, outputs, problem->inner.input.weights.rows);
        known.sums = wsic_stats_moments(outputs);
    }
    if (status != WSIC_OK)
        return status;
    replace_outputs(problem, known, outputs ? wsic_stats_cached_spectrum(outputs) : NULL);
    wsic_free(&problem->handle.env, problem->output_diagonal);
    problem->output_diagonal = NULL;
    return WSIC_OK;
}

static wsic_status check_diagonal(const wsic_env *env, const double *diagonal, size_t count,
                                  size_t rows)
{
    double mean = 0.0;

    if (count != rows)
        return wsic_fail(env, WSIC_ERROR_SHAPE, "diagonal has %zu numbers, weights has %zu rows",
                         count, rows);
    for (size_t r = 0; r < rows; r++) {
        if (!isfinite(diagonal[r]))
            return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "diagonal[%zu] is %g", r, diagonal[r]);
        if (diagonal[r] < 0.0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "diagonal[%zu] is %g, a mean of squares", r,
                             diagonal[r]);
        mean += diagonal[r] / (double)rows;
    }
    if (!(mean >= DBL_MIN && isfinite(mean)))
        return wsic_fail(env, WSIC_ERROR_RANGE,
                         "diagonal has a mean of %g: no gradient has reached the outputs", mean);
    return WSIC_OK;
}

wsic_status wsic_problem_set_output_diagonal(wsic_problem *problem, const double *diagonal,
                                             size_t count)
{
    double *copy = NULL;
    wsic_status status = WSIC_OK;

    if (!problem)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &problem->handle.env;
    if (diagonal) {
        status = check_diagonal(env, diagonal, count, problem->inner.input.weights.rows);
        if (status == WSIC_OK)
            copy = wsic_alloc(env, count, sizeof *copy, &status);
        if (status != WSIC_OK)
            return status;
        memcpy(copy, diagonal, count * sizeof *copy);
    }
    replace_outputs(problem, (wsic_output_moments){.diagonal = copy}, NULL);
    wsic_free(env, problem->output_diagonal);
    problem->output_diagonal = copy;
    return WSIC_OK;
}
