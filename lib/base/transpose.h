/* SPDX-License-Identifier: MIT */
/* From columns to rows, or from rows to columns: squares of 16 × 16 bytes. */
#ifndef WSIC_BASE_TRANSPOSE_H
#define WSIC_BASE_TRANSPOSE_H

#include "base/cpu.h"

enum { WSIC_SQUARE = 16 };

/* rows[i * row_stride + j] = columns[j * column_stride + i] for i and j below WSIC_SQUARE. Nothing
 * need be aligned. */
typedef void wsic_transpose_function(const int8_t *columns, size_t column_stride, int8_t *rows,
                                     size_t row_stride);

wsic_transpose_function wsic_transpose_c;
#ifdef __SSE2__
wsic_transpose_function wsic_transpose_sse2; /* x86/transpose_sse2.c */
#endif
#if WSIC_NEON
wsic_transpose_function wsic_transpose_neon; /* arm/transpose_neon.c */
#endif

/* The one for a choice of kernels. */
wsic_transpose_function *wsic_transpose_for(int32_t kernels);

#endif
