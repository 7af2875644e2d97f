/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <math.h>
#include <string.h>

#include "coding/codes_format.h"
#include "coding/corrections_fit.h"

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
            &histograms[tokens ? WSIC_TRELLIS_CONTEXTS * index + wsic_token_context(datum) : index];
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

static size_t model_count(const wsic_code_plan *plan)
{
    return (size_t)plan->classes * plan->contexts;
}

static int32_t model_class(const wsic_code_plan *plan, size_t index)
{
    return wsic_code_plan_class(plan, (int32_t)(index / plan->contexts));
}

/* The model that a kind other than a table stands for. */
static void make_model(const wsic_code_plan *plan, size_t index, uint32_t kind, wsic_model *model)
{
    const size_t context = index % plan->contexts;
    wsic_correction correction = {.count = 0};

    if (kind == WSIC_KIND_SHARED && plan->corrected)
        wsic_corrections_get(&plan->corrections, context, index / plan->contexts, &correction);
    wsic_model_builtin(model, kind == WSIC_KIND_SHARED ? plan->shape : kind,
                       model_class(plan, index), wsic_context_codebook((unsigned)context),
                       &correction);
}

/* What is known about one model's codes: how many, how few bits any model takes at least,
 * and what the built-in ones take. */
typedef struct evidence {
    uint64_t count;
    double least;
    double plain[WSIC_MODEL_SHAPES];
} evidence;

static evidence gather(const wsic_code_plan *plan, size_t index, const wsic_histogram *histogram)
{
    evidence found = {.count = wsic_histogram_count(histogram)};
    wsic_model model;

    if (found.count == 0)
        return found;
    found.least = wsic_histogram_bits(histogram, found.count) +
                  (double)found.count * wsic_class_shift(model_class(plan, index));
    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        make_model(plan, index, shape, &model);
        found.plain[shape] = wsic_model_cost(&model, histogram);
    }
    return found;
}

/* --- what all classes share ------------------------------------------------------- */

/* One shape for all, uncorrected. */
static double choose_shape(wsic_code_plan *plan, const evidence *known)
{
    double bits[WSIC_MODEL_SHAPES] = {0};

    for (size_t index = 0; index < model_count(plan); index++) {
        for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
            bits[shape] += known[index].plain[shape];
    }
    plan->corrected = false;
    plan->shape = 0;
    for (uint32_t shape = 1; shape < WSIC_MODEL_SHAPES; shape++)
        plan->shape = bits[shape] < bits[plan->shape] ? shape : plan->shape;
    return bits[plan->shape];
}

static double correct(wsic_code_plan *plan, const wsic_histogram *histograms, const evidence *known)
{
    wsic_bit_writer counter = {.bytes = NULL};
    double bits = 0;
    wsic_model model;

    plan->corrected = true;
    wsic_corrections_make(&plan->corrections, plan->contexts, plan->base, plan->classes,
                          plan->step);
    wsic_corrections_fit(histograms, plan->shape, plan->base, plan->step, &plan->corrections);
    wsic_corrections_write(&counter, &plan->corrections);
    for (size_t index = 0; index < model_count(plan); index++) {
        if (known[index].count == 0)
            continue;
        make_model(plan, index, WSIC_KIND_SHARED, &model);
        bits += wsic_model_cost(&model, &histograms[index]);
    }
    return bits + (double)counter.total;
}

/* The shape that is best uncorrected, corrected; and those next to it, as far as that pays. */
static double choose_shared(wsic_code_plan *plan, const wsic_histogram *histograms,
                            const evidence *known)
{
    double least = choose_shape(plan, known);
    const uint32_t middle = plan->shape;
    wsic_code_plan best = *plan;

    for (int direction = -1; direction <= 1; direction += 2) {
        for (uint32_t shape = middle; shape < WSIC_MODEL_SHAPES; shape += (uint32_t)direction) {
            plan->shape = shape;
            const double bits = correct(plan, histograms, known);
            if (bits < least) {
                least = bits;
                best = *plan;
            } else if (shape != middle || !best.corrected) {
                break;
            }
        }
        if (!best.corrected)
            break;
    }
    *plan = best;
    return least;
}

/* --- what a class has for itself ---------------------------------------------------- */

/* The cheapest kind of model, which is made; *bits with its own. */
static uint8_t choose_kind(const wsic_code_plan *plan, size_t index,
                           const wsic_histogram *histogram, const evidence *known,
                           wsic_model *model, double *bits)
{
    const double other = 1 + WSIC_CODES_KIND_BITS;
    uint8_t best = WSIC_KIND_SHARED;
    wsic_bit_writer counter = {.bytes = NULL};
    wsic_model table;

    make_model(plan, index, WSIC_KIND_SHARED, model);
    *bits = wsic_model_cost(model, histogram) + 1;
    for (uint8_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        if (known->plain[shape] + other < *bits) {
            best = shape;
            *bits = known->plain[shape] + other;
        }
    }
    if (best != WSIC_KIND_SHARED)
        make_model(plan, index, best, model);
    if (*bits > known->least + other + WSIC_TABLE_LEAST_BITS &&
        wsic_model_fit_table(histogram, model_class(plan, index), &table)) {
        wsic_model_write(&counter, &table);
        const double cost = wsic_model_cost(&table, histogram) + other + (double)counter.total;
        if (cost < *bits) {
            best = WSIC_KIND_TABLE;
            *bits = cost;
            *model = table;
        }
    }
    return best;
}

static void choose_kinds(wsic_code_plan *plan, const wsic_histogram *histograms,
                         const evidence *known)
{
    const double shared = choose_shared(plan, histograms, known);
    double own = 0;

    for (size_t index = 0; index < model_count(plan); index++) {
        double bits = 1;
        plan->kinds[index] = WSIC_KIND_SHARED;
        if (known[index].count != 0)
            plan->kinds[index] = choose_kind(plan, index, &histograms[index], &known[index],
                                             &plan->models[index], &bits);
        own += bits;
    }
    plan->own_models = own < shared;
    plan->bits = 0;
    for (size_t index = 0; index < model_count(plan); index++) {
        if (known[index].count == 0)
            continue;
        if (!plan->own_models && plan->kinds[index] != WSIC_KIND_SHARED) {
            plan->kinds[index] = WSIC_KIND_SHARED;
            make_model(plan, index, WSIC_KIND_SHARED, &plan->models[index]);
        }
        plan->bits += wsic_model_cost(&plan->models[index], &histograms[index]);
    }
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
    evidence *const known = wsic_alloc(env, count, sizeof *known, &status);
    if (!known)
        return status;
    for (size_t index = 0; index < count; index++)
        known[index] = gather(plan, index, &histograms[index]);
    choose_kinds(plan, histograms, known);
    wsic_free(env, known);
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
