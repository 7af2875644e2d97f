/* SPDX-License-Identifier: MIT */
/* Whether BLAS finds the memory that it takes for itself. */
#ifndef EXAMPLES_COMMON_BLAS_MEMORY_H
#define EXAMPLES_COMMON_BLAS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* Where memory of the process is limited (RLIMIT_AS, RLIMIT_DATA): let so many threads call BLAS
 * at once, and refuse if one does not come back. OpenBLAS takes a buffer for every thread, tries
 * for ever where it gets none, and keeps what it got: what succeeds here does so later on. After a
 * refusal threads still run that never end: main() must end with ending_bounded(). */
bool blas_memory_check(size_t threads, struct failure *failure);

#endif
