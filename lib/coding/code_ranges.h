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

/* The ranges of all plan->symbols symbols, as code_symbols.h numbers them. All high parts that a
 * model lacks are escapes. NULL if there is no memory. */
uint32_t *wsic_code_ranges(const wsic_env *env, const wsic_code_plan *plan, wsic_status *status);

#endif
