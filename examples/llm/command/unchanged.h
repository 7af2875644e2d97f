/* SPDX-License-Identifier: MIT */
/* Whether matrices that an unfinished archive holds are still what they were made of. */
#ifndef EXAMPLES_LLM_COMMAND_UNCHANGED_H
#define EXAMPLES_LLM_COMMAND_UNCHANGED_H

#include <watersic/watersic.h>

#include "llm/run/external.h"
#include "llm/run/matrices.h"

/* What matrices are made of. */
struct ingredients {
    const struct matrices *matrices;
    const struct external *external; /* NULL: none */
    const char *importance;          /* file; NULL: none */
};

/* Refuse a matrix that was taken over if its tensor or its statistics are not those of the run
 * before (samples.h), and write down what they are now. All matrices must have statistics. */
bool unchanged_check(const struct ingredients *ingredients, const bool *taken,
                     wsic_archive_writer *writer, const char *output, struct failure *failure);

#endif
