/* SPDX-License-Identifier: MIT */
#include "coding/code_lanes.h"

static void find_octet(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                       uint32_t *at)
{
    const uint32_t *const of_form =
        plan->symbol_at + wsic_code_plan_combination(plan, k >> plan->lanes_log, 0);
    const int32_t octet_class = plan->octet_class[k >> plan->octet_log];

    for (size_t i = 0; i < rows; i++)
        at[i] = of_form[wsic_class_index(octet_class + plan->row_class[first + i], plan->classes)];
}

wsic_lane_rows wsic_code_lane_rows(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                                   bool again, uint32_t *at)
{
    if (!again || k % ((size_t)1 << plan->octet_log) == 0)
        find_octet(plan, k, first, rows, at);
    return (wsic_lane_rows){.column = plan->data + plan->column[k] * plan->matrix->rows,
                            .row = plan->row + first,
                            .at = at,
                            .rows = rows,
                            .form = wsic_code_plan_form(plan, k >> plan->lanes_log)};
}

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row)
{
    const size_t group = k >> plan->lanes_log;
    const wsic_form form = wsic_code_plan_form(plan, group);
    const int32_t datum = plan->data[plan->column[k] * plan->matrix->rows + plan->row[row]];
    const int32_t sum = plan->octet_class[k >> plan->octet_log] + plan->row_class[row];
    const size_t class_index = wsic_class_index(sum, plan->classes);
    const size_t model = plan->model_at[wsic_code_plan_combination(plan, group, class_index)];

    if (!plan->is_trellis)
        return (wsic_planned_code){model, wsic_high_part(datum, form.shift)};
    return (wsic_planned_code){model + wsic_form_context(&form, wsic_token_context(datum)),
                               wsic_high_part(wsic_token_index(datum), form.shift)};
}
