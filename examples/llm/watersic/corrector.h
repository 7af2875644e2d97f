/* SPDX-License-Identifier: MIT */
/* Drafts of a layer at several rates, for the correction of its slopes. */
#ifndef EXAMPLES_LLM_WATERSIC_CORRECTOR_H
#define EXAMPLES_LLM_WATERSIC_CORRECTOR_H

#include "llm/watersic/draft.h"

struct corrector {
    struct drafter drafter; /* at the rate that is aimed at, and below it */
    bool drafts;            /* false: there is no drafter, and nothing is corrected */
};

bool corrector_create(struct corrector *corrector, wsic_context *context, double rate,
                      struct failure *failure);
void corrector_destroy(struct corrector *corrector);

/* What drafts of a layer say beside its plan. */
struct corrections {
    struct correction *slope; /* of what a bit is worth */
    struct correction *level; /* of the error itself */
};

/* The problem is made of the task, which is left as it is; weights is room for a draft. */
bool corrector_measure(struct corrector *corrector, const struct layer_task *task,
                       wsic_problem *problem, float *weights, struct corrections corrections,
                       struct failure *failure);

#endif
