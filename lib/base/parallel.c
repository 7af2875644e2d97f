/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include <unistd.h>

typedef void task_function(void *data, size_t index);

/* How often a thread looks for news before it sleeps, which takes about a tenth of a millisecond.
 * Waking a thread takes nearly as long, and the recursion has the threads meet once for every
 * column. Above all, threads that wake each other all the time look like one thread to the
 * scheduler of Linux: it leaves them on one processor. */
enum { LOOKS = 4000 };

/* A fixed set of threads that wait for work. A round of work is published under
 * the lock and numbered, so that a thread that wakes late does not run a round
 * twice; indices are then handed out without the lock. A thread that comes when the
 * caller has found nothing left to do stays out, so that nobody waits for it. */
struct wsic_pool {
    pid_t process; /* whose the threads are: a child of fork() has none of them */
    pthread_mutex_t lock;
    pthread_cond_t work_ready;
    pthread_cond_t work_done;
    size_t threads; /* started ones, the caller's not counted */
    /* Changed under the lock, and read without it by threads that look for news: */
    atomic_uint_fast64_t round;
    atomic_size_t inside; /* threads that work in the round */
    atomic_bool stop;
    bool open; /* whether the round may be entered */

    task_function *task;
    void *data;
    size_t count;
    atomic_size_t next;

    pthread_t handles[];
};

static bool has_threads(const struct wsic_pool *pool)
{
    return pool->process == getpid();
}

static void run_tasks(struct wsic_pool *pool)
{
    for (;;) {
        const size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->count)
            return;
        pool->task(pool->data, index);
    }
}

/* Tell the processor that nothing is to be hurried. */
static void pause_briefly(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static bool has_news(struct wsic_pool *pool, uint64_t seen)
{
    return atomic_load(&pool->round) != seen || atomic_load(&pool->stop);
}

/* With the lock: until there is a round after `seen`, or none will come. */
static void await_round(struct wsic_pool *pool, uint64_t seen)
{
    pthread_mutex_unlock(&pool->lock);
    for (size_t look = 0; look < LOOKS && !has_news(pool, seen); look++)
        pause_briefly();
    pthread_mutex_lock(&pool->lock);
    while (!has_news(pool, seen))
        pthread_cond_wait(&pool->work_ready, &pool->lock);
}

static void work(struct wsic_pool *pool)
{
    atomic_fetch_add(&pool->inside, 1);
    pthread_mutex_unlock(&pool->lock);
    run_tasks(pool);
    pthread_mutex_lock(&pool->lock);
    if (atomic_fetch_sub(&pool->inside, 1) == 1)
        pthread_cond_signal(&pool->work_done);
}

static void *worker(void *argument)
{
    struct wsic_pool *const pool = argument;
    uint64_t seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        await_round(pool, seen);
        if (atomic_load(&pool->stop))
            break;
        seen = atomic_load(&pool->round);
        if (pool->open)
            work(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Let no thread into the round any more, and wait for those inside. */
static void close_round(struct wsic_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    if (atomic_load(&pool->inside) != 0) {
        pthread_mutex_unlock(&pool->lock);
        for (size_t look = 0; look < LOOKS && atomic_load(&pool->inside) != 0; look++)
            pause_briefly();
        pthread_mutex_lock(&pool->lock);
    }
    while (atomic_load(&pool->inside) != 0)
        pthread_cond_wait(&pool->work_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void run_alone(size_t count, task_function *task, void *data)
{
    for (size_t i = 0; i < count; i++)
        task(data, i);
}

void wsic_pool_run(void *opaque, size_t count, task_function *task, void *data)
{
    struct wsic_pool *const pool = opaque;

    if (!has_threads(pool)) {
        run_alone(count, task, data);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->data = data;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->open = true;
    atomic_fetch_add(&pool->round, 1);
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);

    run_tasks(pool);
    close_round(pool);
}

struct wsic_pool *wsic_pool_create(wsic_host *host, size_t threads)
{
    const size_t size = sizeof(struct wsic_pool) + threads * sizeof(pthread_t);
    struct wsic_pool *const pool = host->allocator.allocate(host->allocator.user, size);

    if (!pool)
        return NULL;
    *pool = (struct wsic_pool){.process = getpid()};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    for (; pool->threads < threads; pool->threads++) {
        if (pthread_create(&pool->handles[pool->threads], NULL, worker, pool) != 0) {
            wsic_pool_destroy(host, pool);
            return NULL;
        }
    }
    return pool;
}

static void join_threads(struct wsic_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads; i++)
        pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->work_done);
    pthread_cond_destroy(&pool->work_ready);
    pthread_mutex_destroy(&pool->lock);
}

void wsic_pool_destroy(wsic_host *host, struct wsic_pool *pool)
{
    if (!pool)
        return;
    /* In a child of fork() the lock may be held for ever by a thread that is not there. */
    if (has_threads(pool))
        join_threads(pool);
    host->allocator.release(host->allocator.user, pool);
}

void wsic_parallel_for(const wsic_env *env, size_t count, task_function *task, void *data)
{
    const wsic_host *const host = env->host;

    if (host->runner && count > 1)
        host->runner(host->runner_user, count, task, data);
    else
        run_alone(count, task, data);
}

size_t wsic_parallel_threads(const wsic_env *env)
{
    const wsic_host *const host = env->host;

    if (!host->runner)
        return 1;
    if (host->pool)
        return has_threads(host->pool) ? host->pool->threads + 1 : 1;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > 1024 ? 1024 : (size_t)online;
}
