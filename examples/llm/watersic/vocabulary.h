/* SPDX-License-Identifier: MIT */
/* Embedding and head, where they are quantized too.
 *
 * The embedding comes before all layers, so that these make up for its error: they see its rows as
 * they are restored, beside the original ones. The head comes last, fitted to what the quantized
 * model gives to it. A matrix that is both is quantized as an embedding.
 *
 * A row matters as often as its token occurs: in an embedding it is looked up, in a head it takes
 * its part of the probability. What errors of columns cost is told by the gradients at the states
 * of the first block, and by the moments of the head's input. Weights w_r of rows turn into factors
 * √w_r on them, undone by their stored scales. Powers of two serve as factors, since scales can
 * hold them without rounding. */
#ifndef EXAMPLES_LLM_WATERSIC_VOCABULARY_H
#define EXAMPLES_LLM_WATERSIC_VOCABULARY_H

#include "llm/run/gather.h"
#include "llm/watersic/watersic_method.h"

struct vocabulary {
    struct vocabulary_rates rates;
    struct method_settings settings; /* but for the rate */
    bool limit;
    wsic_context *context;
    wsic_archive_writer *writer;
    struct stages *stages; /* of the run; may be NULL */
    struct model *model;
    const struct calibration *calibration;
    struct layer_result *results; /* room for two; the first is that of the embedding, if any */
    size_t count;                 /* of results so far */
};

/* Refuses rates that the model has no matrix for. */
bool vocabulary_check(const struct vocabulary_rates *rates, const struct config *config,
                      struct failure *failure);

/* Number of matrices that are quantized, and of weights in them. */
size_t vocabulary_layers(const struct vocabulary_rates *rates);
size_t vocabulary_weights(const struct vocabulary_rates *rates, const struct config *config);

/* Whether there is an embedding to be quantized that the writer does not have, and whose rows and
 * columns count by what they are worth. */
bool vocabulary_wants_embedding(const struct vocabulary *vocabulary);

/* Quantize the embedding, if it is to be, and leave what becomes of it in the model. One that the
 * writer has already is taken from there. The outputs of the calibration, if it has any, must have
 * been collected where vocabulary_wants_embedding(). */
bool vocabulary_quantize_embedding(struct vocabulary *vocabulary, struct failure *failure);

/* Quantize the head, if it is to be, when all blocks are done. A pipeline_end; self is a struct
 * vocabulary. */
bool vocabulary_quantize_head(void *self, struct gatherer *gatherer, struct failure *failure);

/* Whether there is a head to be quantized that the writer does not have; and where it has, note
 * what became of it. */
bool vocabulary_wants_head(const struct vocabulary *vocabulary);
bool vocabulary_note_head(struct vocabulary *vocabulary, struct failure *failure);

#endif
