/* SPDX-License-Identifier: MIT */
/* A host that has threads already lends them to the library, watches the progress, and
 * cancels. The bytes do not depend on who runs the loops. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

/* Rows are shared out a thousand at a time. */
enum { ROWS = 4096, COLUMNS = 128, TOKENS = 300, WORKERS = 3 };

/* --- the host's pool ------------------------------------------------------ */

typedef void task_function(void *data, size_t index);

typedef struct host_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[WORKERS];
    task_function *task;
    void *data;
    size_t next, count, running;
    size_t done_by_workers;
    bool quit;
} host_pool;

/* Take tasks until there is none. The lock is held on entry and on return. */
static void work(host_pool *pool, bool is_worker)
{
    bool any = false;

    while (pool->next < pool->count) {
        const size_t index = pool->next++;
        pool->running++;
        pthread_mutex_unlock(&pool->lock);
        pool->task(pool->data, index);
        pthread_mutex_lock(&pool->lock);
        pool->running--;
        pool->done_by_workers += is_worker;
        any = true;
    }
    /* Only who did something wakes the others, or they would wake each other for ever. */
    if (any)
        pthread_cond_broadcast(&pool->changed);
}

static void *worker(void *argument)
{
    host_pool *const pool = argument;

    pthread_mutex_lock(&pool->lock);
    while (!pool->quit) {
        work(pool, true);
        if (!pool->quit)
            pthread_cond_wait(&pool->changed, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The hook: run task for every index below count, and return when all are done. The
 * library's thread takes part. */
static void run_tasks(void *user, size_t count, task_function *task, void *data)
{
    host_pool *const pool = user;

    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->data = data;
    pool->next = 0;
    pool->count = count;
    pthread_cond_broadcast(&pool->changed);
    work(pool, false);
    while (pool->running > 0)
        pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static bool pool_start(host_pool *pool)
{
    *pool = (host_pool){.quit = false};
    if (pthread_mutex_init(&pool->lock, NULL) != 0 || pthread_cond_init(&pool->changed, NULL) != 0)
        return false;
    for (int i = 0; i < WORKERS; i++) {
        if (pthread_create(&pool->threads[i], NULL, worker, pool) != 0)
            return false;
    }
    return true;
}

static void pool_stop(host_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
}

/* --- progress ------------------------------------------------------------- */

typedef struct progress_watcher {
    double cancel_at; /* stop when this part is done; beyond 1: never */
    double last;
    size_t calls;
} progress_watcher;

/* Called on the thread that called the library; anything but 0 cancels. */
static int32_t watch(void *user, double fraction, const char *stage)
{
    progress_watcher *const watcher = user;

    (void)stage;
    watcher->calls++;
    watcher->last = fraction;
    return fraction >= watcher->cancel_at;
}

/* --- the work --------------------------------------------------------------- */

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

typedef struct input {
    wsic_context *context;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_matrix weights;
} input;

static int prepare(input *in)
{
    static float weights[ROWS * COLUMNS], activations[TOKENS * COLUMNS];
    wsic_matrix x;

    synthetic_weights(weights, ROWS, COLUMNS, 0.05F, 1);
    synthetic_activations(activations, TOKENS, COLUMNS, 2);
    wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, TOKENS, COLUMNS, 0);
    wsic_matrix_init(&in->weights, sizeof in->weights, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (wsic_context_create(NULL, &in->context) != WSIC_OK)
        return fail("context", "out of memory");
    if (wsic_stats_create(in->context, COLUMNS, &in->stats) != WSIC_OK ||
        wsic_encoder_create(in->context, &in->encoder) != WSIC_OK)
        return fail("handles", wsic_context_message(in->context));
    if (wsic_stats_add_activations(in->stats, &x, NULL) != WSIC_OK)
        return fail("activations", wsic_stats_message(in->stats));
    if (wsic_encoder_set_number(in->encoder, WSIC_RATE, 2.5) != WSIC_OK)
        return fail("rate", wsic_encoder_message(in->encoder));
    return EXIT_SUCCESS;
}

static int quantize(input *in, wsic_layer **layer)
{
    const wsic_status status = wsic_encoder_run(in->encoder, in->stats, &in->weights, layer);

    return status < 0 ? fail("quantize", wsic_encoder_message(in->encoder)) : EXIT_SUCCESS;
}

/* A cancelled call leaves no layer and a handle that can be used again. */
static int cancel(input *in)
{
    progress_watcher watcher = {.cancel_at = 0.1};
    wsic_layer *layer;

    wsic_context_set_progress(in->context, watch, &watcher);
    const wsic_status status = wsic_encoder_run(in->encoder, in->stats, &in->weights, &layer);
    wsic_context_set_progress(in->context, NULL, NULL);
    if (status != WSIC_ERROR_CANCELLED || layer)
        return fail("cancel", "the call went on");
    printf("cancelled when %.0f %% were done\n", 100 * watcher.last);
    return EXIT_SUCCESS;
}

static bool same_bytes(const wsic_layer *a, const wsic_layer *b)
{
    const void *bytes_a, *bytes_b;
    size_t size_a, size_b;

    wsic_layer_get_bytes(a, &bytes_a, &size_a);
    wsic_layer_get_bytes(b, &bytes_b, &size_b);
    return size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
}

static int compare(input *in, host_pool *pool)
{
    progress_watcher watcher = {.cancel_at = 2};
    wsic_layer *alone = NULL, *shared = NULL;

    int result = quantize(in, &alone);
    wsic_context_set_runner(in->context, run_tasks, pool);
    wsic_context_set_progress(in->context, watch, &watcher);
    if (result == EXIT_SUCCESS)
        result = quantize(in, &shared);
    wsic_context_set_runner(in->context, NULL, NULL);
    wsic_context_set_progress(in->context, NULL, NULL);
    if (result == EXIT_SUCCESS && !same_bytes(alone, shared))
        result = fail("threads", "other bytes than with the caller's thread alone");
    if (result == EXIT_SUCCESS)
        printf("same bytes; %zu tasks ran on the host's threads, %zu reports of progress\n",
               pool->done_by_workers, watcher.calls);
    wsic_layer_destroy(shared);
    wsic_layer_destroy(alone);
    return result;
}

int main(void)
{
    input in = {.context = NULL};
    host_pool pool;

    if (!pool_start(&pool))
        return fail("pool", "no threads");
    int result = prepare(&in);
    if (result == EXIT_SUCCESS)
        result = cancel(&in);
    if (result == EXIT_SUCCESS)
        result = compare(&in, &pool);
    wsic_encoder_destroy(in.encoder);
    wsic_stats_destroy(in.stats);
    wsic_context_destroy(in.context);
    pool_stop(&pool);
    return result;
}
