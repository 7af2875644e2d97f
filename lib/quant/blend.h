/* SPDX-License-Identifier: MIT */
/* The moments that an encoding is made with, mixed from those of several statistics.
 * docs/algorithm.md, section "Mixing". */
#ifndef WSIC_QUANT_BLEND_H
#define WSIC_QUANT_BLEND_H

#include "base/env.h"
#include "format/moments.h"

/* What is mixed: all borrowed. */
typedef struct wsic_blend_sources {
    const wsic_moments *moments;  /* unweighted, or the only ones */
    const wsic_moments *weighted; /* by attention, of the same kind; or NULL */
    double drift_mix;             /* q: part in which the input is the clean one; of pairs */
    double attention_mix;         /* a: part of the unweighted moments; of two statistics */
} wsic_blend_sources;

/* One of the statistics with its part in the mixture. */
typedef struct wsic_blend_term {
    const wsic_moments *moments;
    double part;   /* of the whole: a, 1 - a, or 1 */
    double factor; /* part / samples: makes moments of sums */
} wsic_blend_term;

typedef struct wsic_blend {
    size_t count; /* 1 or 2 */
    wsic_blend_term term[2];
    double drift; /* 1 - q for pairs, else 0: part in which the input is the drifted one */

    /* Sums, and by what to divide them: the caller's own where nothing is mixed. */
    double samples;
    const double *hessian; /* n x n, lower: Σ of the quantizer's input */
    const double *cross;   /* n x n: Σ_{X,X̂}; NULL without drift, when it is the same */
    double *owned_hessian;
    double *owned_cross;
} wsic_blend;

/* The first half of making one: its terms, without a sum. */
void wsic_blend_choose(const wsic_blend_sources *sources, wsic_blend *blend);
/* Nothing to mix: the sums themselves serve. */
bool wsic_blend_is_pure(const wsic_blend *blend);

/* All sources have samples. On failure *blend is empty. */
wsic_status wsic_blend_make(const wsic_env *env, const wsic_blend_sources *sources,
                            wsic_blend *blend);
void wsic_blend_release(const wsic_env *env, wsic_blend *blend);

#endif
