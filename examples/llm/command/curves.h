/* SPDX-License-Identifier: MIT */
/* What models lose at every size, as a drawing: a curve for each method. */
#ifndef EXAMPLES_LLM_COMMAND_CURVES_H
#define EXAMPLES_LLM_COMMAND_CURVES_H

#include "common/plot.h"
#include "llm/report/evaluate.h"

enum { CURVES_NAME_SIZE = 48 };

struct curves {
    struct plot divergence;
    struct plot perplexity;
    char names[PLOT_MAX_LINES][CURVES_NAME_SIZE]; /* of the lines of divergence */
    char subtitle[160];
};

/* model: what the drawing says of it, such as its architecture. */
void curves_begin(struct curves *curves, const char *model, const char *text);

/* A model of so many bits per weight. A divergence that a logarithmic axis does not have is left
 * out. There are at most PLOT_MAX_LINES - 1 methods. */
void curves_add(struct curves *curves, const char *method, double bits,
                const struct evaluation *evaluation);

/* Write the file: perplexity beside that of the original model, and divergence below it unless it
 * is zero everywhere. */
bool curves_write(struct curves *curves, double original_perplexity, const char *path,
                  struct failure *failure);

#endif
