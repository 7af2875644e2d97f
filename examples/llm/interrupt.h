/* SPDX-License-Identifier: MIT */
/* An interrupt from the keyboard ends a run in order, so that no unfinished file is left. */
#ifndef EXAMPLES_LLM_INTERRUPT_H
#define EXAMPLES_LLM_INTERRUPT_H

#include <stdbool.h>
#include <watersic/watersic.h>

#include "common/failure.h"

/* From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, stop the library call that runs
 * on the context, and make interrupt_pending() true; SIGXFSZ does nothing, so that writing fails
 * instead. Call with NULL before the context is destroyed. */
void interrupt_watch(wsic_context *context);

bool interrupt_pending(void);

/* Refuse to go on if an interrupt is pending. Whatever goes over a text or a model without the
 * library must ask this often: the signal does not end the process any more. */
bool interrupt_none(struct failure *failure);

#endif
