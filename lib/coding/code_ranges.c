/* SPDX-License-Identifier: MIT */
#include "coding/code_ranges.h"

static uint32_t range_of(const wsic_model *model, uint32_t symbol)
{
    return model->start[symbol] | wsic_model_frequency(model, symbol) << WSIC_RANGE_SHIFT |
           (symbol == 0 ? WSIC_RANGE_ESCAPE : 0);
}

/* The ranges of a model, by the symbol of its form. */
static void fill_model(const wsic_form *form, const wsic_model *model, uint32_t *range)
{
    const uint32_t symbols = 1U << form->symbols_log;

    range[0] = range_of(model, 0);
    for (uint32_t symbol = 1; symbol < symbols; symbol++) {
        const int32_t high = (int32_t)symbol - (int32_t)(symbols / 2);
        range[symbol] = range_of(model, wsic_model_symbol(model, high));
    }
}

static wsic_form model_form(const wsic_code_plan *plan, size_t index)
{
    return wsic_form_make(plan->what[index].form, plan->is_trellis);
}

static size_t count_ranges(const wsic_code_plan *plan)
{
    size_t count = 0;

    for (size_t index = 0; index < plan->models; index++)
        count += (size_t)1 << model_form(plan, index).symbols_log;
    return count;
}

static void fill(const wsic_code_plan *plan, wsic_code_ranges *ranges)
{
    uint32_t next = 0;

    for (size_t index = 0; index < plan->models; index++) {
        const wsic_planned_model *const what = &plan->what[index];
        const wsic_form form = model_form(plan, index);
        if (what->context == 0)
            ranges->at[plan->form_rank[what->form] * (size_t)plan->classes + what->class_index] =
                next;
        if (plan->model[index].symbols != 0) /* else it has no codes */
            fill_model(&form, &plan->model[index], ranges->range + next);
        next += 1U << form.symbols_log;
    }
}

wsic_status wsic_code_ranges_make(const wsic_env *env, const wsic_code_plan *plan,
                                  wsic_code_ranges *ranges)
{
    wsic_status status;

    *ranges = (wsic_code_ranges){.range = NULL};
    ranges->range = wsic_alloc(env, count_ranges(plan), sizeof *ranges->range, &status);
    if (!ranges->range)
        return status;
    ranges->at = wsic_alloc(env, WSIC_FORMS * (size_t)plan->classes, sizeof *ranges->at, &status);
    if (!ranges->at) {
        wsic_code_ranges_release(env, ranges);
        return status;
    }
    fill(plan, ranges);
    return WSIC_OK;
}

void wsic_code_ranges_release(const wsic_env *env, wsic_code_ranges *ranges)
{
    wsic_free(env, ranges->range);
    wsic_free(env, ranges->at);
    *ranges = (wsic_code_ranges){.range = NULL};
}
