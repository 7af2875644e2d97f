/* SPDX-License-Identifier: MIT */
#include "coding/class_costs.h"

#include <math.h>
#include <string.h>

#include "coding/model_fit.h"

wsic_status wsic_class_costs_create(const wsic_env *env, uint32_t buckets, bool tokens,
                                    unsigned step, wsic_class_costs *costs)
{
    const int32_t lowest = -(-WSIC_CLASS_LOWEST >> step);
    const int32_t highest = WSIC_CLASS_HIGHEST >> step;
    const size_t size = (size_t)(highest - lowest + 1) * buckets;
    wsic_status status;

    *costs = (wsic_class_costs){
        .buckets = buckets, .tokens = tokens, .step = step, .lowest = lowest, .highest = highest};
    int16_t *const rows = wsic_alloc(env, size * WSIC_MODEL_SHAPES, sizeof *rows, &status);
    if (!rows)
        return status;
    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
        costs->rows[shape] = rows + shape * size;
    costs->counts = wsic_alloc_zero(env, size, sizeof *costs->counts, &status);
    if (!costs->counts) {
        wsic_free(env, rows);
        return status;
    }
    return WSIC_OK;
}

void wsic_class_costs_release(const wsic_env *env, wsic_class_costs *costs)
{
    wsic_free(env, costs->rows[0]);
    wsic_free(env, costs->counts);
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

void wsic_class_costs_fill(wsic_class_costs *costs, uint32_t shape, size_t index)
{
    const int32_t class_number = (costs->lowest + (int32_t)index) * (1 << costs->step);
    const uint32_t odd = costs->tokens ? WSIC_BUCKETS_EXACT : 0; /* buckets of codebook 1 */
    int16_t *const row = costs->rows[shape] + index * costs->buckets;
    wsic_model model;

    wsic_model_frame frame = wsic_array_frame(class_number);
    if (odd != 0) {
        frame.codebook = 1;
        wsic_model_builtin(&model, shape, &frame, NULL);
    }
    for (uint32_t bucket = 0; bucket < odd && bucket < costs->buckets; bucket++)
        row[bucket] = (int16_t)lround(bucket_bits(&model, bucket) * WSIC_COST_UNIT);
    frame.codebook = 0;
    wsic_model_builtin(&model, shape, &frame, NULL);
    for (uint32_t bucket = odd; bucket < costs->buckets; bucket++)
        row[bucket] = (int16_t)lround(bucket_bits(&model, bucket - odd) * WSIC_COST_UNIT);
    costs->ready[shape][index] = true;
}

void wsic_class_costs_restart(wsic_class_costs *costs)
{
    const size_t classes = (size_t)(costs->highest - costs->lowest + 1);
    memset(costs->counts, 0, classes * costs->buckets * sizeof *costs->counts);
}

void wsic_class_costs_count(wsic_class_costs *costs, int32_t class_number, const int16_t *histogram,
                            uint32_t length)
{
    const size_t index = wsic_class_costs_index(costs, class_number);
    uint64_t *const counts = costs->counts + index * costs->buckets;

    for (uint32_t bucket = 0; bucket < length; bucket++)
        counts[bucket] += (uint64_t)histogram[bucket];
}

static uint64_t shape_cost(wsic_class_costs *costs, uint32_t shape)
{
    const size_t classes = (size_t)(costs->highest - costs->lowest + 1);
    uint64_t cost = 0;

    for (size_t index = 0; index < classes; index++) {
        const uint64_t *const counts = costs->counts + index * costs->buckets;
        uint64_t some = 0;
        for (uint32_t bucket = 0; bucket < costs->buckets; bucket++)
            some |= counts[bucket];
        if (some == 0)
            continue;
        if (!costs->ready[shape][index])
            wsic_class_costs_fill(costs, shape, index);
        for (uint32_t bucket = 0; bucket < costs->buckets; bucket++)
            cost += counts[bucket] * (uint64_t)costs->rows[shape][index * costs->buckets + bucket];
    }
    return cost;
}

void wsic_class_costs_choose_shape(wsic_class_costs *costs)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        const uint64_t cost = shape_cost(costs, shape);
        if (cost < least) {
            least = cost;
            costs->shape = shape;
        }
    }
}
