/* SPDX-License-Identifier: MIT */
/* Products of codes with codes, for the scales of columns. */
#ifndef WSIC_QUANT_GRAM_H
#define WSIC_QUANT_GRAM_H

#include "base/env.h"
#include "quant/reals.h"

/* Rows that are multiplied at a time. Products of codes up to 181 add up to less than 2^24:
 * exactly, in single precision too. */
enum { WSIC_GRAM_ROWS = 512 };

/* F (n x n, lower) += Zᵀ T² Z for the codes of all rows (a x n) and their scales t (NULL: ones), in
 * single precision; what that rounds with scales, or beyond codes of 181, is about 2^-24 of each
 * product. */
wsic_status wsic_gram_codes(const wsic_env *env, size_t rows, size_t n, const int32_t *codes,
                            const double *t, double *F);

/* F += Xᵀ X for X (count x n, without gaps) in double precision. */
wsic_status wsic_gram_add(const wsic_env *env, size_t count, size_t n, const double *x, double *F);

#endif
