/* SPDX-License-Identifier: MIT */
#include "api/plan.h"

#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/problem.h"
#include "base/checked.h"
#include "base/sort.h"
#include "quant/metric.h"

/* The encoder's defaults, see watersic/encoder.h. */
static const wsic_factor_options factor_options = {
    .damping = 1e-4,
    .damping_retries = 6,
};
static const double dead_threshold = 1e-3;

wsic_status wsic_plan_create(wsic_context *context, wsic_plan **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, NULL, NULL, out);
    if (status != WSIC_OK)
        return status;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = wsic_handle_create(context, sizeof **out, &status);
    return status;
}

void wsic_plan_destroy(wsic_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++) {
        wsic_free(&plan->handle.env, plan->entries[i].sigma);
        wsic_free(&plan->handle.env, plan->entries[i].curve);
    }
    wsic_free(&plan->handle.env, plan->entries);
    wsic_handle_destroy(plan);
}

const char *wsic_plan_message(const wsic_plan *plan)
{
    return wsic_handle_message(plan);
}

size_t wsic_plan_count(const wsic_plan *plan)
{
    return plan->count;
}

/* --- adding a matrix ------------------------------------------------------- */

static wsic_status reserve_entry(wsic_plan *plan)
{
    const wsic_env *const env = &plan->handle.env;
    wsic_status status = WSIC_OK;

    if (plan->count < plan->capacity)
        return WSIC_OK;
    const size_t capacity = wsic_max_size(8, plan->capacity + plan->capacity / 2);
    wsic_plan_entry *const entries = wsic_alloc(env, capacity, sizeof *entries, &status);
    if (!entries)
        return status;
    if (plan->count != 0)
        memcpy(entries, plan->entries, plan->count * sizeof *entries);
    wsic_free(env, plan->entries);
    plan->entries = entries;
    plan->capacity = capacity;
    return WSIC_OK;
}

static wsic_status fill_sigma(const wsic_env *env, const wsic_encode_problem *problem,
                              const double *column_energy, wsic_plan_entry *entry)
{
    const double unit = problem->weights.unit * sqrt(problem->factor.unit);

    for (size_t k = 0; k < problem->live; k++) {
        const double sigma = unit * (sqrt(column_energy[k]) * problem->factor.diagonal[k]);
        entry->sigma[problem->live_columns.index[k]] = sigma;
        entry->energy += entry->scale * entry->live_rows * sigma * sigma / (double)entry->columns;
    }
    if (!isfinite(entry->energy))
        return wsic_fail(env, WSIC_ERROR_RANGE,
                         "the energy of weights and covariance is beyond the range of double");
    return WSIC_OK;
}

/* From the sources of rows of mean energy to those of all classes of rows, the last class first so
 * that the first takes its own place last. The a numbers in row_energy are sorted. */
static void spread_over_rows(double *row_energy, size_t a, wsic_plan_entry *entry)
{
    const size_t classes = entry->row_classes, n = entry->columns;
    double mean = 0.0;

    wsic_sort(row_energy, a, sizeof *row_energy, wsic_ascending_double);
    for (size_t r = 0; r < a; r++)
        mean += row_energy[r] / (double)a;
    for (size_t k = classes; k-- > 0;) {
        const size_t first = k * a / classes, end = (k + 1) * a / classes;
        double energy = 0.0;
        for (size_t r = first; r < end; r++)
            energy += row_energy[r] / (double)(end - first);
        for (size_t j = 0; j < n; j++)
            entry->sigma[k * n + j] = entry->sigma[j] * sqrt(energy / mean);
    }
}

/* Rows weighted, and errors fed back, as an encoder with its defaults will. */
static wsic_status fill_weighted_sigma(const wsic_env *env, const wsic_encode_problem *problem,
                                       wsic_plan_entry *entry)
{
    const wsic_metric_options options = {.use = WSIC_OUTPUTS_FULL,
                                         .weights = WSIC_METRIC_WEIGHTS_AUTO};
    const wsic_metric_input input = {problem->input.outputs, problem->row_energy, problem->live,
                                     problem->weights.rows};
    const size_t rows = problem->weights.rows.count;
    wsic_weights weights = problem->weights;
    wsic_metric metric;
    double gain = 1.0;
    wsic_status status = wsic_metric_make(env, &options, &input, &metric);

    if (status != WSIC_OK)
        return status;
    status = wsic_metric_noise_gain(env, &input, &metric, &gain);
    double *energy = NULL;
    if (status == WSIC_OK)
        energy = wsic_alloc(env, problem->live + rows, sizeof *energy, &status);
    if (status == WSIC_OK) {
        weights.row_factor = metric.weight;
        wsic_weights_energies(&weights, problem->live_columns, problem->column_diagonal, energy,
                              energy + problem->live);
        entry->outputs = true;
        entry->scale = metric.unit * gain;
        entry->sensitivity = 1.0 / (2.0 * log(2.0));
        status = fill_sigma(env, problem, energy, entry);
    }
    if (status == WSIC_OK)
        spread_over_rows(energy + problem->live, rows, entry);
    wsic_free(env, energy);
    wsic_metric_release(env, &metric);
    return status;
}

static wsic_status make_entry(const wsic_env *env, wsic_encode_problem *problem,
                              wsic_plan_entry *entry)
{
    const wsic_progress progress = {"plan", 0.0, 1.0};
    wsic_status status = wsic_progress_report(env, &progress, 0.0);

    if (status == WSIC_OK)
        status = wsic_encode_problem_prepare(env, &factor_options, dead_threshold, false, problem);
    if (status != WSIC_OK)
        return status;
    const size_t rows = problem->weights.rows.count;
    const bool weighted = wsic_outputs_known(&problem->input.outputs) && problem->zero_rows < rows;
    *entry = (wsic_plan_entry){
        .rows = problem->input.weights.rows,
        .columns = problem->factor.n,
        .dead = problem->factor.n - problem->live,
        .live_rows = (double)rows / (double)problem->input.weights.rows,
        .damping = problem->factor.unit * problem->factor.damping,
        .sensitivity = 1.0,
        .scale = 1.0,
        .row_classes = weighted ? wsic_min_size(WSIC_PLAN_ROW_CLASSES, rows) : 1,
    };
    status = wsic_progress_report(env, &progress, 0.5);
    if (status == WSIC_OK)
        entry->sigma = wsic_alloc_zero(env, entry->row_classes * entry->columns,
                                       sizeof *entry->sigma, &status);
    if (status == WSIC_OK)
        status = weighted ? fill_weighted_sigma(env, problem, entry)
                          : fill_sigma(env, problem, problem->column_energy, entry);
    /* Without any energy nothing is lost either. */
    entry->outputs = wsic_outputs_known(&problem->input.outputs);
    if (status == WSIC_OK)
        status = wsic_progress_report(env, &progress, 1.0);
    if (status != WSIC_OK)
        wsic_free(env, entry->sigma);
    return status;
}

static wsic_status add_problem(wsic_plan *plan, wsic_encode_problem *problem, size_t *index)
{
    wsic_plan_entry entry;
    wsic_status status = reserve_entry(plan);

    if (status == WSIC_OK)
        status = make_entry(&plan->handle.env, problem, &entry);
    if (status != WSIC_OK)
        return status;
    if (index)
        *index = plan->count;
    plan->entries[plan->count++] = entry;
    plan->solved = false;
    return WSIC_OK;
}

static wsic_status add_matrix(wsic_plan *plan, const wsic_stats *stats, const wsic_matrix *weights,
                              size_t *index)
{
    const wsic_env *const env = &plan->handle.env;
    wsic_encode_input input;
    wsic_encode_problem problem;

    wsic_status status = wsic_problem_check_input(env, stats, NULL, weights, &input);
    if (status != WSIC_OK)
        return status;
    wsic_encode_problem_init(&input, &problem);
    status = add_problem(plan, &problem, index);
    wsic_encode_problem_release(env, &problem);
    return status;
}

wsic_status wsic_plan_add(wsic_plan *plan, const wsic_stats *stats, const wsic_matrix *weights,
                          size_t *index)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&plan->handle.env);
    return wsic_call_end(&plan->handle.env, add_matrix(plan, stats, weights, index));
}

wsic_status wsic_plan_add_problem(wsic_plan *plan, wsic_problem *problem, size_t *index)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &plan->handle.env;
    if (!problem)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "problem is NULL");
    if (problem->handle.context != plan->handle.context)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "problem belongs to another context");
    wsic_call_begin(env);
    return wsic_call_end(env, add_problem(plan, &problem->inner, index));
}

/* --- solving --------------------------------------------------------------- */

/* Of the live rows to all: the others have neither rate nor distortion. In the metric that the
 * distortion is in. */
static void spread(wsic_plan_entry *entry)
{
    entry->allocation.rate *= entry->live_rows;
    entry->allocation.distortion *= entry->live_rows * entry->scale;
    entry->allocation.water_level *= entry->scale;
}

void wsic_plan_entry_allocate(wsic_plan_entry *entry, double bits)
{
    wsic_allocate_rate(entry->sigma, wsic_plan_sources(entry), bits / entry->live_rows,
                       &entry->allocation);
    spread(entry);
}

static void allocate_distortion(wsic_plan_entry *entry, double distortion)
{
    wsic_allocate_distortion(entry->sigma, wsic_plan_sources(entry),
                             distortion / (entry->live_rows * entry->scale), &entry->allocation);
    spread(entry);
}

static wsic_status solve(wsic_plan *plan, void (*allocate)(wsic_plan_entry *entry, double target),
                         double target)
{
    if (plan->count == 0)
        return wsic_fail(&plan->handle.env, WSIC_ERROR_STATE, "the plan holds no matrix");
    for (size_t i = 0; i < plan->count; i++) {
        wsic_plan_entry *const entry = &plan->entries[i];
        allocate(entry, target);
        if (!entry->committed)
            entry->target_rate = 0.0;
    }
    plan->solved = true;
    plan->mode = 0;
    return WSIC_OK;
}

wsic_status wsic_plan_solve_rate(wsic_plan *plan, double bits_per_weight)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    if (!(bits_per_weight >= 0.001 && bits_per_weight <= 24.0))
        return wsic_fail(&plan->handle.env, WSIC_ERROR_ARGUMENT,
                         "bits_per_weight is %g, not within 0.001 to 24", bits_per_weight);
    return solve(plan, wsic_plan_entry_allocate, bits_per_weight);
}

wsic_status wsic_plan_solve_distortion(wsic_plan *plan, double distortion)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    if (!(distortion > 0.0) || !isfinite(distortion))
        return wsic_fail(&plan->handle.env, WSIC_ERROR_ARGUMENT,
                         "distortion is %g, not positive and finite", distortion);
    return solve(plan, allocate_distortion, distortion);
}

/* --- reading the solution -------------------------------------------------- */

/* NULL, and *status set, if there is none. */
static const wsic_plan_entry *find_solved(const wsic_plan *plan, size_t index, wsic_status *status)
{
    const wsic_env *const env = &plan->handle.env;

    if (index >= plan->count)
        *status = wsic_fail(env, WSIC_ERROR_ARGUMENT,
                            "index is %zu, but the plan holds %zu matrices", index, plan->count);
    else if (!plan->solved)
        *status =
            wsic_fail(env, WSIC_ERROR_STATE, "the plan has not been solved since its last change");
    else
        return &plan->entries[index];
    return NULL;
}

static double divergence(const wsic_plan_entry *entry)
{
    const double weights = (double)entry->rows * (double)entry->columns;
    return entry->outputs ? entry->allocation.distortion * weights / (2.0 * log(2.0)) : 0.0;
}

wsic_status wsic_plan_get_layer(const wsic_plan *plan, size_t index, wsic_plan_layer *layer)
{
    wsic_status status;

    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &plan->handle.env;
    if (!layer)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "layer is NULL");
    const wsic_plan_entry *const entry = find_solved(plan, index, &status);
    if (!entry)
        return status;
    const wsic_plan_layer filled = {
        .size = sizeof filled,
        .rows = entry->rows,
        .columns = entry->columns,
        .dead_columns = entry->dead,
        .rate = entry->allocation.rate,
        .distortion = entry->allocation.distortion,
        .energy = entry->energy,
        .step = entry->allocation.step,
        .water_level = entry->allocation.water_level,
        .damping = entry->damping,
        .marginal = entry->scale * wsic_marginal_level(entry->sigma, wsic_plan_sources(entry),
                                                       entry->allocation.step),
        .sensitivity = entry->sensitivity,
        .target_rate = entry->target_rate,
        .bytes = entry->target_rate > 0.0 ? entry->bytes : 0,
        .committed = entry->committed,
        .outputs = entry->outputs,
        .divergence = divergence(entry),
    };
    return wsic_give_struct(env, "layer", layer, layer->size,
                            WSIC_FIRST_SIZE(wsic_plan_layer, outputs), &filled, sizeof filled);
}

/* Means over the classes of rows. */
static void fill_column_rates(const wsic_plan_entry *entry, double *rates)
{
    memset(rates, 0, entry->columns * sizeof *rates);
    for (size_t k = 0; k < entry->row_classes; k++) {
        for (size_t j = 0; j < entry->columns; j++) {
            double rate;
            wsic_column_rates(entry->sigma + k * entry->columns + j, 1, entry->allocation.step,
                              &rate);
            rates[j] += entry->live_rows * rate / (double)entry->row_classes;
        }
    }
}

wsic_status wsic_plan_get_column_rates(const wsic_plan *plan, size_t index, double *rates,
                                       size_t count)
{
    wsic_status status;

    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &plan->handle.env;
    if (!rates)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "rates is NULL");
    const wsic_plan_entry *const entry = find_solved(plan, index, &status);
    if (!entry)
        return status;
    if (count < entry->columns)
        return wsic_fail(env, WSIC_ERROR_BUFFER, "count is %zu, but there are %zu columns", count,
                         entry->columns);
    fill_column_rates(entry, rates);
    return WSIC_OK;
}

wsic_status wsic_plan_get_divergence(const wsic_plan *plan, double *bits_per_token)
{
    wsic_status status;
    double sum = 0.0;

    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &plan->handle.env;
    if (!bits_per_token)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "bits_per_token is NULL");
    for (size_t i = 0; i < wsic_max_size(plan->count, 1); i++) {
        const wsic_plan_entry *const entry = find_solved(plan, i, &status);
        if (!entry)
            return status;
        if (!entry->outputs)
            return wsic_fail(env, WSIC_ERROR_STATE, "matrix %zu has no output statistics", i);
        sum += divergence(entry);
    }
    *bits_per_token = sum;
    return WSIC_OK;
}
