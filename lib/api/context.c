/* SPDX-License-Identifier: MIT */
#include "api/context.h"

#include <stdlib.h>
#include <string.h>

#include "api/check.h"
#include "base/cpu.h"

static void *default_allocate(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void default_release(void *user, void *pointer)
{
    (void)user;
    free(pointer);
}

/* There is no context yet that could hold a message: the status must do. */
static wsic_status choose_allocator(const wsic_allocator *given, wsic_allocator *chosen)
{
    *chosen = (wsic_allocator){sizeof *chosen, default_allocate, default_release, NULL};
    if (!given)
        return WSIC_OK;
    const wsic_status status =
        wsic_take_struct(NULL, "allocator", given, given->size,
                         WSIC_FIRST_SIZE(wsic_allocator, user), chosen, sizeof *chosen);
    if (status != WSIC_OK)
        return status;
    return chosen->allocate && chosen->release ? WSIC_OK : WSIC_ERROR_ARGUMENT;
}

wsic_status wsic_context_create(const wsic_allocator *allocator, wsic_context **out)
{
    wsic_allocator chosen;

    if (!out)
        return WSIC_ERROR_ARGUMENT;
    *out = NULL;
    const wsic_status status = choose_allocator(allocator, &chosen);
    if (status != WSIC_OK)
        return status;

    wsic_context *const context = chosen.allocate(chosen.user, sizeof *context);
    if (!context)
        return WSIC_ERROR_MEMORY;
    memset(context, 0, sizeof *context);
    if (wsic_message_init(&context->message) != 0) {
        chosen.release(chosen.user, context);
        return WSIC_ERROR_MEMORY;
    }
    context->host.allocator = chosen;
    context->host.message = &context->message;
    context->host.kernels = wsic_kernels_detect();
    atomic_init(&context->references, 1);
    *out = context;
    return WSIC_OK;
}

static void release_reference(wsic_context *context)
{
    if (atomic_fetch_sub(&context->references, 1) != 1)
        return;
    const wsic_allocator allocator = context->host.allocator;
    wsic_pool_destroy(&context->host, context->host.pool);
    wsic_message_destroy(&context->message);
    allocator.release(allocator.user, context);
}

void wsic_context_destroy(wsic_context *context)
{
    if (context)
        release_reference(context);
}

const char *wsic_context_message(const wsic_context *context)
{
    return context ? context->message.text : "";
}

wsic_env wsic_context_env(wsic_context *context)
{
    return (wsic_env){&context->host, &context->message};
}

void *wsic_handle_create(wsic_context *context, size_t size, wsic_status *status)
{
    const wsic_env env = wsic_context_env(context);

    return wsic_handle_create_telling(context, &env, size, status);
}

void *wsic_handle_create_telling(wsic_context *context, const wsic_env *env, size_t size,
                                 wsic_status *status)
{
    wsic_handle *const handle = wsic_alloc_zero(env, 1, size, status);

    if (!handle)
        return NULL;
    if (wsic_message_init(&handle->message) != 0) {
        wsic_free(env, handle);
        *status = wsic_fail(env, WSIC_ERROR_MEMORY, "no lock could be created");
        return NULL;
    }
    handle->context = context;
    handle->env = (wsic_env){&context->host, &handle->message};
    atomic_fetch_add(&context->references, 1);
    return handle;
}

void wsic_handle_destroy(void *opaque)
{
    wsic_handle *const handle = opaque;

    if (!handle)
        return;
    wsic_context *const context = handle->context;
    wsic_message_destroy(&handle->message);
    wsic_free(&handle->env, handle);
    release_reference(context);
}

const char *wsic_handle_message(const void *opaque)
{
    const wsic_handle *const handle = opaque;

    return handle ? handle->message.text : "";
}

wsic_status wsic_check_creation(wsic_context *context, const char *name, const void *input,
                                const void *out)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (name && !input)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "%s is NULL", name);
    return out ? WSIC_OK : wsic_fail(&env, WSIC_ERROR_ARGUMENT, "out is NULL");
}

wsic_status wsic_context_set_threads(wsic_context *context, int32_t threads)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    wsic_host *const host = &context->host;
    if (threads < 0 || threads > 1024)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "threads is %d, not within 0 to 1024",
                         (int)threads);
    if (threads == 0)
        threads = wsic_processors();

    wsic_context_set_runner(context, NULL, NULL);
    if (threads == 1)
        return WSIC_OK;
    host->pool = wsic_pool_create(host, (size_t)threads - 1);
    if (!host->pool)
        return wsic_fail(&env, WSIC_ERROR_MEMORY, "%d threads could not be started", (int)threads);
    host->runner = wsic_pool_run;
    host->runner_user = host->pool;
    return WSIC_OK;
}

wsic_status wsic_context_set_runner(wsic_context *context, wsic_runner_function runner, void *user)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    wsic_pool_destroy(&context->host, context->host.pool);
    context->host.pool = NULL;
    context->host.runner = runner;
    context->host.runner_user = user;
    return WSIC_OK;
}

wsic_status wsic_context_set_kernels(wsic_context *context, int32_t kernels)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    const int32_t chosen = kernels == WSIC_KERNELS_AUTO ? wsic_kernels_detect() : kernels;
    if (!wsic_kernels_available(chosen))
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "kernels is %d (%s), which cannot run here",
                         (int)kernels, wsic_kernels_name(kernels));
    context->host.kernels = chosen;
    return WSIC_OK;
}

int32_t wsic_context_kernels(const wsic_context *context)
{
    return context->host.kernels;
}

const char *wsic_kernels_name(int32_t kernels)
{
    static const char *const names[] = {"auto", "c", "avx2", "avx512", "neon"};

    return kernels < 0 || kernels > WSIC_KERNELS_NEON ? "unknown" : names[kernels];
}

wsic_status wsic_context_set_log(wsic_context *context, wsic_log_function log, void *user,
                                 int32_t level)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (level < WSIC_LOG_NONE || level > WSIC_LOG_DEBUG)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "level is %d, not a log level", (int)level);
    context->host.log = log;
    context->host.log_user = user;
    context->host.log_level = level;
    return WSIC_OK;
}

wsic_status wsic_context_set_progress(wsic_context *context, wsic_progress_function progress,
                                      void *user)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    context->host.progress = progress;
    context->host.progress_user = user;
    return WSIC_OK;
}

/* Only a call that runs can be cancelled: a request that comes too late must not end the next. */
void wsic_context_cancel(wsic_context *context)
{
    int expected = WSIC_CALL_RUNNING;

    atomic_compare_exchange_strong(&context->host.call, &expected, WSIC_CALL_CANCELLED);
}

void wsic_context_stop(wsic_context *context)
{
    atomic_store(&context->host.stopped, true);
}

void wsic_context_resume(wsic_context *context)
{
    atomic_store(&context->host.stopped, false);
}

void wsic_call_begin(const wsic_env *env)
{
    atomic_store(&env->host->call, WSIC_CALL_RUNNING);
}

wsic_status wsic_call_end(const wsic_env *env, wsic_status status)
{
    atomic_store(&env->host->call, WSIC_CALL_NONE);
    return status;
}

wsic_status wsic_context_set_memory_limit(wsic_context *context, uint64_t bytes)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    atomic_store(&context->host.memory_limit, bytes);
    return WSIC_OK;
}

uint64_t wsic_context_memory(const wsic_context *context, uint64_t *peak)
{
    if (peak)
        *peak = atomic_load(&context->host.memory_peak);
    return atomic_load(&context->host.memory_used);
}

void wsic_context_reset_peak(wsic_context *context)
{
    atomic_store(&context->host.memory_peak, atomic_load(&context->host.memory_used));
}

void wsic_context_raise_peak(wsic_context *context, uint64_t peak)
{
    uint64_t present = atomic_load(&context->host.memory_peak);

    while (present < peak &&
           !atomic_compare_exchange_weak(&context->host.memory_peak, &present, peak)) {
    }
}
