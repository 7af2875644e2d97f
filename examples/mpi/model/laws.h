/* SPDX-License-Identifier: MIT */
/* How long parts of the work take on one thread of this machine, measured on small matrices. With
 * a = rows, n = columns and T = tokens, in seconds:
 *
 *     statistics of an input    s T n²
 *     product of a layer        g T a n
 *     factor of statistics      r n³
 *     a layer                   (p + q n) a n + r n³
 *     a draft with a step       (d + q' n) a n
 *
 * A pass of the recursion over a layer multiplies as much as the statistics of a tokens. Three
 * passes are usual where the rate is searched, and one makes a draft: q = 3 s, q' = s. */
#ifndef EXAMPLES_MPI_MODEL_LAWS_H
#define EXAMPLES_MPI_MODEL_LAWS_H

#include <stdbool.h>
#include <watersic/watersic.h>

/* Of several runs. */
struct law {
    double median;
    double least;
    double most;
};

struct laws {
    struct law s, g, r, p, d;
    double checked; /* seconds of a layer of another shape, and what the law says of it */
    double expected;
};

/* False with a message of the context if a run fails. */
bool laws_measure(struct laws *laws, wsic_context *context);

double laws_layer(const struct laws *laws, double rows, double columns);
double laws_draft(const struct laws *laws, double rows, double columns);

#endif
