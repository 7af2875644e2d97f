/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/context.h
 * \brief The context: memory, threads, log, progress and cancellation.
 *
 * Every other handle is made from a context and keeps it alive, so handles can
 * be destroyed in any order.
 *
 * Thread-safety of all handles: one handle may be used by one thread at a time,
 * and a call counts as a use of the handle's context too, except where a
 * function says otherwise. Threads that work at the same time need a context
 * each; contexts are cheap and share nothing. There are three exceptions:
 *
 *   - wsic_context_cancel(), wsic_context_stop() and wsic_context_resume() may be called from any
 *     thread.
 *   - Any number of threads may read one layer (see layer.h), and take layers from one archive (see
 *     archive.h).
 *   - Any number of threads may make layers from bytes on one context (wsic_layer_create(),
 *     wsic_layer_create_view()) and destroy them, while no thread does anything else with that
 *     context.
 *
 * Callbacks: log, progress, runner, tiles (decode.h) and the allocator must return. Neither a C++
 * exception nor longjmp() may leave them: the library would stop in the middle of its work,
 * and nobody would release its memory and its locks. Catch an exception in the callback and keep
 * it. Cancel the call if the callback can, and throw the exception again after the library has
 * returned.
 *
 * fork(): the child has the handles, but none of the threads. If no other thread was in a call of
 * the library when the process forked, the child may use and destroy its handles. The calling
 * thread then does the work of the threads of wsic_context_set_threads(). Otherwise the child may
 * only destroy its handles. In both cases no call waits for threads that do not exist. The host
 * must make its own runner work in the child.
 *
 * The library keeps no global state, prints nothing and never ends the process. It reports nothing
 * through errno. Functions on files restore its value. The mathematical library may change it (such
 * as to ERANGE after an underflow), which means nothing.
 */
#ifndef WATERSIC_CONTEXT_H
#define WATERSIC_CONTEXT_H

#include <watersic/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief A context. */
typedef struct wsic_context wsic_context;

/** \brief Levels of log messages. */
enum wsic_log_level {
    WSIC_LOG_NONE = 0,    /**< as a threshold: no messages */
    WSIC_LOG_WARNING = 1, /**< the result is valid, but its quality may be lower than expected */
    WSIC_LOG_INFO = 2,    /**< decisions of the encoder: damping, dead columns, step */
    WSIC_LOG_DEBUG = 3    /**< every evaluation of a search */
};

/**
 * \brief Receives a log message.
 *
 * \param user     as given to wsic_context_set_log()
 * \param level    #WSIC_LOG_WARNING ... #WSIC_LOG_DEBUG
 * \param message  one complete line without a line end; valid during the call
 *
 * It is called on the thread that called the library. It must not call the library.
 */
typedef void (*wsic_log_function)(void *user, int32_t level, const char *message);

/**
 * \brief Receives progress, and may cancel.
 *
 * \param user      as given to wsic_context_set_progress()
 * \param fraction  part of the running call that is done, from 0 to 1. It never falls, and is 1 in
 *                  the last report of a call that succeeds.
 * \param stage     name of the present stage ("search", "quantize", ...); valid during
 *                  the call
 * \return 0 to go on, anything else to cancel: the running call then returns
 *         #WSIC_ERROR_CANCELLED and its handles stay usable
 *
 * Reports come from wsic_encoder_run(), wsic_encoder_run_problem(), wsic_plan_add(),
 * wsic_plan_add_problem() and wsic_plan_solve_budget().
 * The function is called on the thread that called the library. It must not call the library,
 * except for wsic_context_cancel() and wsic_context_stop().
 */
typedef int32_t (*wsic_progress_function)(void *user, double fraction, const char *stage);

/**
 * \brief Runs tasks on the host's own threads.
 *
 * \param user   as given to wsic_context_set_runner()
 * \param count  number of tasks
 * \param task   to be called once for every index below count, in any order, on
 *               any threads, at the same time or not
 * \param data   to be handed to task
 *
 * The runner returns when all tasks are done. The results of the library never depend on the order
 * or on the number of threads.
 */
typedef void (*wsic_runner_function)(void *user, size_t count,
                                     void (*task)(void *data, size_t index), void *data);

/**
 * \brief Create a context.
 *
 * \param allocator  where to get memory, or NULL for malloc() and free(). Copied.
 * \param out        receives the context, or NULL on failure. Release it with
 *                   wsic_context_destroy().
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: out, or a function of the allocator, is NULL
 *   - #WSIC_ERROR_STRUCT_SIZE, #WSIC_ERROR_STRUCT_NEWER: allocator->size
 *   - #WSIC_ERROR_MEMORY
 *
 * A new context uses one thread (the caller's), has no memory limit, and neither
 * logs nor reports progress. Thread-safe.
 */
WSIC_API wsic_status wsic_context_create(const wsic_allocator *allocator,
                                         wsic_context **out) WSIC_NODISCARD;

/**
 * \brief Give up the caller's hold on a context.
 *
 * \param context  may be NULL. The memory is released when the last handle that
 *                 was made from it is destroyed too.
 */
WSIC_API void wsic_context_destroy(wsic_context *context);

/**
 * \brief What went wrong in the last failing call on this context or on any of its handles.
 *
 * Every message is here. The message of a call on a handle is on the handle as well, where calls on
 * other handles do not replace it. If a function that creates a handle fails, there is no handle,
 * and its message is only here.
 *
 * \param context  may be NULL
 * \return text in UTF-8, empty if nothing has failed, or of NULL. Valid until the next call
 *         on the context or on one of its handles.
 */
WSIC_API const char *wsic_context_message(const wsic_context *context);

/**
 * \brief Set the number of threads.
 *
 * These threads run the library's own loops. The host controls the threads of BLAS, and the library
 * never changes their number. If a context has several threads, BLAS should have one: threads of
 * BLAS may wait in busy loops (docs/performance.md, "Threads"). A thread of the library that has no
 * work looks for some for about a tenth of a millisecond before it sleeps. The call starts the
 * threads. They replace a runner.
 *
 * \param context  not NULL
 * \param threads  1 to 1024; 1 means the caller's thread alone; 0 means
 *                 wsic_processors()
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: threads is outside its range
 *   - #WSIC_ERROR_MEMORY: there was not enough memory, or the system could not start the threads;
 *     the context uses the caller's thread alone
 */
WSIC_API wsic_status wsic_context_set_threads(wsic_context *context,
                                              int32_t threads) WSIC_NODISCARD;

/**
 * \brief Number of processors that the calling thread may run on.
 *
 * On Linux these are the processors of sched_getaffinity(): those that taskset, a container or a
 * batch system leaves to the thread. On other systems all processors that are online count. Quotas
 * of processor time, as control groups set them, are not considered. Thread-safe; nothing is
 * allocated.
 *
 * \return 1 to 1024
 */
WSIC_API int32_t wsic_processors(void);

/**
 * \brief Run the library's loops on the host's threads.
 *
 * \param context  not NULL
 * \param runner   the host's function, or NULL to go back to the caller's thread
 * \param user     handed to runner, never looked at
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT if context is NULL
 */
WSIC_API wsic_status wsic_context_set_runner(wsic_context *context, wsic_runner_function runner,
                                             void *user);

/** \brief Instructions that the kernels of decoding, products and coding use. The numbers are
 *  pinned. */
enum wsic_kernels {
    WSIC_KERNELS_AUTO = 0,   /**< the fastest that the processor has */
    WSIC_KERNELS_C = 1,      /**< only the instructions of the compiler's target */
    WSIC_KERNELS_AVX2 = 2,   /**< x86: AVX2, FMA, BMI, BMI2, F16C, POPCNT */
    WSIC_KERNELS_AVX512 = 3, /**< x86: the above, AVX-512 F, BW, VL, DQ, VBMI, VBMI2, BITALG */
    WSIC_KERNELS_NEON = 4    /**< 64-bit Arm: Advanced SIMD */
};

/**
 * \brief Choose the instructions of the kernels.
 *
 * The choice is for tests, for measurements, and for hosts that need another choice than the
 * library's. Every choice gives the same bits. Not every kernel exists for every choice. If a
 * kernel does not exist, its version for fewer instructions is used: AVX2 in place of AVX-512, C in
 * place of AVX2.
 *
 * \param context  not NULL; no other thread is in a call on it or on one of its children
 * \param kernels  #WSIC_KERNELS_AUTO ... #WSIC_KERNELS_NEON. A new context has
 *                 #WSIC_KERNELS_AUTO.
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: context is NULL; or kernels is no such number; or the processor, its
 *     operating system or the library's build does not have these instructions. The choice stays
 *     what it was.
 */
WSIC_API wsic_status wsic_context_set_kernels(wsic_context *context,
                                              int32_t kernels) WSIC_NODISCARD;

/**
 * \brief The instructions that the kernels use.
 *
 * \param context  not NULL
 * \return #WSIC_KERNELS_C ... #WSIC_KERNELS_NEON: what was chosen, or what #WSIC_KERNELS_AUTO found
 */
WSIC_API int32_t wsic_context_kernels(const wsic_context *context) WSIC_NONNULL(1);

/**
 * \brief Name of a choice of instructions, for logs.
 *
 * \param kernels  any value
 * \return "auto", "c", "avx2", "avx512", "neon"; "unknown" for any other. Static storage, never
 *         NULL.
 *
 * Thread-safe.
 */
WSIC_API const char *wsic_kernels_name(int32_t kernels);

/**
 * \brief Set the log function.
 *
 * \param context  not NULL
 * \param log      the function, or NULL for no log
 * \param user     handed to log, never looked at
 * \param level    most verbose level wanted, #WSIC_LOG_NONE to #WSIC_LOG_DEBUG
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT for an unknown level or context NULL
 */
WSIC_API wsic_status wsic_context_set_log(wsic_context *context, wsic_log_function log, void *user,
                                          int32_t level);

/**
 * \brief Set the progress function.
 *
 * \param context   not NULL
 * \param progress  the function, or NULL for none
 * \param user      handed to progress, never looked at
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT if context is NULL
 */
WSIC_API wsic_status wsic_context_set_progress(wsic_context *context,
                                               wsic_progress_function progress, void *user);

/**
 * \brief Stop the call that is running on this context, from any thread.
 *
 * The call returns #WSIC_ERROR_CANCELLED at its next opportunity (between two
 * blocks of work, not within a BLAS call). The request ends with that call. If no call is running,
 * nothing happens: a request that comes too late cannot end the next call.
 *
 * Calls that can be stopped are those that report progress (see #wsic_progress_function), and
 * wsic_stats_add_activations() and wsic_stats_add_pair().
 *
 * \param context  not NULL
 *
 * Thread-safe, and safe in a signal handler.
 */
WSIC_API void wsic_context_cancel(wsic_context *context) WSIC_NONNULL(1);

/**
 * \brief Stop the call that is running and all later calls, from any thread.
 *
 * The request holds until wsic_context_resume(). Until then every call that wsic_context_cancel()
 * can stop returns #WSIC_ERROR_CANCELLED at its first opportunity, whether it runs now or begins
 * later. Use this function to end a piece of work that consists of many calls. It does not matter
 * whether the request comes during a call or between two calls.
 *
 * \param context  not NULL
 *
 * Thread-safe, and safe in a signal handler.
 */
WSIC_API void wsic_context_stop(wsic_context *context) WSIC_NONNULL(1);

/**
 * \brief Take wsic_context_stop() back.
 *
 * A call that has not yet noticed the request goes on; the request leaves no trace.
 *
 * \param context  not NULL
 *
 * Thread-safe, and safe in a signal handler.
 */
WSIC_API void wsic_context_resume(wsic_context *context) WSIC_NONNULL(1);

/**
 * \brief Bound the memory of a context and all its children.
 *
 * \param context  not NULL
 * \param bytes    the bound; 0 for none. It may be below the memory that is in use now:
 *                 further allocations then fail until enough is released.
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT if context is NULL
 *
 * A call that would exceed the bound returns #WSIC_ERROR_MEMORY_LIMIT and leaves
 * everything as it was. It can be repeated with a higher bound.
 */
WSIC_API wsic_status wsic_context_set_memory_limit(wsic_context *context, uint64_t bytes);

/**
 * \brief Memory in use by a context and all its children, in bytes.
 *
 * \param context  not NULL
 * \param peak     if not NULL, receives the highest use since the context was
 *                 created or since wsic_context_reset_peak()
 * \return bytes now in use: the sum over all allocations that #WSIC_ERROR_MEMORY_LIMIT can refuse,
 *         including the bytes that alignment adds to each. The context itself, a few hundred bytes,
 *         and its threads, a few bytes each, are not counted.
 */
WSIC_API uint64_t wsic_context_memory(const wsic_context *context, uint64_t *peak) WSIC_NONNULL(1);

/**
 * \brief Start a new measurement of the peak, from the present use.
 *
 * \param context  not NULL
 */
WSIC_API void wsic_context_reset_peak(wsic_context *context) WSIC_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif
