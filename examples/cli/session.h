/* SPDX-License-Identifier: MIT */
/* The library's context as a program uses it: threads, progress bar, log lines, and an
 * interrupt that cancels cleanly. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <watersic/watersic.h>

/* Options that every command with work to do takes. */
typedef struct session_options {
    int32_t threads;
    bool verbose;
} session_options;

#define SESSION_OPTIONS(options)                                                                   \
    {"threads", 't', OPTION_COUNT, &(options).threads, "N", "threads; 0, the default: all"},       \
    {                                                                                              \
        "verbose", 0, OPTION_FLAG, &(options).verbose, NULL, "tell what is decided on the way"     \
    }

/* Create a context; *out is NULL on failure. Returns the exit code. One session at a
 * time: interrupts go to it. */
int session_open(const session_options *options, wsic_context **out);

/* The same for commands that compute with BLAS: they end with a message where it gets no memory. */
int session_open_for_blas(const session_options *options, wsic_context **out);

void session_close(wsic_context *context);

#endif
