/* SPDX-License-Identifier: MIT */
/* Seconds for the report. */
#ifndef WSIC_BASE_CLOCK_H
#define WSIC_BASE_CLOCK_H

#include <time.h>

/* Seconds since some fixed point in the past. */
static inline double wsic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Seconds since *mark, which is moved to now. */
static inline double wsic_lap(double *mark)
{
    const double now = wsic_now(), elapsed = now - *mark;
    *mark = now;
    return elapsed;
}

#endif
