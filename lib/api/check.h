/* SPDX-License-Identifier: MIT */
/* Checks of the structs and matrices that callers hand in. */
#ifndef WSIC_API_CHECK_H
#define WSIC_API_CHECK_H

#include "base/env.h"

/* Size of a struct up to `last`, its last member when it was first published: what the oldest
 * programs pass. Not sizeof, which grows with the members that are appended. */
#define WSIC_FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((const type *)0)->last))

/* Copy a struct that comes from a caller, of given_size bytes by its own account: first_size is
 * WSIC_FIRST_SIZE() of it, known_size its size in this library. What an earlier program does not
 * know becomes 0, what a later one has more must be 0. The size of the copy is known_size. */
wsic_status wsic_take_struct(const wsic_env *env, const char *name, const void *given,
                             size_t given_size, size_t first_size, void *taken, size_t known_size);

/* Which number types an argument may have. */
enum {
    WSIC_ALLOW_REAL = 1,    /* F64, F32, F16, BF16 */
    WSIC_ALLOW_DOUBLE = 2,  /* F64, F32 */
    WSIC_ALLOW_CODES = 4,   /* I8, I16, I32 */
    WSIC_ALLOW_PACKED = 8,  /* I4 */
    WSIC_ALLOW_SINGLE = 16, /* F32 */
    WSIC_ALLOW_INPUT = 32   /* F32, BF16 */
};

/* Check a matrix argument and copy it with row_stride filled in. name is the
 * argument's, for the message. rows or columns of 0 in `expected` mean any. */
typedef struct wsic_shape {
    size_t rows;
    size_t columns;
} wsic_shape;
wsic_status wsic_check_matrix(const wsic_env *env, const char *name, const wsic_matrix *given,
                              unsigned allowed, wsic_shape expected, wsic_matrix *matrix);

/* Copy an output struct to the caller: as many bytes as both sides know, and zeros beyond. */
wsic_status wsic_give_struct(const wsic_env *env, const char *name, void *target,
                             size_t target_size, size_t first_size, const void *source,
                             size_t source_size);

/* WSIC_ERROR_NOT_FINITE with the first index and the number of NaN and infinite
 * elements, if there are any. */
wsic_status wsic_check_finite(const wsic_env *env, const char *name, const wsic_matrix *matrix);

#endif
