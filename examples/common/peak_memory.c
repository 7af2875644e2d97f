/* SPDX-License-Identifier: MIT */
#include "common/peak_memory.h"

#include <stdlib.h>
#include <sys/resource.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

uint64_t peak_memory(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

void return_memory(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
