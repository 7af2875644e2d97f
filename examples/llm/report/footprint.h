/* SPDX-License-Identifier: MIT */
/* What a model takes on disk. */
#ifndef EXAMPLES_LLM_REPORT_FOOTPRINT_H
#define EXAMPLES_LLM_REPORT_FOOTPRINT_H

#include "llm/model/checkpoint.h"
#include "llm/model/restore.h"

struct footprint {
    uint64_t archive_bytes;   /* the whole file; 0 where there is no archive */
    uint64_t layers;          /* in the archive */
    uint64_t weights;         /* in these */
    uint64_t untouched;       /* the model's tensors that are as in the checkpoint */
    uint64_t untouched_bytes; /* of these, as they are stored there */
    uint64_t parameters;      /* of the model; a tied head is none of its own */
};

/* Of a model in its checkpoint; unless restored is NULL, with an archive in place of tensors. A
 * tensor of which only some layers are in the archive counts as replaced. */
bool footprint_measure(struct footprint *footprint, const struct checkpoint *checkpoint,
                       const struct restored *restored, struct failure *failure);

/* Bits per weight of the archive's layers; 0 where there is none. */
double footprint_layer_bits(const struct footprint *footprint);

/* Bits per parameter of the whole model. */
double footprint_whole_bits(const struct footprint *footprint);

#endif
