/* SPDX-License-Identifier: MIT */
/* What a code costs in each class under the built-in models, as a table over buckets
 * of magnitudes; and which shape suits the classes as they are. */
#ifndef WSIC_CODING_CLASS_COSTS_H
#define WSIC_CODING_CLASS_COSTS_H

#include "coding/magnitudes.h"
#include "coding/model.h"

enum {
    WSIC_COST_UNIT = 256, /* to the bit */
    WSIC_CLASSES_MAX = WSIC_CLASS_HIGHEST - WSIC_CLASS_LOWEST + 1
};

typedef struct wsic_class_costs {
    uint32_t buckets;
    bool tokens; /* buckets are those of wsic_token_bucket() */
    unsigned step;
    uint32_t shape;
    int32_t lowest; /* classes in units of 2^step sixteenths of an octave */
    int32_t highest;
    int16_t *rows[WSIC_MODEL_SHAPES]; /* by class and bucket; below 2^15, even of escapes */
    bool ready[WSIC_MODEL_SHAPES][WSIC_CLASSES_MAX];
    uint64_t *counts; /* by class and bucket */
} wsic_class_costs;

wsic_status wsic_class_costs_create(const wsic_env *env, uint32_t buckets, bool tokens,
                                    unsigned step, wsic_class_costs *costs);
void wsic_class_costs_release(const wsic_env *env, wsic_class_costs *costs);

/* Make the costs of a class under a shape. */
void wsic_class_costs_fill(wsic_class_costs *costs, uint32_t shape, size_t index);

static inline size_t wsic_class_costs_index(const wsic_class_costs *costs, int32_t class_number)
{
    return class_number <= costs->lowest   ? 0
           : class_number < costs->highest ? (size_t)(class_number - costs->lowest)
                                           : (size_t)(costs->highest - costs->lowest);
}

/* Costs of all buckets in a class, in 1/WSIC_COST_UNIT bit, under the chosen shape. */
static inline const int16_t *wsic_class_cost_row(wsic_class_costs *costs, int32_t class_number)
{
    const size_t index = wsic_class_costs_index(costs, class_number);

    if (!costs->ready[costs->shape][index])
        wsic_class_costs_fill(costs, costs->shape, index);
    return costs->rows[costs->shape] + index * costs->buckets;
}

/* Forget the histograms of the classes / add one, of so many buckets. */
void wsic_class_costs_restart(wsic_class_costs *costs);
void wsic_class_costs_count(wsic_class_costs *costs, int32_t class_number,
                            const int16_t *histogram, uint32_t length);

/* Go over to the shape that suits the histograms best. */
void wsic_class_costs_choose_shape(wsic_class_costs *costs);

#endif
