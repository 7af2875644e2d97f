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
/* The message of a handle, for its public function: "" of NULL, since the caller may have no handle
 * after a creation that failed. */
const char *wsic_handle_message(const void *handle);
/* Release a handle's own memory and its hold on the context. NULL is allowed. */
void wsic_handle_destroy(void *handle);

/* The env of the context itself, for creation functions. */
wsic_env wsic_context_env(wsic_context *context);

/* Raise the recorded peak to at least this, after a measurement of a part. */
void wsic_context_raise_peak(wsic_context *context, uint64_t peak);

/* How every function begins that makes a handle on a context: neither that, nor its input if it
 * has one (name is not NULL), nor out may be NULL. */
wsic_status wsic_check_creation(wsic_context *context, const char *name, const void *input,
                                const void *out);

/* A call that wsic_context_cancel() can stop runs between these two; the second returns the status
 * that it is given. */
void wsic_call_begin(const wsic_env *env);
wsic_status wsic_call_end(const wsic_env *env, wsic_status status);

#endif
