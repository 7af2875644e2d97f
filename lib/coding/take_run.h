/* SPDX-License-Identifier: MIT */
/* Codes as the coder takes them, many rows of a column at once: as numbers of 16 bits, and as
 * buckets of magnitudes. This is for codes that are small, as nearly all are. */
#ifndef WSIC_CODING_TAKE_RUN_H
#define WSIC_CODING_TAKE_RUN_H

#include "base/cpu.h"
#include "coding/trellis_taps.h"

enum {
    WSIC_TAKE_RUN = WSIC_ROWS_TOGETHER,
    WSIC_TAKE_BITS = 12 /* of a magnitude: the squares of a run add up to 32 bits */
};

/* Take WSIC_TAKE_RUN codes, or levels if there are taps: of these *before is what
 * wsic_trellis_take() keeps. *energy grows by the squares of codes or indices. Returns false if a
 * code is too large, or no level of its codebook. Nothing is said of the data then, and *before and
 * *energy stay. */
typedef bool wsic_take_run(const int32_t *codes, const wsic_token_taps *taps, uint64_t *before,
                           int16_t *data, uint8_t *buckets, uint64_t *energy);

/* The fastest of a choice of instructions. */
wsic_take_run *wsic_take_run_kernel(int32_t kernels);

wsic_take_run wsic_take_run_c;
#if WSIC_X86
wsic_take_run wsic_take_run_avx2;
#endif

#endif
