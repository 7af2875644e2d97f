/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <math.h>
#include <string.h>

#include "coding/codes_format.h"
#include "coding/model_fit.h"

/* Inlined for codes and for tokens. */
static inline void count_column(const wsic_code_plan *plan, const int32_t *column,
                                int32_t column_class, wsic_histogram *histograms,
                                const uint8_t *shifts, bool tokens)
{
    const wsic_block_shape shape = {.classes = plan->classes};

    for (size_t i = 0; i < plan->rows.count; i++) {
        const size_t index = wsic_block_class(&shape, plan->rows.classes[i] + column_class);
        const int32_t datum = column[plan->rows.index[i]];
        const int32_t code = tokens ? wsic_token_index(datum) : datum;
        const int32_t high = shifts[index] == 0 ? code : wsic_high_part(code, shifts[index]);
        const uint32_t bin = (uint32_t)high + WSIC_MODEL_REACH;
        wsic_histogram *const histogram =
            &histograms[tokens ? 2 * index + wsic_token_codebook(datum) : index];
        if (bin < WSIC_BIN_BEYOND)
            histogram->bins[bin]++;
        else
            wsic_histogram_add(histogram, high);
    }
}

static void count_all(const wsic_code_plan *plan, wsic_histogram *histograms)
{
    uint8_t shifts[WSIC_CLASS_HIGHEST - WSIC_CLASS_LOWEST + 1];

    for (int32_t index = 0; index < plan->classes; index++)
        shifts[index] = (uint8_t)wsic_class_shift(wsic_code_plan_class(plan, index));
    for (size_t j = 0; j < plan->columns.count; j++) {
        const int32_t *const column = plan->data + plan->columns.index[j] * plan->rows.total;
        if (plan->kind == 0)
            count_column(plan, column, plan->columns.classes[j], histograms, shifts, false);
        else
            count_column(plan, column, plan->columns.classes[j], histograms, shifts, true);
    }
}

/* What one class, or one codebook of it, costs under each kind of model, the kind's own bits
 * included. */
typedef struct class_costs {
    double bits[WSIC_KINDS];
} class_costs;

static class_costs weigh(const wsic_histogram *histogram, int32_t number, unsigned codebook)
{
    class_costs costs;
    wsic_model model;
    wsic_bit_writer counter = {.bytes = NULL};

    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        wsic_model_builtin(&model, shape, number, codebook);
        costs.bits[shape] = wsic_model_cost(&model, histogram);
    }
    costs.bits[WSIC_KIND_TABLE] = HUGE_VAL;
    if (wsic_model_fit_table(histogram, number, &model)) {
        wsic_model_write(&counter, &model);
        costs.bits[WSIC_KIND_TABLE] = wsic_model_cost(&model, histogram) + (double)counter.total;
    }
    return costs;
}

static uint8_t cheapest_kind(const class_costs *costs)
{
    uint8_t best = 0;
    for (uint8_t kind = 1; kind < WSIC_KINDS; kind++)
        best = costs->bits[kind] < costs->bits[best] ? kind : best;
    return best;
}

static size_t model_count(const wsic_code_plan *plan)
{
    return (size_t)plan->classes * plan->codebooks;
}

static int32_t model_class(const wsic_code_plan *plan, size_t index)
{
    return wsic_code_plan_class(plan, (int32_t)(index / plan->codebooks));
}

/* One shape for all, or for every class what is cheapest. */
static void choose_kinds(wsic_code_plan *plan, const class_costs *costs)
{
    double shared[WSIC_MODEL_SHAPES] = {0};
    double own =
        (double)WSIC_CODES_KIND_BITS * (double)model_count(plan) + 4; /* last byte's rest */

    for (size_t index = 0; index < model_count(plan); index++) {
        for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
            shared[shape] += costs[index].bits[shape];
        plan->kinds[index] = cheapest_kind(&costs[index]);
        own += costs[index].bits[plan->kinds[index]];
    }
    plan->shape = 0;
    for (uint32_t shape = 1; shape < WSIC_MODEL_SHAPES; shape++) {
        if (shared[shape] < shared[plan->shape])
            plan->shape = shape;
    }
    plan->own_models = own < shared[plan->shape];
    if (!plan->own_models)
        memset(plan->kinds, (int)plan->shape, model_count(plan));
}

static wsic_status make_models(const wsic_env *env, const wsic_histogram *histograms,
                               wsic_code_plan *plan)
{
    const size_t count = model_count(plan);
    wsic_status status;

    plan->kinds = wsic_alloc(env, count, sizeof *plan->kinds, &status);
    if (!plan->kinds)
        return status;
    plan->models = wsic_alloc_zero(env, count, sizeof *plan->models, &status);
    if (!plan->models)
        return status;
    class_costs *const costs = wsic_alloc(env, count, sizeof *costs, &status);
    if (!costs)
        return status;
    for (size_t index = 0; index < count; index++)
        costs[index] = weigh(&histograms[index], model_class(plan, index), index % plan->codebooks);
    choose_kinds(plan, costs);
    wsic_free(env, costs);

    plan->bits = 0;
    for (size_t index = 0; index < count; index++) {
        if (plan->kinds[index] == WSIC_KIND_TABLE)
            wsic_model_fit_table(&histograms[index], model_class(plan, index),
                                 &plan->models[index]);
        else
            wsic_model_builtin(&plan->models[index], plan->kinds[index], model_class(plan, index),
                               index % plan->codebooks);
        plan->bits += wsic_model_cost(&plan->models[index], &histograms[index]);
    }
    return WSIC_OK;
}

wsic_status wsic_code_plan_choose_models(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status;
    wsic_histogram *const histograms =
        wsic_alloc_zero(env, model_count(plan), sizeof *histograms, &status);

    if (!histograms)
        return status;
    count_all(plan, histograms);
    status = make_models(env, histograms, plan);
    wsic_free(env, histograms);
    return status;
}
