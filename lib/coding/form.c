/* SPDX-License-Identifier: MIT */
#include "coding/form.h"

/* Sum of the frequencies before a symbol of the form. Symbols without a frequency begin where
 * the next one does that has one, so that a search never ends at them. */
static uint16_t start_of(const wsic_form *form, const wsic_model *model, uint32_t symbol)
{
    const int32_t high = (int32_t)symbol - (1 << (form->symbols_log - 1));
    const int32_t after = high - model->first + 1;

    if (after < 1)
        return model->start[1];
    return model->start[after < (int32_t)model->symbols ? (uint32_t)after : model->symbols];
}

void wsic_form_bounds(const wsic_form *form, unsigned context, const wsic_model *model,
                      uint16_t *bounds)
{
    const uint32_t root = (1U << form->contexts_log) + context;

    for (unsigned level = 0; level < form->symbols_log; level++) {
        const uint32_t half = 1U << (form->symbols_log - 1 - level);
        for (uint32_t path = 0; path < 1U << level; path++)
            bounds[(root << level) + path] = start_of(form, model, (2 * path + 1) * half);
    }
}
