/* SPDX-License-Identifier: MIT */
/* What a squared error at the output of a layer costs the whole model.
 *
 * One layer at a time is made coarser, and the rest of the model runs on a sample of text. The
 * divergence of its predictions from the original's, in bits per token, divided by the distortion
 * a n D of the layer is its sensitivity. This takes the divergence as quadratic in the error, and
 * the errors of different layers as independent, so that divergences add up: both are good where
 * errors are small. A single error of the kind that quantization makes stands for all; the tokens
 * and the outputs of the layer, of which there are many, average over its noise.
 *
 * Models whose blocks have experts are not probed: they have too many layers. */
#ifndef EXAMPLES_LLM_WATERSIC_SENSITIVITY_H
#define EXAMPLES_LLM_WATERSIC_SENSITIVITY_H

#include <stdint.h>

#include "common/tokens.h"
#include "llm/model/forward.h"

/* Goes through the original model, with one block of it in memory. */
struct sensitivity_probe {
    const struct model *model;
    const struct tokens *tokens;
    struct forward forward;
    float *reference; /* last states */
    size_t number;    /* of the present block */
    struct block block;
    float *entry;                 /* states where it begins */
    float *changed[LINEAR_KINDS]; /* states behind it with one of its layers changed; NULL: not */
};

/* Memory that a probe holds, and what measuring takes beyond that. */
uint64_t sensitivity_held(const struct config *config, size_t window, size_t tokens);
uint64_t sensitivity_passing(const struct config *config, size_t tokens);

/* Tokens are borrowed. End it also if this fails. */
bool sensitivity_begin(struct sensitivity_probe *probe, const struct model *model,
                       const struct tokens *tokens, size_t window, struct failure *failure);
void sensitivity_end(struct sensitivity_probe *probe);

/* See what the present block does with other weights for one layer. */
bool sensitivity_change(struct sensitivity_probe *probe, enum linear_kind kind, float *weights,
                        struct failure *failure);

/* The divergences, in bits per token, that the changes to the present block cause, one for every
 * layer; 0 for those not changed. The next block is the present one then. */
bool sensitivity_measure(struct sensitivity_probe *probe, double divergences[LINEAR_KINDS],
                         struct failure *failure);

#endif
