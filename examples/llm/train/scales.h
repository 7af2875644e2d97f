/* SPDX-License-Identifier: MIT */
/* A quantized layer whose scales change and whose codes do not. */
#ifndef EXAMPLES_LLM_TRAIN_SCALES_H
#define EXAMPLES_LLM_TRAIN_SCALES_H

#include <watersic/watersic.h>

#include "llm/model/model.h"

/* Scales of the rows, or of the columns. What is trained is the logarithm of the factor by which a
 * scale differs from the stored one: a scale keeps its sign and never becomes 0, one that is 0
 * stays so, and a step of the same length means the same for large scales and small ones. */
struct scales {
    size_t count;
    int grid;            /* the archive stores powers of 2^(2^-grid); see scales_fixed() */
    const float *stored; /* owned by the layer */
    const double *logs;  /* borrowed */
    float *live;
};

struct scaled_layer {
    wsic_layer *layer;
    void *codes;
    uint32_t dtype; /* of codes: WSIC_I8, WSIC_I16 or WSIC_I32 */
    struct scales rows;
    struct scales columns;
};

/* Take codes and scales from a layer, which is kept (and destroyed in the end). The logarithms,
 * rows + columns of them, lie at logs. On failure the layer is destroyed. */
bool scaled_layer_create(struct scaled_layer *scaled, wsic_layer *layer, const double *logs,
                         struct failure *failure);
void scaled_layer_free(struct scaled_layer *scaled);

/* Whether these scales cannot be trained: all are powers of 2, as where the encoder has found that
 * it does not pay to store scales of the rows, and they could but double or halve. */
bool scales_fixed(const struct scales *scales);

/* Make weights of the codes and of the scales as they are now, rounded to what the archive can
 * store, or as they are. */
void scaled_layer_apply(struct scaled_layer *scaled, bool rounded, const struct linear *linear);

/* The layer with the scales of the last scaled_layer_apply(). */
wsic_status scaled_layer_finish(const struct scaled_layer *scaled, wsic_layer **out);

#endif
