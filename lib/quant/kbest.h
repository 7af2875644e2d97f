/* SPDX-License-Identifier: MIT */
/* The recursion with several survivors to a row: where the nearest integer is not the
 * best for what comes after it, a later column finds out. docs/algorithm.md, section
 * "Survivors". */
#ifndef WSIC_QUANT_KBEST_H
#define WSIC_QUANT_KBEST_H

#include "quant/zsic.h"

enum { WSIC_SURVIVORS_MAX = 64 };

/* As wsic_zsic_run(), for γ = 1 and rounding to integers, with `survivors` (1 to
 * WSIC_SURVIVORS_MAX) ways kept open for each row. The quantizer of the problem is not
 * used. */
wsic_status wsic_kbest_run(const wsic_env *env, const wsic_progress *progress,
                           const wsic_zsic *problem, size_t survivors, double *y, int32_t *codes,
                           double *gamma, double *residual);

/* Bytes that a call allocates for each thread. */
double wsic_kbest_memory(size_t rows, size_t columns, size_t survivors);

#endif
