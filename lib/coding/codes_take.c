/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

/* The codes of a column, in the order in which its rows are coded. */
static void take_rows(const wsic_code_plan *plan, const int32_t *codes, int32_t *column)
{
    const bool all = plan->live_rows == plan->matrix->rows && plan->stride == 1;

    if (all)
        memcpy(column, codes, plan->live_rows * sizeof *column);
    for (size_t i = 0; !all && i < plan->live_rows; i++)
        column[i] = codes[plan->row[i]];
}

/* From levels to tokens; a trellis begins anew in each block. */
static wsic_status make_tokens(const wsic_env *env, const wsic_code_plan *plan, size_t place,
                               int32_t *column)
{
    for (size_t block = 0; block < plan->blocks; block++) {
        const size_t first = plan->first_row[block];
        const size_t count = plan->first_row[block + 1] - first;
        const size_t done =
            wsic_trellis_tokens(&plan->trellis, column + first, count, column + first);
        if (done < count) {
            const size_t j = plan->live_column[place];
            const size_t i = plan->row[first + done];
            return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                             "code %d of row %zu, column %zu is no level of the trellis",
                             (int)plan->matrix->codes[j * plan->matrix->rows + i], i, j);
        }
    }
    return WSIC_OK;
}

/* One column after the other: each is read from memory once. */
static wsic_status take_columns(const wsic_env *env, wsic_code_plan *plan,
                                wsic_magnitudes *magnitudes, int32_t *column)
{
    wsic_status status = WSIC_OK;

    for (size_t j = 0; status == WSIC_OK && j < plan->live_columns; j++) {
        take_rows(plan, plan->matrix->codes + plan->live_column[j] * plan->matrix->rows, column);
        if (plan->is_trellis)
            status = make_tokens(env, plan, j, column);
        if (status != WSIC_OK)
            return status;
        wsic_magnitudes_take(magnitudes, j, column);
        status = wsic_codes_data_set(env, &plan->data, j, column);
    }
    return status;
}

wsic_status wsic_code_plan_take(const wsic_env *env, wsic_code_plan *plan,
                                wsic_magnitudes *magnitudes)
{
    wsic_status status =
        wsic_codes_data_create(env, plan->live_rows, plan->live_columns, &plan->data);

    if (status == WSIC_OK)
        status = wsic_magnitudes_create(env, plan->live_rows, plan->live_columns, plan->is_trellis,
                                        magnitudes);
    if (status != WSIC_OK)
        return status;
    int32_t *const column = wsic_alloc(env, plan->live_rows, sizeof *column, &status);
    if (column)
        status = take_columns(env, plan, magnitudes, column);
    wsic_free(env, column);
    if (status != WSIC_OK)
        wsic_magnitudes_release(env, magnitudes);
    return status;
}
