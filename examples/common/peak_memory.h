/* SPDX-License-Identifier: MIT */
/* How much memory the process has had at once. */
#ifndef EXAMPLES_PEAK_MEMORY_H
#define EXAMPLES_PEAK_MEMORY_H

#include <stdint.h>

/* Bytes, as the system counts them; pages of mapped files belong to them. 0 if it does not tell. */
uint64_t peak_memory(void);

#endif
