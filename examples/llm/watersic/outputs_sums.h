/* SPDX-License-Identifier: MIT */
/* Sums over the tokens of a pass, of which what outputs are worth (outputs.h, outputs_ends.h) is
 * the mean: of the derivatives by the outputs of a layer, and by the states where the first block
 * begins. */
#ifndef EXAMPLES_LLM_WATERSIC_OUTPUTS_SUMS_H
#define EXAMPLES_LLM_WATERSIC_OUTPUTS_SUMS_H

#include "llm/watersic/outputs.h"

/* Begin with nothing for a layer. */
bool outputs_begin_layer(struct outputs *outputs, size_t number, struct failure *failure);

/* Add derivatives u: count × rows, of which the first `own` are of tokens that the layer computes
 * (backward.h). A layer that was not begun has none. */
bool outputs_add_layer(struct outputs *outputs, size_t number, const float *u, size_t count,
                       size_t own, struct failure *failure);

/* From sums over what was seen to means over all `tokens`. Derivatives that are not finite are
 * refused. */
bool outputs_finish_layer(struct outputs *outputs, size_t number, size_t tokens,
                          struct failure *failure);

/* The same for the states that the embedding gives; derivatives are count × hidden. */
bool outputs_begin_entry(struct outputs *outputs, struct failure *failure);
bool outputs_add_entry(struct outputs *outputs, const float *derivatives, size_t count,
                       struct failure *failure);

#endif
