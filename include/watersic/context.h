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
 * function says otherwise. Threads that work at the same time use a context
 * each; contexts are cheap and share nothing. Exceptions:
 * wsic_context_cancel(), wsic_context_stop() and wsic_context_resume() may be called from any
 * thread; any number of threads
 * may read one layer (see layer.h), take layers from one archive (see archive.h), and
 * make layers from bytes on one context (wsic_layer_create(), wsic_layer_create_view()) and destroy
 * them, while no thread does anything else with that context.
 *
 * Callbacks: log, progress, runner, tiles (decode.h) and the allocator must return. Neither a C++
 * exception nor longjmp() may leave them: the library would be left in the middle of its work,
 * with memory and locks that nobody releases. Catch in the callback, remember what happened,
 * cancel where the callback can, and throw again when the library has returned.
 *
 * fork(): the child has the handles, but none of the threads. If no other thread was in a call of
 * the library when the process forked, the child may use and destroy its handles: what the threads
 * of wsic_context_set_threads() did, the calling thread does. Otherwise it may only destroy them.
 * Neither waits for threads that are not there. What a host's runner does is the host's affair.
 *
 * The library keeps no global state, prints nothing and never ends the process. It reports nothing
 * through errno: functions on files restore its value, and a value that the mathematical
 * library leaves there (such as ERANGE after an underflow) means nothing.
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
    WSIC_LOG_NONE = 0,    /**< nothing (as a threshold) */
    WSIC_LOG_WARNING = 1, /**< the result is valid but may disappoint */
    WSIC_LOG_INFO = 2,    /**< what was decided: damping, dead columns, step */
    WSIC_LOG_DEBUG = 3    /**< every evaluation of a search */
};

/**
 * \brief Receives a log message.
 *
 * \param user     as given to wsic_context_set_log()
 * \param level    #WSIC_LOG_WARNING ... #WSIC_LOG_DEBUG
 * \param message  one finished line without line end; valid during the call
 *
 * Called on the thread that called the library. It must not call the library.
 */
typedef void (*wsic_log_function)(void *user, int32_t level, const char *message);

/**
 * \brief Receives progress, and may cancel.
 *
 * \param user      as given to wsic_context_set_progress()
 * \param fraction  part of the running call that is done, 0 to 1, never falling; 1 in the last
 *                  report of a call that succeeds
 * \param stage     what is being done ("search", "quantize", ...); valid during
 *                  the call
 * \return 0 to go on, anything else to cancel: the running call then returns
 *         #WSIC_ERROR_CANCELLED and its handles stay usable
 *
 * Reports come from wsic_encoder_run(), wsic_encoder_run_problem(), wsic_plan_add(),
 * wsic_plan_add_problem() and wsic_plan_solve_budget().
 * Called on the thread that called the library. It must not call the library,
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
 * Returns when all tasks are done. Results never depend on the order or on the
 * number of threads.
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
 * Every message is here. That of a call on a handle is on the handle as well, where calls on other
 * handles do not replace it. A function that creates a handle has left its message here alone if it
 * fails, since there is no handle then.
 *
 * \param context  may be NULL
 * \return text in UTF-8, empty if nothing has failed, or of NULL. Valid until the next call
 *         on the context or on one of its handles.
 */
WSIC_API const char *wsic_context_message(const wsic_context *context);

/**
 * \brief Set the number of threads.
 *
 * Affects the library's own loops; threads of BLAS are the host's business and
 * are never touched. Where a context has several threads, BLAS should have one: its threads
 * may wait in busy loops (docs/performance.md, "Threads"). Replaces a runner. The threads are
 * started here.
 *
 * \param context  not NULL
 * \param threads  1 to 1024; 1 means the caller's thread alone; 0 means
 *                 wsic_processors()
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: threads is outside its range
 *   - #WSIC_ERROR_MEMORY: memory, or the threads themselves, could not be had;
 *     the context goes on with the caller's thread
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

/** \brief Instructions that the kernels of decoding, products and coding use. Fixed numbers. */
enum wsic_kernels {
    WSIC_KERNELS_AUTO = 0,   /**< the fastest that the processor has */
    WSIC_KERNELS_C = 1,      /**< those of the compiler's target alone */
    WSIC_KERNELS_AVX2 = 2,   /**< x86: AVX2, FMA, BMI, BMI2, F16C, POPCNT */
    WSIC_KERNELS_AVX512 = 3, /**< x86: the above, AVX-512 F, BW, VL, DQ, VBMI, VBMI2, BITALG */
    WSIC_KERNELS_NEON = 4    /**< 64-bit Arm: Advanced SIMD */
};

/**
 * \brief Choose the instructions of the kernels.
 *
 * For tests, for measurements, and for hosts that know better than the library. Every choice gives
 * the same bits. Not every kernel exists for every choice. Where one does not, the version for
 * fewer instructions is used: AVX2 in place of AVX-512, C in place of AVX2.
 *
 * \param context  not NULL; no other thread is in a call on it or on one of its children
 * \param kernels  #WSIC_KERNELS_AUTO ... #WSIC_KERNELS_NEON. A new context has
 *                 #WSIC_KERNELS_AUTO.
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: context is NULL, or kernels is no such number, or the processor, its
 *     operating system or the library's build does not have them; the choice stays what it was
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
 * \brief Stop the call that is running, and let no other one go on, from any thread.
 *
 * Every call that wsic_context_cancel() can stop returns #WSIC_ERROR_CANCELLED at its first
 * opportunity, whether it runs now or begins later, until wsic_context_resume(). This is the way to
 * end a piece of work that is made of many calls: it makes no difference whether the request
 * comes during a call or between two.
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
 * \param bytes    the bound; 0 for none. Below what is in use now is allowed:
 *                 further allocations fail until enough is released.
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT if context is NULL
 *
 * A call that would pass the bound returns #WSIC_ERROR_MEMORY_LIMIT and leaves
 * everything as it was: raise the limit and call again.
 */
WSIC_API wsic_status wsic_context_set_memory_limit(wsic_context *context, uint64_t bytes);

/**
 * \brief Memory in use by a context and all its children, in bytes.
 *
 * \param context  not NULL
 * \param peak     if not NULL, receives the highest use since the context was
 *                 created or since wsic_context_reset_peak()
 * \return bytes now in use: every allocation that #WSIC_ERROR_MEMORY_LIMIT can refuse, with
 *         what is added to each for alignment. The context itself and its own threads, a few
 *         hundred bytes and a few more for each thread, are not counted.
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
