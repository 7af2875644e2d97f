/* SPDX-License-Identifier: MIT */
/* A loop shared out among threads. */
#ifndef EXAMPLES_WORKERS_H
#define EXAMPLES_WORKERS_H

#include <stddef.h>

/* One task of a loop. worker tells the threads apart (below the number given to
 * workers_run()), for scratch memory that each has of its own. */
typedef void worker_task(void *data, size_t index, size_t worker);

/* As many as the process may use processors, at least 1. */
size_t workers_usual(void);

/* As many of the workers as so many multiplications pay for: starting threads takes longer than few
 * of them. */
size_t workers_for(size_t multiplications, size_t workers);

/* Run task for every index below count on at most `workers` threads, the caller's included.
 * Where threads cannot be started the caller's does the rest. */
void workers_run(size_t workers, size_t count, worker_task *task, void *data);

#endif
