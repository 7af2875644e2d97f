/* SPDX-License-Identifier: MIT */
#include "common/meter.h"

#include <stdio.h>
#include <unistd.h>

static const char wipe[] = "\r\x1b[K";

void meter_start(struct meter *meter)
{
    *meter = (struct meter){.shown = isatty(STDERR_FILENO) == 1};
    clock_gettime(CLOCK_MONOTONIC, &meter->start);
}

double meter_seconds(const struct meter *meter)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - meter->start.tv_sec) +
           1e-9 * (double)(now.tv_nsec - meter->start.tv_nsec);
}

void meter_show(struct meter *meter, double fraction, const char *what)
{
    if (!meter->shown)
        return;
    fprintf(stderr, "%s%3.0f %%  %s", wipe, 100 * fraction, what);
    if (fraction > 0) {
        const double left = meter_seconds(meter) * (1 - fraction) / fraction;
        fprintf(stderr, "  (%.0f:%02.0f left)", (double)(long)(left / 60),
                (double)((long)left % 60));
    }
    fflush(stderr);
    meter->pending = true;
}

void meter_stop(struct meter *meter)
{
    if (meter->pending)
        fputs(wipe, stderr);
    meter->pending = false;
}
