/* SPDX-License-Identifier: MIT */
/* An interrupt from the keyboard ends a run in order, so that no unfinished file is left; a second
 * one ends it at once. */
#ifndef EXAMPLES_COMMON_INTERRUPT_H
#define EXAMPLES_COMMON_INTERRUPT_H

#include <stdbool.h>
#include <watersic/watersic.h>

#include "common/failure.h"

/* From now on the first SIGINT, SIGTERM or SIGHUP, unless they are ignored, stops all library calls
 * on the context, and makes interrupt_pending() true; reads that wait end with EINTR. A
 * SIGINT or SIGTERM after the first signal ends the process. SIGXFSZ does nothing, so that writing
 * fails with EFBIG instead. Call with NULL before the context is destroyed. */
void interrupt_watch(wsic_context *context);

/* The number of the first signal; 0 if there was none. */
int interrupt_signal(void);

bool interrupt_pending(void);

/* Refuse to go on if an interrupt is pending. Whatever goes over a text or a model without the
 * library must ask this often: the first signal does not end the process any more. */
bool interrupt_none(struct failure *failure);

#endif
