/* SPDX-License-Identifier: MIT */
#include "llm/run/golden.h"

#include <math.h>

struct search {
    golden_function *function;
    void *self;
    struct golden_point *best;
};

static bool evaluate_at(const struct search *search, double x, struct golden_point *point)
{
    point->x = x;
    if (!search->function(search->self, x, &point->value))
        return false;
    if (point->value < search->best->value)
        *search->best = *point;
    return true;
}

/* One of the two inner points stays an inner point when the interval shrinks: each step costs one
 * value. */
static bool narrow(const struct search *search, double low, double high, size_t steps)
{
    const double ratio = (sqrt(5) - 1) / 2;
    struct golden_point left;
    struct golden_point right;

    if (steps > 0 && !evaluate_at(search, high - ratio * (high - low), &left))
        return false;
    if (steps > 1 && !evaluate_at(search, low + ratio * (high - low), &right))
        return false;
    for (size_t i = 2; i < steps; i++) {
        const bool leftwards = left.value <= right.value;
        bool ok;
        if (leftwards) {
            high = right.x;
            right = left;
            ok = evaluate_at(search, high - ratio * (high - low), &left);
        } else {
            low = left.x;
            left = right;
            ok = evaluate_at(search, low + ratio * (high - low), &right);
        }
        if (!ok)
            return false;
    }
    return true;
}

bool golden_section(golden_function *function, void *self, double low, double high, size_t steps,
                    struct golden_point *best)
{
    const struct search search = {.function = function, .self = self, .best = best};
    struct golden_point end;

    *best = (struct golden_point){.x = low, .value = INFINITY};
    return evaluate_at(&search, low, &end) && evaluate_at(&search, high, &end) &&
           narrow(&search, low, high, steps);
}
