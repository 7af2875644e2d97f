/* SPDX-License-Identifier: MIT */
/* Weights from an archive. */
#ifndef EXAMPLES_LLM_RESTORE_H
#define EXAMPLES_LLM_RESTORE_H

#include <watersic/watersic.h>

#include "llm/model.h"

/* Replace all linear layers of a model by those of an archive, and tell the bits per weight
 * from the archive's size. A layer that is missing, or of another shape, is refused; the model's
 * weights are then of no use. */
bool restore_model(struct model *model, wsic_context *context, const char *path,
                   double *bits_per_weight, struct failure *failure);

#endif
