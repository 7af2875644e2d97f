/* SPDX-License-Identifier: MIT */
/* What a code costs in each class under the built-in models, as a table over buckets
 * of magnitudes. */
#ifndef WSIC_CODING_CLASS_COSTS_H
#define WSIC_CODING_CLASS_COSTS_H

#include "coding/cost_sums.h"
#include "coding/magnitudes.h"
#include "coding/model.h"

enum {
    WSIC_COST_UNIT = 1024, /* to the bit */
    WSIC_CLASSES_MAX = WSIC_CLASS_HIGHEST - WSIC_CLASS_LOWEST + 1
};

typedef struct wsic_class_costs {
    uint32_t buckets;
    bool tokens; /* buckets are those of wsic_token_bucket() */
    unsigned step;
    int32_t lowest; /* classes in units of 2^step sixteenths of an octave */
    int32_t highest;
    /* By bucket and class, so that a window of classes stands together. Classes beyond the lowest
     * and the highest one cost what these do; there are WSIC_WINDOW of them on either side. */
    size_t stride;
    uint32_t *table[WSIC_MODEL_SHAPES];
    bool ready[WSIC_MODEL_SHAPES][WSIC_CLASSES_MAX];
} wsic_class_costs;

wsic_status wsic_class_costs_create(const wsic_env *env, uint32_t buckets, bool tokens,
                                    unsigned step, wsic_class_costs *costs);
void wsic_class_costs_release(const wsic_env *env, wsic_class_costs *costs);

/* Have the costs of these classes, both included, under a shape. */
void wsic_class_costs_prepare(wsic_class_costs *costs, uint32_t shape, int32_t from, int32_t to);

/* Where the window around a class begins: the class is number WSIC_WINDOW_BELOW in it. */
static inline uint32_t wsic_class_costs_window(const wsic_class_costs *costs, int32_t class_number)
{
    const int32_t least = costs->lowest - WSIC_WINDOW + WSIC_WINDOW_BELOW;
    const int32_t most = costs->highest + WSIC_WINDOW_BELOW;
    const int32_t clamped = class_number < least  ? least
                            : class_number > most ? most
                                                  : class_number;
    return (uint32_t)(clamped - least);
}

#endif
