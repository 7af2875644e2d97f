/* SPDX-License-Identifier: MIT */
/* The column quantizer: the plug-in of the recursion that turns real numbers into
 * integers. It sees a stretch of one column, a step, and nothing else of the problem. */
#ifndef WSIC_QUANT_QUANTIZER_H
#define WSIC_QUANT_QUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wsic_quantizer {
    const char *name;
    /* Rows of one column that are quantized together, without regard to those before
     * and after; 0: any number (no memory between rows). */
    size_t restart_rows;
    const void *state;
    /* Quantize `count` numbers y of column `column` on the grid step · integers. False
     * if a code leaves int32. Called from several threads at once. */
    bool (*quantize)(const void *state, size_t column, const double *y, size_t count, double step,
                     int32_t *codes);
} wsic_quantizer;

/* Nearest integer, ties to even. */
extern const wsic_quantizer wsic_quantizer_scalar;

#endif
