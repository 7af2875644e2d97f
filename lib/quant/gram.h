/* SPDX-License-Identifier: MIT */
/* Products of codes with codes, for the scales of columns. */
#ifndef WSIC_QUANT_GRAM_H
#define WSIC_QUANT_GRAM_H

#include "base/env.h"
#include "quant/reals.h"

/* Rows that are multiplied at a time, at least and at most: as many as have products that add up to
 * no more than 2^24, which is exact in single precision too. Of codes up to 181 that is the least
 * number. */
enum { WSIC_GRAM_ROWS = 512, WSIC_GRAM_MOST_ROWS = 2048 };

/* F (n x n, lower) += Zᵀ T² Z for the codes of all rows (a x n) and their scales t (NULL: ones), in
 * single precision; what that rounds with scales, or beyond codes of 181, is about 2^-24 of each
 * product. */
wsic_status wsic_gram_codes(const wsic_env *env, size_t rows, size_t n, const int32_t *codes,
                            const double *t, double *F);

/* F += Xᵀ X for X (count x n, without gaps) in double precision. */
wsic_status wsic_gram_add(const wsic_env *env, size_t count, size_t n, const double *x, double *F);

#endif
