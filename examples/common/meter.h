/* SPDX-License-Identifier: MIT */
/* A line on the terminal that says how far a long run is. */
#ifndef EXAMPLES_METER_H
#define EXAMPLES_METER_H

#include <stdbool.h>
#include <time.h>

struct meter {
    bool shown;   /* standard error is a terminal */
    bool pending; /* a line stands there that must be wiped */
    struct timespec start;
};

void meter_start(struct meter *meter);

/* Show what is being done and the time that remains, judged from the fraction (0 to 1) that is
 * done. Nothing is shown unless standard error is a terminal. */
void meter_show(struct meter *meter, double fraction, const char *what);

/* Wipe the line. */
void meter_stop(struct meter *meter);

/* Seconds since meter_start(). */
double meter_seconds(const struct meter *meter);

#endif
