/* SPDX-License-Identifier: MIT */
#include "common/meter.h"

#include <stdio.h>
#include <unistd.h>

static const double update_seconds = 0.2;

static const char wipe[] = "\r\x1b[K";

void meter_start(struct meter *meter)
{
    *meter = (struct meter){.shown = isatty(STDERR_FILENO) == 1};
    clock_gettime(CLOCK_MONOTONIC, &meter->start);
    stages_start(&meter->stages);
}

double meter_seconds(const struct meter *meter)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - meter->start.tv_sec) +
           1e-9 * (double)(now.tv_nsec - meter->start.tv_nsec);
}

static void print_state(const struct meter *meter, double fraction, const char *what)
{
    fprintf(stderr, "%3.0f %%  %s", 100 * fraction, what);
    if (fraction > 0) {
        const long left = (long)(meter_seconds(meter) * (1 - fraction) / fraction);
        fprintf(stderr, "  (%ld:%02ld left)", left / 60, left % 60);
    }
}

static void show_on_terminal(struct meter *meter, double fraction, const char *what)
{
    fputs(wipe, stderr);
    print_state(meter, fraction, what);
    fflush(stderr);
    meter->pending = true;
    meter->last = meter_seconds(meter);
}

void meter_show(struct meter *meter, double fraction, const char *what)
{
    if (meter->lines) {
        print_state(meter, fraction, what);
        fputc('\n', stderr);
    } else if (meter->shown) {
        show_on_terminal(meter, fraction, what);
    }
}

void meter_update(struct meter *meter, double fraction, const char *what)
{
    if (meter->shown && !meter->lines && meter_seconds(meter) - meter->last > update_seconds)
        show_on_terminal(meter, fraction, what);
}

void meter_stop(struct meter *meter)
{
    if (meter->pending)
        fputs(wipe, stderr);
    meter->pending = false;
}
