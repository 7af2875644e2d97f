/* SPDX-License-Identifier: MIT */
/* The command line of watersic-llm-mpi: some options of watersic-llm, and one of its own. */
#ifndef EXAMPLES_MPI_MODEL_ARGUMENTS_H
#define EXAMPLES_MPI_MODEL_ARGUMENTS_H

#include "llm/command/options.h"

struct arguments {
    struct options options;
    size_t shards; /* of the text, as wanted */
};

extern const char arguments_help[];

/* On failure the text tells what is wrong. The help may be asked for instead. */
bool arguments_parse(struct arguments *arguments, int count, char **values,
                     struct failure *failure);

#endif
