/* SPDX-License-Identifier: MIT */
/* The least value of a function of one number that is dear to compute. */
#ifndef EXAMPLES_LLM_RUN_GOLDEN_H
#define EXAMPLES_LLM_RUN_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

/* The value at x. false: it cannot be computed, and the search ends. */
typedef bool golden_function(void *self, double x, double *value);

struct golden_point {
    double x;
    double value;
};

/* Golden section: the function at both ends of an interval and at `steps` points within. The best
 * of all these points is found; of a function with one valley it is within 0.618^(steps - 1) of the
 * interval's length from the minimum. */
bool golden_section(golden_function *function, void *self, double low, double high, size_t steps,
                    struct golden_point *best);

#endif
