/* SPDX-License-Identifier: MIT */
/* The levels that the branches of a trellis take: docs/algorithm.md, section "Trellis". */
#ifndef WSIC_QUANT_TRELLIS_LEVELS_H
#define WSIC_QUANT_TRELLIS_LEVELS_H

/* A branch is a codebook and a parity, and takes every fourth level. Of a number between
 * `cell` and `cell` + 1 each branch has one level below and one above: here relative to the
 * largest multiple of 4 that is not above the number. HUGE_VALF: none. The first index is the cell
 * below 4, and 4 plus its remainder from there on. */
extern const float wsic_levels_below[8][4];
extern const float wsic_levels_above[8][4];

#endif
