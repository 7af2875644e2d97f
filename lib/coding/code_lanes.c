/* SPDX-License-Identifier: MIT */
#include "coding/code_lanes.h"

enum { AHEAD = 4 /* columns that are asked for before they are taken */ };

static void find_octet(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                       uint32_t *at)
{
    const uint32_t *const of_form =
        plan->symbol_at + wsic_code_plan_combination(plan, k >> plan->lanes_log, 0);
    const int32_t octet_class = plan->octet_class[k >> plan->octet_log];

    for (size_t i = 0; i < rows; i++)
        at[i] = of_form[wsic_class_index(octet_class + plan->row_class[first + i], plan->classes)];
}

/* The symbols of codes. Those of tokens count on from the symbols of the contexts before their own.
 * Inlined for both, with low bits and without. */
static inline void find_symbols(wsic_lane_rows *lane, const int32_t *data, wsic_form form,
                                bool tokens)
{
    const uint32_t symbols = 1U << form.symbols_log;
    uint32_t beyond = 0;

    for (size_t i = 0; i < lane->rows; i++) {
        const int32_t code = tokens ? wsic_token_index(data[i]) : data[i];
        const int32_t high = form.shift == 0 ? code : wsic_high_part(code, form.shift);
        const uint32_t symbol = (uint32_t)high + symbols / 2;
        const uint32_t known = symbol < symbols ? symbol : 0;
        const uint32_t context = tokens ? wsic_form_context(&form, wsic_token_context(data[i])) : 0;
        lane->symbol[i] = context << form.symbols_log | known;
        beyond |= known == 0;
    }
    lane->beyond = beyond != 0;
}

/* Ask for the rows of a column that will be taken soon: columns follow each other in any order, and
 * their strips are too short for processors to see what comes next. */
static void fetch(const wsic_code_plan *plan, size_t k, size_t first, size_t rows)
{
#if defined(__GNUC__)
    enum { LINE = 64 };
    if (k >= plan->live_columns || !plan->data.narrow)
        return;
    const int16_t *const strip = plan->data.narrow + plan->place[k] * plan->data.rows + first;
    for (size_t i = 0; i < rows; i += LINE / sizeof *strip)
        __builtin_prefetch(strip + i);
#else
    (void)plan, (void)k, (void)first, (void)rows;
#endif
}

void wsic_lane_take(const wsic_code_plan *plan, size_t k, size_t first, size_t rows, bool again,
                    wsic_lane_rows *lane)
{
    const wsic_form form = wsic_code_plan_form(plan, k >> plan->lanes_log);
    const wsic_form whole = {form.contexts_log, form.symbols_log, 0};
    int32_t data[WSIC_LANE_STRIP];

    lane->rows = rows;
    lane->form = form;
    if (!again || k % ((size_t)1 << plan->octet_log) == 0)
        find_octet(plan, k, first, rows, lane->at);
    wsic_codes_data_get(&plan->data, plan->place[k], first, rows, data);
    fetch(plan, k + AHEAD, first, rows);
    if (plan->is_trellis && form.shift == 0)
        find_symbols(lane, data, whole, true);
    else if (plan->is_trellis)
        find_symbols(lane, data, form, true);
    else if (form.shift == 0)
        find_symbols(lane, data, whole, false);
    else
        find_symbols(lane, data, form, false);
}

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row)
{
    const size_t group = k >> plan->lanes_log;
    const wsic_form form = wsic_code_plan_form(plan, group);
    int32_t datum;

    wsic_codes_data_get(&plan->data, plan->place[k], row, 1, &datum);
    const int32_t sum = plan->octet_class[k >> plan->octet_log] + plan->row_class[row];
    const size_t class_index = wsic_class_index(sum, plan->classes);
    const size_t model = plan->model_at[wsic_code_plan_combination(plan, group, class_index)];

    if (!plan->is_trellis)
        return (wsic_planned_code){model, wsic_high_part(datum, form.shift)};
    return (wsic_planned_code){model + wsic_form_context(&form, wsic_token_context(datum)),
                               wsic_high_part(wsic_token_index(datum), form.shift)};
}
