/* SPDX-License-Identifier: MIT */
/* Loops whose tasks call BLAS. */
#ifndef EXAMPLES_COMMON_BLAS_THREADS_H
#define EXAMPLES_COMMON_BLAS_THREADS_H

#include "common/workers.h"

/* workers_run(), while BLAS computes each product on the thread that asks for it. Threads that BLAS
 * has of its own would compete with the workers for the processors, and wait for work in a busy
 * loop. The number of threads that BLAS has is set back at the end. It is known how to do that for
 * OpenBLAS, MKL and FlexiBLAS; any other BLAS stays as it is. Only one thread of the process
 * may be here at a time. */
void blas_workers_run(size_t workers, size_t count, worker_task *task, void *data);

/* The number of threads that BLAS uses for a product, or 0 where that is not known. */
int blas_threads(void);

#endif
