/* SPDX-License-Identifier: MIT */
/* What errors at both ends of a model are worth, beside those of its layers (outputs.h).
 *
 * Rows of an embedding are looked up: an error of one moves the states where the first block
 * begins, of which G is n × n. Of a head the logits are the outputs, with G = E (diag(p) - p pᵀ),
 * and its diagonal is kept: errors of many tokens hardly make up for each other, and G would have
 * the square of the vocabulary. */
#ifndef EXAMPLES_LLM_WATERSIC_OUTPUTS_ENDS_H
#define EXAMPLES_LLM_WATERSIC_OUTPUTS_ENDS_H

#include "llm/watersic/outputs.h"

/* Keep in the directory, if there is one, what has been collected of either. */
bool outputs_keep_entry(struct outputs *outputs, struct failure *failure);
bool outputs_keep_readout(struct outputs *outputs, struct failure *failure);

/* Whether an earlier run has kept it; the readout is then taken over. */
bool outputs_find_entry(const struct outputs *outputs);
bool outputs_find_readout(struct outputs *outputs);

/* G of the states where the first block begins: hidden × hidden, all of it. */
bool outputs_read_entry(struct outputs *outputs, double *moments, struct failure *failure);

#endif
