/* SPDX-License-Identifier: MIT */
/* Errors of the programs: one line of text that travels up to main(), where it is printed. */
#ifndef EXAMPLES_FAILURE_H
#define EXAMPLES_FAILURE_H

#include <stdbool.h>

struct failure {
    char text[1024];
};

/* Note why something cannot be done. Returns false, so that a function that fails can end
 * with `return refuse(...)`. Control characters, which may come from a damaged file, become '?':
 * the text stays one line. */
bool refuse(struct failure *failure, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
