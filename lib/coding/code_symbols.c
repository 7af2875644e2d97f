/* SPDX-License-Identifier: MIT */
#include "coding/code_symbols.h"

#include "base/checked.h"
#include "coding/symbol_slice.h"

/* The combination of a group's form and a class index. */
static size_t combination(const wsic_code_plan *plan, size_t group, size_t class_index)
{
    return plan->form_rank[plan->form[group]] * (size_t)plan->classes + class_index;
}

void wsic_code_plan_starts(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                           uint32_t *starts)
{
    const uint32_t *const of_form = plan->symbol_at + combination(plan, k >> plan->lanes_log, 0);
    const int32_t octet_class = plan->octet_class[k >> plan->octet_log];
    const int16_t *const row_class = plan->row_class + first;

    for (size_t i = 0; i < rows; i++)
        starts[i] = of_form[wsic_class_index(octet_class + row_class[i], plan->classes)];
}

wsic_planned_code wsic_code_plan_code(const wsic_code_plan *plan, size_t k, size_t row)
{
    const size_t group = k >> plan->lanes_log;
    const wsic_form form = wsic_code_plan_form(plan, group);
    int32_t datum;

    wsic_codes_data_get(&plan->data, plan->place[k], row, 1, &datum);
    const int32_t sum = plan->octet_class[k >> plan->octet_log] + plan->row_class[row];
    const size_t class_index = wsic_class_index(sum, plan->classes);
    const size_t model = plan->model_at[combination(plan, group, class_index)];

    if (!plan->is_trellis)
        return (wsic_planned_code){model, wsic_high_part(datum, form.shift)};
    return (wsic_planned_code){model + wsic_form_context(&form, wsic_token_context(datum)),
                               wsic_high_part(wsic_token_index(datum), form.shift)};
}

/* --- symbols -------------------------------------------------------------------------- */

typedef struct symbol_job {
    wsic_code_plan *plan;
    wsic_symbol_slice *kernel;
} symbol_job;

static uint8_t find_symbol(const wsic_form *form, bool tokens, int32_t datum)
{
    const uint32_t symbols = 1U << form->symbols_log;
    const int32_t code = tokens ? wsic_token_index(datum) : datum;
    const uint32_t symbol = (uint32_t)wsic_high_part(code, form->shift) + symbols / 2;
    const uint32_t context = tokens ? wsic_form_context(form, wsic_token_context(datum)) : 0;

    return (uint8_t)(context << form->symbols_log | (symbol < symbols ? symbol : 0));
}

/* Codes of any size, rows and columns of any number. */
static bool find_any(const wsic_code_plan *plan, size_t slice, const wsic_form *form, size_t first,
                     size_t rows, uint8_t *symbols)
{
    const size_t columns = wsic_code_plan_slice_columns(plan, slice);
    int32_t data[WSIC_SLICE_ROWS];
    bool beyond = false;

    for (size_t k = 0; k < columns; k++) {
        wsic_codes_data_get(&plan->data, plan->place[slice * WSIC_SLICE_COLUMNS + k], first, rows,
                            data);
        for (size_t i = 0; i < rows; i++) {
            const uint8_t symbol = find_symbol(form, plan->is_trellis, data[i]);
            symbols[i * WSIC_SLICE_COLUMNS + k] = symbol;
            beyond |= symbol % (1U << form->symbols_log) == 0;
        }
    }
    return beyond;
}

static void find_slice(void *data, size_t slice)
{
    const symbol_job *const job = data;
    wsic_code_plan *const plan = job->plan;
    const wsic_form form = wsic_code_plan_form(plan, slice * WSIC_SLICE_COLUMNS >> plan->lanes_log);
    const bool whole =
        plan->data.narrow && wsic_code_plan_slice_columns(plan, slice) == WSIC_SLICE_COLUMNS;
    const int16_t *columns[WSIC_SLICE_COLUMNS];
    bool beyond = false;

    for (size_t first = 0; first < plan->live_rows; first += WSIC_SLICE_ROWS) {
        const size_t rows = wsic_min_size(WSIC_SLICE_ROWS, plan->live_rows - first);
        uint8_t *const symbols =
            plan->symbol + (slice * plan->live_rows + first) * WSIC_SLICE_COLUMNS;
        if (!whole || rows < WSIC_SLICE_ROWS) {
            beyond |= find_any(plan, slice, &form, first, rows, symbols);
            continue;
        }
        for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++)
            columns[k] = plan->data.narrow +
                         plan->place[slice * WSIC_SLICE_COLUMNS + k] * plan->data.rows + first;
        beyond |= job->kernel(columns, &form, plan->is_trellis, symbols);
    }
    plan->beyond[slice] = beyond;
}

wsic_status wsic_code_plan_find_symbols(const wsic_env *env, wsic_code_plan *plan)
{
    const size_t slices = wsic_div_up(plan->live_columns, WSIC_SLICE_COLUMNS);
    symbol_job job = {plan, wsic_symbol_slice_kernel(wsic_kernels_chosen(env))};
    wsic_status status;

    plan->symbol = wsic_alloc(env, slices, plan->live_rows * WSIC_SLICE_COLUMNS, &status);
    if (!plan->symbol)
        return status;
    plan->beyond = wsic_alloc(env, slices, sizeof *plan->beyond, &status);
    if (!plan->beyond)
        return status;
    wsic_parallel_for(env, slices, find_slice, &job);
    return WSIC_OK;
}
