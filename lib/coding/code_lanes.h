/* SPDX-License-Identifier: MIT */
/* Walking the codes of a plan by columns and strips of rows: which symbol of which model each is.
 * Symbols are numbered through all models: those of a combination of form and class index begin at
 * plan->symbol_at, one context after the other. */
#ifndef WSIC_CODING_CODE_LANES_H
#define WSIC_CODING_CODE_LANES_H

#include "coding/codes_plan.h"

enum {
    WSIC_LANE_STRIP = 128 /* rows that are looked at together: they stay in the nearest cache */
};

/* Some rows of a coded column. */
typedef struct wsic_lane_rows {
    size_t rows;
    wsic_form form;
    uint32_t at[WSIC_LANE_STRIP];     /* where the symbols of the row's class begin */
    uint32_t symbol[WSIC_LANE_STRIP]; /* of each code, counted from there */
    bool beyond; /* there are codes for which the form has no symbol: 0, or that of a context */
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

/* Take rows from number `first` on, at most WSIC_LANE_STRIP, of coded column k. `again` says that
 * the lane has the same rows of the column before k. */
void wsic_lane_take(const wsic_code_plan *plan, size_t k, size_t first, size_t rows, bool again,
                    wsic_lane_rows *lane);

/* The model and the high part of the code of a coded column and a coded row. */
typedef struct wsic_planned_code {
    size_t model;
    int32_t high;
} wsic_planned_code;

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row);

#endif
