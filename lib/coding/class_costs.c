/* SPDX-License-Identifier: MIT */
#include "coding/class_costs.h"

#include <math.h>

#include "coding/model_fit.h"

wsic_status wsic_class_costs_create(const wsic_env *env, uint32_t buckets, bool tokens,
                                    unsigned step, wsic_class_costs *costs)
{
    const int32_t lowest = -(-WSIC_CLASS_LOWEST >> step);
    const int32_t highest = WSIC_CLASS_HIGHEST >> step;
    const size_t stride = (size_t)(highest - lowest + 1) + 2 * WSIC_WINDOW;
    wsic_status status;

    *costs = (wsic_class_costs){.buckets = buckets,
                                .tokens = tokens,
                                .step = step,
                                .lowest = lowest,
                                .highest = highest,
                                .stride = stride};
    uint32_t *const tables =
        wsic_alloc(env, stride * buckets, WSIC_MODEL_SHAPES * sizeof *tables, &status);
    if (!tables)
        return status;
    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
        costs->table[shape] = tables + shape * stride * buckets;
    return WSIC_OK;
}

void wsic_class_costs_release(const wsic_env *env, wsic_class_costs *costs)
{
    wsic_free(env, costs->table[0]);
}

static double bucket_bits(const wsic_model *model, uint32_t bucket)
{
    const uint32_t magnitude = wsic_bucket_middle(bucket);
    const int32_t value = magnitude > INT32_MAX ? INT32_MAX : (int32_t)magnitude;
    const int32_t high = wsic_high_part(value, model->shift);
    const uint32_t symbol = wsic_model_symbol(model, high);
    const double bits = wsic_frequency_bits(wsic_model_frequency(model, symbol)) + model->shift;

    return symbol != 0 ? bits : bits + wsic_escape_bits(wsic_escape_distance(model, high));
}

/* Set the cost of a bucket in a class, and beyond it where it is the last one. */
static void set_cost(wsic_class_costs *costs, uint32_t shape, uint32_t bucket, int32_t class_number,
                     uint32_t cost)
{
    uint32_t *const line = costs->table[shape] + bucket * costs->stride;
    const size_t at = (size_t)(class_number - costs->lowest) + WSIC_WINDOW;
    const size_t below = class_number == costs->lowest ? WSIC_WINDOW : 0;
    const size_t above = class_number == costs->highest ? WSIC_WINDOW : 0;

    for (size_t k = at - below; k <= at + above; k++)
        line[k] = cost;
}

/* The costs of `count` buckets from `first` on, which count magnitudes from 0 on. */
static void fill_codebook(wsic_class_costs *costs, uint32_t shape, int32_t class_number,
                          unsigned codebook, uint32_t first, uint32_t count)
{
    wsic_model_frame frame = wsic_array_frame(class_number * (1 << costs->step));
    wsic_model model;

    frame.codebook = codebook;
    wsic_model_builtin(&model, shape, &frame, NULL);
    for (uint32_t bucket = 0; bucket < count; bucket++)
        set_cost(costs, shape, first + bucket, class_number,
                 (uint32_t)lround(bucket_bits(&model, bucket) * WSIC_COST_UNIT));
}

static void fill(wsic_class_costs *costs, uint32_t shape, int32_t class_number)
{
    /* Of a trellis the first buckets are those of codebook 1. */
    const uint32_t odd = !costs->tokens                        ? 0
                         : costs->buckets < WSIC_BUCKETS_EXACT ? costs->buckets
                                                               : WSIC_BUCKETS_EXACT;

    if (odd != 0)
        fill_codebook(costs, shape, class_number, 1, 0, odd);
    fill_codebook(costs, shape, class_number, 0, odd, costs->buckets - odd);
    costs->ready[shape][class_number - costs->lowest] = true;
}

void wsic_class_costs_prepare(wsic_class_costs *costs, uint32_t shape, int32_t from, int32_t to)
{
    const int32_t first = from < costs->lowest    ? costs->lowest
                          : from > costs->highest ? costs->highest
                                                  : from;
    const int32_t last = to > costs->highest  ? costs->highest
                         : to < costs->lowest ? costs->lowest
                                              : to;

    for (int32_t k = first; k <= last; k++) {
        if (!costs->ready[shape][k - costs->lowest])
            fill(costs, shape, k);
    }
}
