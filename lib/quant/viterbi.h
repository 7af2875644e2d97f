/* SPDX-License-Identifier: MIT */
/* The cheapest path through a trellis, when each step costs one of four numbers: those of
 * the two codebooks and the two parities of an index. */
#ifndef WSIC_QUANT_VITERBI_H
#define WSIC_QUANT_VITERBI_H

#include "coding/trellis.h"

/* Costs of one step, at 2 * codebook + parity. At least one parity of each codebook is
 * finite. */
typedef struct wsic_branches {
    float cost[4];
} wsic_branches;

/* Two states that lead to the same two: r and r + states / 2 to 2 r and 2 r + 1. Both use one
 * codebook, and the same parity leads them to different states. Masks of 0 and -1. */
typedef struct wsic_viterbi {
    wsic_trellis trellis;
    int32_t codebook[WSIC_TRELLIS_STATES / 2];
    int32_t parity[WSIC_TRELLIS_STATES / 2]; /* that leads from r to 2 r */
} wsic_viterbi;

void wsic_viterbi_make(wsic_viterbi *viterbi, unsigned kind);

/* Fill metrics, (count + 1) x states: least cost, up to a constant of each row, of a path from
 * `start` to each state. */
void wsic_viterbi_forward(const wsic_viterbi *viterbi, unsigned start,
                          const wsic_branches *branches, size_t count, float *metrics);

/* Cheapest of the states after a step. */
unsigned wsic_viterbi_best(const wsic_viterbi *viterbi, const float *metrics);

/* The state before the step that leads to `state`; metrics are those before it. *branch receives
 * 2 * codebook + parity. */
unsigned wsic_viterbi_back(const wsic_viterbi *viterbi, const wsic_branches *branches,
                           const float *metrics, unsigned state, unsigned *branch);

#endif
