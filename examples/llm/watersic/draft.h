/* SPDX-License-Identifier: MIT */
/* Drafts of layers by the library: quick quantizations on trial. */
#ifndef EXAMPLES_LLM_WATERSIC_DRAFT_H
#define EXAMPLES_LLM_WATERSIC_DRAFT_H

#include <watersic/watersic.h>

#include "llm/watersic/allocation.h"
#include "llm/run/pipeline.h"

/* What drafts are made with: scalar codes with a ridge, the simplest of the library and its
 * fastest. A search takes what is best for them; whether that is the best for finer codes is not
 * known. */
struct drafter {
    wsic_context *context;
    wsic_encoder *encoder;
    double rate;                         /* bits per weight */
    const struct allocation *allocation; /* whose rates count instead; NULL for none */
    wsic_layer_info info;                /* of the last draft */
    double distortion;                   /* of it; in the metric of its outputs if they are known */
};

bool drafter_create(struct drafter *drafter, wsic_context *context, double rate, bool rescalers,
                    struct failure *failure);
void drafter_destroy(struct drafter *drafter);

/* A draft_function; self is a struct drafter. Only the first draft of a layer searches the rate.
 * The others take its step times what a plan says of the ratio of the steps that give one rate with
 * the one mixture and with the other: a mixture must not look good for the bits it takes. */
bool draft_layer(void *self, const struct layer_task *task, double *scale, struct failure *failure);

/* A draft of a problem made of the task, with this step, or at the drafter's rate if the step is 0.
 * Leaves the layer as it is; the draft is in weights. */
bool draft_copy(struct drafter *drafter, const struct layer_task *task, wsic_problem *problem,
                float *weights, double step, struct failure *failure);

#endif
