/* SPDX-License-Identifier: MIT */
/* Statistics that another program has written, in one directory. Of a matrix NAME (where it ends
 * with ".weight", also without that):
 *
 *     NAME.wstat             what wsic_stats_save() writes
 *     NAME.covariance.npy    Σ x xᵀ / tokens, inputs × inputs
 *     NAME.npy               inputs of some tokens, tokens × inputs
 *     NAME.0.npy, NAME.1.npy, ...  the same in several batches
 *     *.safetensors          tensors NAME.covariance or NAME.inputs, as in the files above
 *
 * The first that is there counts. */
#ifndef EXAMPLES_LLM_RUN_EXTERNAL_H
#define EXAMPLES_LLM_RUN_EXTERNAL_H

#include <watersic/watersic.h>

#include "common/failure.h"

struct external;

bool external_open(struct external **out, const char *directory, struct failure *failure);
void external_close(struct external *external);

/* Statistics of a matrix with so many columns. What is there in another shape is refused, and so is
 * a matrix of which nothing is there. The caller destroys them. */
bool external_stats(const struct external *external, wsic_context *context, const char *name,
                    size_t columns, wsic_stats **stats, struct failure *failure);

/* What tells whether the statistics of a matrix are what they were (samples.h). Refuses a matrix of
 * which nothing is there. */
bool external_fingerprint(const struct external *external, const char *name, uint64_t *fingerprint,
                          struct failure *failure);

#endif
