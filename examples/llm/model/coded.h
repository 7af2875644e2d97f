/* SPDX-License-Identifier: MIT */
/* Weights of coded tensors (common/coded_tensors.h). */
#ifndef EXAMPLES_LLM_MODEL_CODED_H
#define EXAMPLES_LLM_MODEL_CODED_H

#include <watersic/watersic.h>

#include "common/safetensors.h"

/* A walk over the layers of a coded tensor, from its first rows to its last. */
struct coded_walk {
    const struct tensor *tensor;
    wsic_context *context;
    size_t next;   /* layer */
    size_t offset; /* of its bytes */
    size_t rows;   /* before it */
};

struct coded_walk coded_walk(const struct tensor *tensor, wsic_context *context);

/* The next layer, on its bytes in the file; the caller destroys it. *layer is NULL behind the last,
 * and on failure. Layers that do not make up the tensor are refused. */
bool coded_next(struct coded_walk *walk, wsic_layer **layer, struct failure *failure);

/* Weights of some rows as floats, in the tensor's order. Only they are decoded. */
bool coded_read_f32(const struct tensor *tensor, wsic_context *context, size_t first, size_t count,
                    float *out, struct failure *failure);

#endif
