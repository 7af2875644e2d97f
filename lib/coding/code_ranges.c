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

uint32_t *wsic_code_ranges(const wsic_env *env, const wsic_code_plan *plan, wsic_status *status)
{
    uint32_t *const ranges = wsic_alloc(env, plan->symbols, sizeof *ranges, status);
    uint32_t *next = ranges;

    for (size_t index = 0; ranges && index < plan->models; index++) {
        const wsic_form form = wsic_form_make(plan->what[index].form, plan->is_trellis);
        if (plan->model[index].symbols != 0) /* else it has no codes */
            fill_model(&form, &plan->model[index], next);
        next += (size_t)1 << form.symbols_log;
    }
    return ranges;
}
