/* SPDX-License-Identifier: MIT */
/* What a quantization will need, from the shapes of the model alone. */
#ifndef EXAMPLES_LLM_WATERSIC_ESTIMATE_H
#define EXAMPLES_LLM_WATERSIC_ESTIMATE_H

#include <stdint.h>
#include <watersic/watersic.h>

#include "llm/run/pipeline.h"
#include "llm/watersic/vocabulary.h"

/* Bytes that are in memory at once. */
struct memory_estimate {
    uint64_t program;    /* with its libraries, the buffers of BLAS, and gaps between blocks */
    uint64_t tables;     /* embedding and head, where they are quantized */
    uint64_t blocks;     /* weights of the present block, and its original ones */
    uint64_t states;     /* of all tokens */
    uint64_t passing;    /* of a batch of tokens */
    uint64_t statistics; /* of the input that needs most, with encoding */
    uint64_t encoding;   /* of the matrix there that needs most */
    uint64_t outputs;    /* what outputs are worth; 0 if it is not asked for */
    uint64_t run;        /* all of these together */
    uint64_t collecting; /* beforehand, for what outputs are worth; 0 for none */
    uint64_t planning;   /* beforehand, for the plan waterfill; 0 for none */
    uint64_t total;      /* the largest of the three */
    uint64_t dead;       /* more than that, if inputs are dead */
};

/* How often the text is gone over. */
struct pass_estimate {
    size_t streams;   /* models whose states are kept: the quantized one, and the original one */
    size_t passes;    /* over the text, all streams at once */
    size_t attention; /* computed for all of the text, all streams counted */
    size_t planning;  /* passes over a sample, for the plan */
    size_t planning_tokens; /* most tokens of that sample */
    size_t outputs_tokens;  /* of the sample that goes forward and back; 0 if none does */
};

/* The context is that of the encoder. */
bool estimate_memory(struct memory_estimate *estimate, const struct config *config,
                     const struct calibration *calibration, wsic_context *context,
                     wsic_encoder *encoder, struct failure *failure);

/* Embedding and head come on top, after the rest has been estimated. They are in memory from the
 * time that they are quantized. */
bool estimate_vocabulary(struct memory_estimate *estimate, const struct config *config,
                         const struct vocabulary_rates *rates, wsic_encoder *encoder,
                         struct failure *failure);

struct pass_estimate estimate_passes(const struct config *config,
                                     const struct calibration *calibration,
                                     const struct vocabulary_rates *rates);

#endif
