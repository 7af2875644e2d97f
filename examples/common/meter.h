/* SPDX-License-Identifier: MIT */
/* How far a long run is, how fast it goes and how long it will last, in a line on the terminal; and
 * where its time goes. */
#ifndef EXAMPLES_METER_H
#define EXAMPLES_METER_H

#include <stdbool.h>
#include <time.h>

#include "common/stages.h"

struct meter {
    bool shown;   /* standard error is a terminal */
    bool lines;   /* a line for every step instead, terminal or not */
    bool pending; /* a line stands there that must be wiped */
    double last;  /* seconds when that was shown */
    struct timespec start;
    struct stages stages; /* where the seconds since then went */
};

void meter_start(struct meter *meter);

/* Show the step that begins and the time that remains, judged from the fraction (0 to 1) that is
 * done. Nothing is shown unless standard error is a terminal or lines are wanted. */
void meter_show(struct meter *meter, double fraction, const char *what);

/* The same within a step: for terminals, a few times a second. */
void meter_update(struct meter *meter, double fraction, const char *what);

/* Wipe the line. */
void meter_stop(struct meter *meter);

/* Seconds since meter_start(). */
double meter_seconds(const struct meter *meter);

#endif
