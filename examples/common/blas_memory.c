/* SPDX-License-Identifier: MIT */
#include "common/blas_memory.h"

#include <cblas.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Large enough for BLAS to want its buffer, and for the calls to overlap. */
enum { ORDER = 256 };

/* Seconds until a call counts as one that does not come back; it takes milliseconds. */
enum { PATIENCE = 5 };

/* Not on a stack: threads that never end go on to use it. */
static sem_t finished;
static float zeros[ORDER * ORDER];

static void *call_blas(void *product)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ORDER, ORDER, ORDER, 1, zeros, ORDER,
                zeros, ORDER, 0, product, ORDER);
    free(product);
    sem_post(&finished);
    return NULL;
}

static bool start_call(void)
{
    float *const product = malloc(sizeof zeros);
    pthread_t thread;

    if (product && pthread_create(&thread, NULL, call_blas, product) == 0)
        return pthread_detach(thread) == 0;
    free(product);
    return false;
}

/* 0: no limit */
static unsigned long long limit_of_memory(void)
{
    struct rlimit space = {.rlim_cur = RLIM_INFINITY};
    struct rlimit data = {.rlim_cur = RLIM_INFINITY};

    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_DATA, &data);
    const rlim_t least = space.rlim_cur < data.rlim_cur ? space.rlim_cur : data.rlim_cur;
    return least == RLIM_INFINITY ? 0 : (unsigned long long)least;
}

static bool await_calls(size_t calls)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE;
    for (size_t i = 0; i < calls; i++)
        while (sem_timedwait(&finished, &deadline) != 0)
            if (errno != EINTR)
                return false;
    return true;
}

bool blas_memory_check(size_t threads, struct failure *failure)
{
    const unsigned long long limit = limit_of_memory();
    size_t started = 0;

    if (limit == 0)
        return true;
    if (sem_init(&finished, 0, 0) != 0)
        return refuse(failure, "no semaphore can be made");
    while (started < threads && start_call())
        started++;
    if (started > 0 && await_calls(started))
        return true;
    return refuse(failure,
                  "out of memory: BLAS gets no buffers for %zu threads, as memory of the process is "
                  "limited to %llu bytes (raise it with ulimit -v and ulimit -d, or use fewer "
                  "processors)",
                  threads, limit);
}
