/* SPDX-License-Identifier: MIT */
/* Loops whose tasks call BLAS. */
#ifndef EXAMPLES_COMMON_BLAS_THREADS_H
#define EXAMPLES_COMMON_BLAS_THREADS_H

#include "common/workers.h"

/* Have BLAS compute each product on the thread that asks for it, until blas_release() gets what
 * this returns. Threads that BLAS has of its own would compete with those that ask for the
 * processors, and wait for work in a busy loop. It is known how to do that for OpenBLAS, MKL and
 * FlexiBLAS; any other BLAS stays as it is. For one thread of the process at a time. */
int blas_hold(void);
void blas_release(int held);

/* workers_run(), while BLAS is held. */
void blas_workers_run(size_t workers, size_t count, worker_task *task, void *data);

/* The number of threads that BLAS uses for a product, or 0 where that is not known. */
int blas_threads(void);

#endif
