/* SPDX-License-Identifier: MIT */
/* Which symbol of which model each code of a plan is. Symbols are numbered through all models:
 * those of a combination of form and class index begin at plan->symbol_at, one context after the
 * other. The symbol of a code within its combination is a byte. Eight coded columns are a slice;
 * bytes stand in plan->symbol slice by slice, and within one row by row. */
#ifndef WSIC_CODING_CODE_SYMBOLS_H
#define WSIC_CODING_CODE_SYMBOLS_H

#include "coding/codes_plan.h"
#include "coding/symbol_slice.h"

enum { WSIC_SYMBOL_STRIP = 256 /* rows that are looked at together */ };

static inline wsic_form wsic_code_plan_form(const wsic_code_plan *plan, size_t group)
{
    return wsic_form_make(plan->form[group], plan->is_trellis);
}

/* Columns that a slice has: all but the last one have WSIC_SLICE_COLUMNS. */
static inline size_t wsic_code_plan_slice_columns(const wsic_code_plan *plan, size_t slice)
{
    const size_t left = plan->live_columns - slice * WSIC_SLICE_COLUMNS;
    return left < WSIC_SLICE_COLUMNS ? left : WSIC_SLICE_COLUMNS;
}

/* The symbols of a slice from a row on. */
static inline const uint8_t *wsic_code_plan_symbols(const wsic_code_plan *plan, size_t slice,
                                                    size_t row)
{
    return plan->symbol + (slice * plan->live_rows + row) * WSIC_SLICE_COLUMNS;
}

/* Where the symbols begin that some rows, at most WSIC_SYMBOL_STRIP, have in coded column k. All
 * columns of an octet have the same. */
void wsic_code_plan_starts(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                           uint32_t *starts);

/* The model and the high part of the code of a coded column and a coded row. */
typedef struct wsic_planned_code {
    size_t model;
    int32_t high;
} wsic_planned_code;

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row);

/* Given the forms, find the symbols of all codes. */
wsic_status wsic_code_plan_find_symbols(const wsic_env *env, wsic_code_plan *plan);

#endif
