/* SPDX-License-Identifier: MIT */
/* What the commands print: complaints on standard error, results as JSON or as lines for
 * a person on standard output. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include <watersic/watersic.h>

/* Exit codes beside EXIT_SUCCESS and EXIT_FAILURE. */
enum { EXIT_USAGE = 2, EXIT_RATE = 3, EXIT_SIGNAL = 128 };

#if defined(__GNUC__)
#define CLI_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define CLI_PRINTF(text, first)
#endif

/* Print "watersic: FILE: what" (FILE may be NULL) and return EXIT_FAILURE. */
int complain(const char *file, const char *format, ...) CLI_PRINTF(2, 3);

/* The same with the library's message, or the text of the status where it left none. */
int complain_status(const char *file, wsic_status status, const char *message);

/* Whether the library may write an archive or statistics there: they are renamed into
 * place, which would replace a device or a pipe. Complains where it may not. */
bool may_replace(const char *path);

/* Whether writing a file would not destroy an input, by whatever names; complains, naming both,
 * where it would. */
bool spares_input(const char *output, const char *input);

/* Success, unless what was printed could not be written. */
int finish_output(void);

/* A number of JSON; null where it is not finite. */
json_t *json_figure(double value);

/* Print an object and a line end, and release it. Returns the exit code. */
int print_json(json_t *object);

/* One aligned line "label   text". */
void print_fact(const char *label, const char *format, ...) CLI_PRINTF(2, 3);

#endif
