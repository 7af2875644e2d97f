/* SPDX-License-Identifier: MIT */
/* sched_getaffinity() is no part of POSIX. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its name is so */
#define _GNU_SOURCE

#include <sched.h>
#include <unistd.h>

#include "watersic/context.h"

enum { MOST = 1024 };

/* 0: not known, as on systems without the call, or where a set of the usual size is too small. */
static long count_allowed(void)
{
#ifdef CPU_COUNT
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
#else
    return 0;
#endif
}

int32_t wsic_processors(void)
{
    long count = count_allowed();

    if (count < 1)
        count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > MOST ? MOST : (int32_t)count;
}
