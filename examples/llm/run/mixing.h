/* SPDX-License-Identifier: MIT */
/* Search of the mixture that query, key and value of a block are fitted to.
 *
 * What a mixture is worth is seen where the three meet: in the mix of attention, the input of the
 * output projection. Drafts of the three layers are put into the quantized model; the relative
 * squared error of its mix against the original model's,
 *
 *     Σ‖mix of the draft - mix of the original‖² / Σ‖mix of the original‖²,
 *
 * over a sample of windows is to be small. First the part of the clean input is searched, from 0 to
 * 1 with tokens unweighted, by golden section; then, with the best of those, the part of the
 * weighted tokens. That is searched on a logarithmic scale from 1/256 to 1, so that small parts are
 * told apart (0 is known by then). The mixture of the recipe is tried as well, so that what is
 * found is never worse than it in this measure. */
#ifndef EXAMPLES_LLM_RUN_MIXING_H
#define EXAMPLES_LLM_RUN_MIXING_H

#include "llm/run/gather.h"
#include "llm/run/pipeline.h"

enum { MIXED_LAYERS = LINEAR_V + 1 };

struct mixing_result {
    struct mix mix;
    double error;       /* with it */
    double fixed_error; /* with the mixture of the recipe */
    size_t drafts;      /* mixtures that were tried */
};

/* The text has been passed up to the input of query, key and value of this block, none of whose
 * layers is quantized yet. The tasks are those of the three layers; their mixture is that of the
 * recipe. */
bool mixing_search(const struct drafts *drafts, const struct gatherer *gatherer,
                   const struct pair_of_blocks *blocks, const struct layer_task tasks[MIXED_LAYERS],
                   struct mixing_result *result, struct failure *failure);

#endif
