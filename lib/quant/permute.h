/* SPDX-License-Identifier: MIT */
/* Columns in another order, in place. */
#ifndef WSIC_QUANT_PERMUTE_H
#define WSIC_QUANT_PERMUTE_H

#include "base/env.h"

/* Column k becomes what column order[k] was (forward), or the reverse of that
 * (backward). column_bytes is the size of a column; the columns follow each other. order
 * NULL does nothing. */
wsic_status wsic_permute_forward(const wsic_env *env, size_t columns, const size_t *order,
                                 size_t column_bytes, void *data);
wsic_status wsic_permute_backward(const wsic_env *env, size_t columns, const size_t *order,
                                  size_t column_bytes, void *data);

#endif
