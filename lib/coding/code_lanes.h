/* SPDX-License-Identifier: MIT */
/* Walking the codes of a plan by columns and strips of rows: which symbol of which model each is.
 * Symbols are numbered through all models: those of a combination of form and class index begin at
 * plan->symbol_at, one context after the other. */
#ifndef WSIC_CODING_CODE_LANES_H
#define WSIC_CODING_CODE_LANES_H

#include "coding/codes_plan.h"

enum {
    WSIC_LANE_STRIP = 64 /* rows that are looked at together: they stay in the nearest cache */
};

/* Some rows of a coded column. */
typedef struct wsic_lane_rows {
    const int32_t *column;
    const uint32_t *row; /* numbers of the rows in the column */
    const uint32_t *at;  /* by row: where the symbols of its class begin */
    size_t rows;
    wsic_form form;
} wsic_lane_rows;

static inline wsic_form wsic_code_plan_form(const wsic_code_plan *plan, size_t group)
{
    return wsic_form_make(plan->form[group], plan->is_trellis);
}

/* The combination of a group's form and a class index. */
static inline size_t wsic_code_plan_combination(const wsic_code_plan *plan, size_t group,
                                                size_t class_index)
{
    return plan->form_rank[plan->form[group]] * (size_t)plan->classes + class_index;
}

/* Rows from number `first` on, at most WSIC_LANE_STRIP, of coded column k. `at` is room for as many
 * numbers, and has those of the column before if this column is in the same octet and `again`. */
wsic_lane_rows wsic_code_lane_rows(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                                   bool again, uint32_t *at);

/* The symbol of a code, or of a token behind those of the contexts before its own. 0 in either case
 * if the form has no symbol for it. */
static inline uint32_t wsic_lane_symbol(int32_t datum, wsic_form form, bool tokens)
{
    const int32_t code = tokens ? wsic_token_index(datum) : datum;
    const int32_t high = form.shift == 0 ? code : wsic_high_part(code, form.shift);
    const uint32_t symbols = 1U << form.symbols_log;
    const uint32_t symbol = (uint32_t)high + symbols / 2;
    const uint32_t known = symbol < symbols ? symbol : 0;

    return tokens ? wsic_form_context(&form, wsic_token_context(datum)) << form.symbols_log | known
                  : known;
}

/* The form without low bits: to compile a loop for those alone. */
static inline wsic_form wsic_form_unshifted(wsic_form form)
{
    return (wsic_form){form.contexts_log, form.symbols_log, 0};
}

/* The model and the high part of the code of a coded column and a coded row. */
typedef struct wsic_planned_code {
    size_t model;
    int32_t high;
} wsic_planned_code;

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row);

#endif
