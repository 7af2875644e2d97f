/* SPDX-License-Identifier: MIT */
/* Quantizing a model layer by layer, each on statistics of the model as quantized so far. */
#ifndef EXAMPLES_LLM_RUN_PIPELINE_H
#define EXAMPLES_LLM_RUN_PIPELINE_H

#include <stddef.h>
#include <watersic/watersic.h>

#include "common/meter.h"
#include "common/tokens.h"
#include "llm/model/model.h"
#include "llm/run/recipe.h"
#include "llm/run/stream.h"

struct gatherer;
struct outputs;
struct mixing_result;

/* A layer whose turn it is. */
struct layer_task {
    const char *name;
    size_t number;              /* counted from 0 over the whole model */
    struct linear *linear;      /* its weights are to be replaced by their reconstruction */
    const wsic_stats *stats;    /* of its input; NULL if the recipe asks for none. With drift or
                                   residual they hold pairs. */
    const wsic_stats *weighted; /* the same over weighted tokens; NULL for none */
    struct mix mix;             /* of stats and weighted; 0 and 0 but for query, key and value */
    const struct mixing_result *mixing; /* how mix was found; NULL if it was not searched */
    const struct exclusion *exclusion;  /* what is kept out of it; NULL: nothing */
};

/* Quantize one layer. All methods that are compared differ in this function alone. */
typedef bool layer_function(void *self, const struct layer_task *task, struct failure *failure);

/* Quantize one layer on trial. The scale is 0 before the first draft of a layer, and belongs to the
 * function: what the first one finds for the rate serves the others. */
typedef bool draft_function(void *self, const struct layer_task *task, double *scale,
                            struct failure *failure);

/* For the search of mixtures (mixing.h). */
struct drafts {
    draft_function *make;
    void *self;
    size_t steps;  /* of each golden section */
    size_t sample; /* most tokens on which a draft is judged */
};

/* Use the states that the last block leaves, before they go. */
typedef bool end_function(void *self, struct gatherer *gatherer, struct failure *failure);

struct pipeline_end {
    end_function *use;
    void *self;
};

/* Sensitivities of all layers that serve several runs on one model and text. */
struct known_sensitivities {
    double *values; /* by number; set by the first run that needs them */
    bool known;
};

/* What a model is calibrated on. */
struct calibration {
    const struct tokens *tokens;
    size_t window; /* tokens that see each other */
    const struct recipe *recipe;
    bool low_memory; /* keep the states alone, and compute twice what else could be kept */
    const struct drafts *drafts; /* NULL if the recipe does not search mixtures */
    const bool *taken;     /* by number: layers that are made already, for which nothing has to be
                              gathered; NULL for none */
    const char *directory; /* for what serves the next run as well; NULL for none */
    struct known_sensitivities *sensitivities; /* NULL: they are not kept in memory */
    struct outputs *outputs; /* what outputs are worth, known or to be collected; NULL: as nothing
                                is known before, nor kept for other runs */
    bool silent;             /* nothing is said of experts that no token reaches */
    const struct pipeline_end *end; /* NULL if nothing looks at what the last block leaves; the
                                       recipe has statistics */
};

/* Where the run stands in a longer one, for the progress line. */
struct stretch {
    struct meter *meter;
    const char *label;
    double from;
    double to;
};

/* What the states of a run are of. */
struct stream_text pipeline_text(const struct calibration *calibration);

/* Call quantize for every linear layer in model order, but for those that are skipped. Query, key
 * and value share the statistics of their input, and so do gate and up.
 *
 * The original weights are loaded from the model's checkpoint, one block at a time. If the model's
 * blocks are in memory, each is replaced by the quantized one when that is finished. */
bool pipeline_run(struct model *model, const struct calibration *calibration,
                  const struct stretch *stretch, wsic_context *context, layer_function *quantize,
                  void *self, struct failure *failure);

#endif
