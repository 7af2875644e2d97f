/* SPDX-License-Identifier: MIT */
/* A text on its way through the original model and through what an archive makes of it, one block
 * after the other, and what every layer loses on the way. */
#ifndef EXAMPLES_LLM_REPORT_PAIR_H
#define EXAMPLES_LLM_REPORT_PAIR_H

#include "common/meter.h"
#include "common/tokens.h"
#include "llm/model/restore.h"

/* Sums over the tokens of a text; x is the input of a layer in the original model, x̂ in the
 * restored one. */
struct layer_error {
    wsic_layer_info info;
    double input_energy;  /* ‖x‖² */
    double input_error;   /* ‖x-x̂‖² */
    double output_energy; /* ‖W x‖² */
    double output_error;  /* ‖W x - Ŵ x̂‖² */
};

/* ‖x-x̂‖² / ‖x‖² and ‖W x - Ŵ x̂‖² / ‖W x‖²; 0 where nothing comes in or out. */
double pair_input_error(const struct layer_error *error);
double pair_output_error(const struct layer_error *error);

/* The last hidden states (input of the head) of all tokens in both models. */
struct pair {
    float *original;
    float *restored;
    struct layer_error *errors; /* of all linear layers in the order of the model; may be NULL */
};

/* Fill original and restored, and errors if layers is set. The text is cut into windows that do not
 * see each other. Release with pair_free(), also after a failure. meter, which may be NULL, shows
 * how far it is. */
bool pair_run(struct pair *pair, struct restored *restored, const struct tokens *tokens,
              size_t window, bool layers, struct meter *meter, struct failure *failure);
void pair_free(struct pair *pair);

#endif
