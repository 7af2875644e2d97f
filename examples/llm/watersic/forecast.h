/* SPDX-License-Identifier: MIT */
/* What a model will be at several sizes, before anything is quantized. */
#ifndef EXAMPLES_LLM_WATERSIC_FORECAST_H
#define EXAMPLES_LLM_WATERSIC_FORECAST_H

#include "llm/watersic/allocation.h"
#include "llm/run/pipeline.h"

/* Of a layer, or of all of them. */
struct forecast_layer {
    double rate;    /* bits per weight, everything counted; 0: it is not in the plan */
    double kl_bits; /* divergence that it will cause, per token */
};

/* At one rate. */
struct forecast {
    struct forecast_layer all;
    struct forecast_layer *layers; /* by number */
    uint64_t bytes;
};

/* The calibration has outputs; the encoder's target is the rate. Layers is room for one entry for
 * every layer of the model. */
bool forecast_make(struct forecast *forecast, struct model *model,
                   const struct calibration *calibration, double rate, wsic_encoder *encoder,
                   const struct stretch *stretch, wsic_context *context, struct failure *failure);

#endif
