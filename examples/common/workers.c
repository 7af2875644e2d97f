/* SPDX-License-Identifier: MIT */
#include "common/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <watersic/context.h>

enum { max_workers = 64 };

struct loop {
    worker_task *task;
    void *data;
    size_t count;
    atomic_size_t next;
};

struct worker {
    struct loop *loop;
    size_t number;
    pthread_t thread;
};

static void *work(void *argument)
{
    const struct worker *const self = argument;
    struct loop *const loop = self->loop;

    for (;;) {
        const size_t index = atomic_fetch_add(&loop->next, 1);
        if (index >= loop->count)
            return NULL;
        loop->task(loop->data, index, self->number);
    }
}

size_t workers_usual(void)
{
    const size_t processors = (size_t)wsic_processors();

    return processors > max_workers ? max_workers : processors;
}

size_t workers_for(size_t multiplications, size_t workers)
{
    static const size_t threads_pay = 1 << 19;

    return multiplications < threads_pay ? 1 : workers;
}

void workers_run(size_t workers, size_t count, worker_task *task, void *data)
{
    struct loop loop = {.task = task, .data = data, .count = count};
    struct worker team[max_workers];
    size_t started = 1;

    if (workers > max_workers)
        workers = max_workers;
    if (workers > count)
        workers = count;
    team[0] = (struct worker){.loop = &loop};
    for (; started < workers; started++) {
        team[started] = (struct worker){.loop = &loop, .number = started};
        if (pthread_create(&team[started].thread, NULL, work, &team[started]) != 0)
            break;
    }
    work(&team[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(team[i].thread, NULL);
}
