/* SPDX-License-Identifier: MIT */
/* The memory of the process. */
#ifndef EXAMPLES_PEAK_MEMORY_H
#define EXAMPLES_PEAK_MEMORY_H

#include <stdint.h>

/* Bytes, as the system counts them; pages of mapped files belong to them. 0 if it does not tell. */
uint64_t peak_memory(void);

/* Give what was freed back to the system, where the C library keeps it: blocks of other sizes that
 * come afterwards may not fit in its gaps. */
void return_memory(void);

#endif
