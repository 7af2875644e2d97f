/* SPDX-License-Identifier: MIT */
/* The meter of the one piece of work that a command does. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

void progress_start(void);

/* Draw the meter; a wsic_progress_function that never cancels. */
int32_t progress_show(void *user, double fraction, const char *stage);

/* Take the meter away, before anything else is printed. */
void progress_clear(void);

/* Seconds since progress_start(). */
double progress_seconds(void);

#endif
