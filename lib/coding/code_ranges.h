/* SPDX-License-Identifier: MIT */
/* What each code is to the coder, as tables that are made once for all streams of a plan. */
#ifndef WSIC_CODING_CODE_RANGES_H
#define WSIC_CODING_CODE_RANGES_H

#include "coding/codes_plan.h"

/* The range of a symbol: its start, and its frequency from bit 16 on. That of an escape is marked
 * by a bit between both. */
enum {
    WSIC_RANGE_ESCAPE = 1 << 15,
    WSIC_RANGE_START = WSIC_MODEL_TOTAL - 1,
    WSIC_RANGE_SHIFT = 16
};

/* For each combination of a form and a class index, as plan->model_at has them: the ranges of the
 * form's symbols, one context after the other. All high parts that the model lacks are escapes. */
typedef struct wsic_code_ranges {
    uint32_t *range;
    uint32_t *at; /* where those of a combination begin */
} wsic_code_ranges;

wsic_status wsic_code_ranges_make(const wsic_env *env, const wsic_code_plan *plan,
                                  wsic_code_ranges *ranges);
void wsic_code_ranges_release(const wsic_env *env, wsic_code_ranges *ranges);

/* The combination of a group's form and a class index. */
static inline size_t wsic_code_plan_combination(const wsic_code_plan *plan, size_t group,
                                                size_t class_index)
{
    return plan->form_rank[plan->form[group]] * (size_t)plan->classes + class_index;
}

#endif
