/* SPDX-License-Identifier: MIT */
/* One budget for all matrices of a plan. */
#include <math.h>

#include "api/plan.h"

/* Bytes of a layer beside its codes and scales; and bits of a scale, of which a layer has one for
 * each row and live column. Both roughly: they only shift the share of small matrices. */
enum { HEADER_BYTES = 100, SCALE_BITS = 5 };

static double weights_of(const wsic_plan_entry *entry)
{
    return (double)entry->rows * (double)entry->columns;
}

static double side_rate(const wsic_plan_entry *entry)
{
    const double scales =
        (double)entry->rows * entry->live_rows + (double)(entry->columns - entry->dead);
    return (8.0 * HEADER_BYTES + SCALE_BITS * scales) / weights_of(entry);
}

static wsic_status make_curve(const wsic_env *env, wsic_plan_entry *entry)
{
    wsic_status status = WSIC_OK;

    if (entry->curve)
        return WSIC_OK;
    entry->curve = wsic_alloc(env, 1, sizeof *entry->curve, &status);
    if (entry->curve)
        wsic_level_curve_make(entry->sigma, wsic_plan_sources(entry), entry->curve);
    return status;
}

static wsic_status make_curves(wsic_plan *plan)
{
    const wsic_progress progress = {"plan", 0.0, 1.0};
    wsic_status status = WSIC_OK;

    for (size_t i = 0; i < plan->count && status == WSIC_OK; i++) {
        status =
            wsic_progress_report(&plan->handle.env, &progress, (double)i / (double)plan->count);
        if (status == WSIC_OK)
            status = make_curve(&plan->handle.env, &plan->entries[i]);
    }
    return status == WSIC_OK ? wsic_progress_report(&plan->handle.env, &progress, 1.0) : status;
}

/* Shares of the matrices that are still to come; returns their number. */
static size_t collect(const wsic_plan *plan, wsic_budget_share *shares)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const wsic_plan_entry *const entry = &plan->entries[i];
        const double live = (double)(entry->columns - entry->dead) / (double)entry->columns;
        if (entry->committed)
            continue;
        shares[count++] = (wsic_budget_share){
            .weights = weights_of(entry),
            .live = live * entry->live_rows,
            .live_rows = entry->live_rows,
            .side = side_rate(entry),
            .sensitivity = entry->sensitivity * entry->scale,
            .curve = entry->curve,
        };
    }
    return count;
}

static void distribute(wsic_plan *plan, const wsic_budget_share *shares)
{
    size_t k = 0;

    for (size_t i = 0; i < plan->count; i++) {
        wsic_plan_entry *const entry = &plan->entries[i];
        if (entry->committed)
            continue;
        entry->target_rate = shares[k++].rate;
        entry->bytes = (uint64_t)(entry->target_rate * weights_of(entry) / 8.0);
        /* A matrix that gets little more than its side information still gets something. */
        wsic_plan_entry_allocate(
            entry, fmax(entry->target_rate - side_rate(entry), 0.02 * entry->target_rate));
    }
}

static double open_bits(const wsic_plan *plan)
{
    double bits = 8.0 * (double)plan->budget;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->entries[i].committed)
            bits -= 8.0 * (double)plan->entries[i].bytes;
    }
    return bits;
}

static wsic_status replan(wsic_plan *plan)
{
    const wsic_env *const env = &plan->handle.env;
    wsic_status status = WSIC_OK;
    wsic_budget_share *const shares = wsic_alloc(env, plan->count, sizeof *shares, &status);

    if (!shares)
        return status;
    const size_t count = collect(plan, shares);
    if (plan->mode == WSIC_PLAN_EQUAL)
        wsic_budget_equal(shares, count, open_bits(plan));
    else
        wsic_budget_waterfill(shares, count, open_bits(plan));
    distribute(plan, shares);
    wsic_free(env, shares);
    plan->solved = true;
    return WSIC_OK;
}

static wsic_status check_budget(const wsic_plan *plan)
{
    double least = 0.0;

    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->entries[i].committed)
            least += WSIC_BUDGET_LEAST_RATE * weights_of(&plan->entries[i]);
    }
    if (open_bits(plan) >= least)
        return WSIC_OK;
    return wsic_fail(&plan->handle.env, WSIC_ERROR_RANGE,
                     "%.0f bytes are left, where %g bit for every weight to come take %.0f",
                     open_bits(plan) / 8.0, WSIC_BUDGET_LEAST_RATE, ceil(least / 8.0));
}

static wsic_status solve_budget(wsic_plan *plan, int32_t mode, uint64_t bytes)
{
    const wsic_env *const env = &plan->handle.env;
    const int32_t mode_before = plan->mode;
    const uint64_t budget_before = plan->budget;

    if (mode != WSIC_PLAN_EQUAL && mode != WSIC_PLAN_WATERFILL)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "mode is %d, neither WSIC_PLAN_EQUAL nor WSIC_PLAN_WATERFILL", (int)mode);
    if (plan->count == 0)
        return wsic_fail(env, WSIC_ERROR_STATE, "the plan holds no matrix");
    plan->mode = mode;
    plan->budget = bytes;
    wsic_status status = check_budget(plan);
    if (status == WSIC_OK && mode == WSIC_PLAN_WATERFILL)
        status = make_curves(plan);
    if (status == WSIC_OK)
        status = replan(plan);
    if (status != WSIC_OK) {
        plan->mode = mode_before;
        plan->budget = budget_before;
    }
    return status;
}

wsic_status wsic_plan_solve_budget(wsic_plan *plan, int32_t mode, uint64_t bytes)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&plan->handle.env);
    return wsic_call_end(&plan->handle.env, solve_budget(plan, mode, bytes));
}

static wsic_status check_index(const wsic_plan *plan, size_t index)
{
    if (index < plan->count)
        return WSIC_OK;
    return wsic_fail(&plan->handle.env, WSIC_ERROR_ARGUMENT,
                     "index is %zu, but the plan holds %zu matrices", index, plan->count);
}

wsic_status wsic_plan_set_sensitivity(wsic_plan *plan, size_t index, double sensitivity)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_status status = check_index(plan, index);
    if (status != WSIC_OK)
        return status;
    if (!(sensitivity > 0.0) || !isfinite(sensitivity))
        return wsic_fail(&plan->handle.env, WSIC_ERROR_ARGUMENT,
                         "sensitivity is %g, not positive and finite", sensitivity);
    plan->entries[index].sensitivity = sensitivity;
    plan->solved = false;
    return WSIC_OK;
}

wsic_status wsic_plan_commit(wsic_plan *plan, size_t index, uint64_t bytes)
{
    if (!plan)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &plan->handle.env;
    wsic_status status = check_index(plan, index);

    if (status != WSIC_OK)
        return status;
    wsic_plan_entry *const entry = &plan->entries[index];
    if (!plan->solved || plan->mode == 0)
        return wsic_fail(env, WSIC_ERROR_STATE, "the plan is not solved for a budget");
    if (entry->committed)
        return wsic_fail(env, WSIC_ERROR_STATE, "matrix %zu has been committed", index);
    const wsic_plan_entry before = *entry;
    entry->committed = true;
    entry->bytes = bytes;
    entry->target_rate = 8.0 * (double)bytes / weights_of(entry);
    status = replan(plan);
    if (status != WSIC_OK)
        *entry = before;
    return status;
}
