/* SPDX-License-Identifier: MIT */
/* What every stage gets from its caller: memory, threads, progress and a place
 * for the message. Stages take an env and plain arrays; only lib/api knows
 * handles. */
#ifndef WSIC_BASE_ENV_H
#define WSIC_BASE_ENV_H

#include <float.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watersic/base.h"
#include "watersic/context.h"

/* NaN and infinity must be seen, and sums and products be taken as they stand: the same bytes have
 * to give the same weights, and searches end by comparisons. 16 is IEEE, too: it widens half
 * precision alone. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) ||           \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "libwatersic needs IEEE arithmetic: compile it without -ffast-math, -Ofast and their parts"
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "libwatersic needs IEEE arithmetic without excess precision: on x86 use -msse2 -mfpmath=sse"
#endif

#if defined(__GNUC__)
#define WSIC_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define WSIC_PRINTF(text, first)
#endif

struct wsic_pool;

/* The message of one handle. Writing is locked, since threads that read one
 * layer may fail at the same time. */
typedef struct wsic_message {
    pthread_mutex_t lock;
    char text[512];
} wsic_message;

/* The services of one context. */
typedef struct wsic_host {
    wsic_allocator allocator;
    atomic_uint_least64_t memory_used;
    atomic_uint_least64_t memory_peak;
    atomic_uint_least64_t memory_limit; /* 0: none */

    int32_t kernels; /* WSIC_KERNELS_C ...: what base/cpu.h hands out */

    wsic_runner_function runner; /* NULL: the caller's thread */
    void *runner_user;
    struct wsic_pool *pool; /* own threads behind runner, or NULL */

    wsic_log_function log;
    void *log_user;
    int32_t log_level;

    wsic_progress_function progress;
    void *progress_user;
    atomic_int call;     /* one of the states below */
    atomic_bool stopped; /* no call may go on until the host resumes */

    wsic_message *message; /* of the context; NULL: there is none */
} wsic_host;

/* Whether a call that can be cancelled is running, and whether it is to stop. */
enum { WSIC_CALL_NONE, WSIC_CALL_RUNNING, WSIC_CALL_CANCELLED };

typedef struct wsic_env {
    wsic_host *host;
    wsic_message *message;
} wsic_env;

/* --- messages (message.c) ------------------------------------------------ */

int wsic_message_init(wsic_message *message); /* 0, or non-zero without a lock */
void wsic_message_destroy(wsic_message *message);

/* Leave the message of one handle on another, whatever other threads do with both. */
void wsic_message_pass(wsic_message *from, wsic_message *to);

/* Leave a message on the handle and on its context, and return status, so that a check is one
 * line. */
wsic_status wsic_fail(const wsic_env *env, wsic_status status, const char *format, ...)
    WSIC_PRINTF(3, 4);

void wsic_log(const wsic_env *env, int32_t level, const char *format, ...) WSIC_PRINTF(3, 4);

/* --- memory (alloc.c) ---------------------------------------------------- */

/* Return count * size bytes aligned to 64, zeroed or not, or NULL with a message
 * (overflow, limit, or no memory); *status then says which. count * size of 0
 * gives a valid pointer. Release with wsic_free(). */
void *wsic_alloc(const wsic_env *env, size_t count, size_t size, wsic_status *status);
void *wsic_alloc_zero(const wsic_env *env, size_t count, size_t size, wsic_status *status);
void wsic_free(const wsic_env *env, void *pointer);

/* --- threads (parallel.c) ------------------------------------------------ */

/* Call task(data, i) for every i < count, on whatever threads there are; returns
 * when all are done. Tasks must not depend on their order and must not nest. */
void wsic_parallel_for(const wsic_env *env, size_t count, void (*task)(void *data, size_t index),
                       void *data);

/* The threads of a pool exist in the process that made it. In a child of fork() its tasks run on
 * the caller's thread, and destroying it joins nobody. */
struct wsic_pool *wsic_pool_create(wsic_host *host, size_t threads);
void wsic_pool_destroy(wsic_host *host, struct wsic_pool *pool);
void wsic_pool_run(void *pool, size_t count, void (*task)(void *data, size_t index), void *data);

/* How many tasks can run at the same time: with a runner of the host's that is not known, and
 * is taken for the number of processors that are online. At least 1. */
size_t wsic_parallel_threads(const wsic_env *env);

/* --- progress and cancellation (progress.c) ------------------------------ */

/* A span of the whole call's progress, handed down to the stage that fills it. */
typedef struct wsic_progress {
    const char *stage;
    double from, to; /* of the whole call, 0 to 1 */
} wsic_progress;

/* Report that part (0 to 1) of the span is done. WSIC_ERROR_CANCELLED, with a
 * message, if the host wants to stop. progress may be NULL: then only wsic_context_cancel()
 * and wsic_context_stop() are looked for. */
wsic_status wsic_progress_report(const wsic_env *env, const wsic_progress *progress, double part);

#endif
