/* SPDX-License-Identifier: MIT */
/* What the api files share: the context and the first members of every handle. */
#ifndef WSIC_API_CONTEXT_H
#define WSIC_API_CONTEXT_H

#include "base/env.h"

struct wsic_context {
    wsic_host host;
    atomic_size_t references; /* the caller's and one for each child */
    wsic_message message;
};

/* Every child handle begins with this, so that one pair of functions makes and
 * destroys them. env.message points at the message beside it. */
typedef struct wsic_handle {
    wsic_context *context;
    wsic_env env;
    wsic_message message;
} wsic_handle;

/* Allocate a zeroed handle of size bytes (at least sizeof(wsic_handle)) that holds the
 * context. On failure NULL, with the message left on the context. */
void *wsic_handle_create(wsic_context *context, size_t size, wsic_status *status);
/* The same with the message left where env says. */
void *wsic_handle_create_telling(wsic_context *context, const wsic_env *env, size_t size,
                                 wsic_status *status);
/* Release a handle's own memory and its hold on the context. NULL is allowed. */
void wsic_handle_destroy(void *handle);
/* After a failed creation: move the message of a handle that is about to be destroyed
 * to its context, where the caller will look for it. */
void wsic_handle_fail_creation(const wsic_handle *handle);

/* The env of the context itself, for creation functions. */
wsic_env wsic_context_env(wsic_context *context);

/* Raise the recorded peak to at least this, after a measurement of a part. */
void wsic_context_raise_peak(wsic_context *context, uint64_t peak);

/* --- checks of arguments (check.c) --------------------------------------- */

/* How every function begins that makes a handle on a context: neither that, nor its input if it
 * has one (name is not NULL), nor out may be NULL. */
wsic_status wsic_check_creation(wsic_context *context, const char *name, const void *input,
                                const void *out);

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
