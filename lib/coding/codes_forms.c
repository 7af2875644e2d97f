/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <string.h>

#include "base/checked.h"
#include "coding/model_fit.h"

/* --- a form for each group ------------------------------------------------------------ */

enum {
    ROWS_BEYOND = 8, /* one of so many rows may be wider than the form */
    FOR_CONTEXTS =
        4 /* sixteenths of an octave of which form 0 is made wider: it has more contexts */
};

/* A class that few rows exceed. */
static int32_t high_row_class(const wsic_code_plan *plan)
{
    enum { LIMIT = 512 };
    size_t count[2 * LIMIT + 1] = {0};
    size_t beyond = 0;

    for (size_t i = 0; i < plan->live_rows; i++) {
        const int32_t of_row = plan->row_class[i];
        count[(of_row < -LIMIT ? -LIMIT : of_row > LIMIT ? LIMIT : of_row) + LIMIT]++;
    }
    for (int32_t value = LIMIT; value > -LIMIT; value--) {
        beyond += count[value + LIMIT];
        if (beyond * ROWS_BEYOND > plan->live_rows)
            return value;
    }
    return -LIMIT;
}

static void choose_forms(wsic_code_plan *plan)
{
    const size_t in_group = wsic_code_plan_lanes(plan) >> plan->octet_log;
    const wsic_class_range range = wsic_code_plan_range(plan);

    plan->form_class = high_row_class(plan);
    if (plan->is_trellis)
        plan->form_class -= FOR_CONTEXTS >> plan->step;
    for (size_t g = 0; g < plan->groups; g++) {
        const size_t first = g * in_group;
        plan->form[g] = (uint8_t)wsic_group_form(&range, plan->octet_class + first,
                                                 wsic_min_size(in_group, plan->octets - first),
                                                 plan->form_class);
    }
}

/* --- the models that there are --------------------------------------------------------- */

static size_t rank_forms(wsic_code_plan *plan)
{
    bool used[WSIC_FORMS] = {false};
    size_t ranks = 0;

    for (size_t g = 0; g < plan->groups; g++)
        used[plan->form[g]] = true;
    for (size_t form = 0; form < WSIC_FORMS; form++)
        plan->form_rank[form] = used[form] ? (uint8_t)ranks++ : UINT8_MAX;
    return ranks;
}

/* Row classes that occur, at most once each. */
static size_t distinct_rows(const wsic_code_plan *plan, int16_t *classes)
{
    bool seen[UINT16_MAX + 1] = {false};
    size_t count = 0;

    for (size_t i = 0; i < plan->live_rows; i++) {
        bool *const of_class = &seen[(uint16_t)plan->row_class[i]];
        if (!*of_class)
            classes[count++] = plan->row_class[i];
        *of_class = true;
    }
    return count;
}

static void mark_models(wsic_code_plan *plan, const int16_t *classes, size_t count)
{
    const size_t in_group = wsic_code_plan_lanes(plan) >> plan->octet_log;

    for (size_t k = 0; k < plan->octets; k++) {
        const size_t rank = plan->form_rank[plan->form[k / in_group]];
        uint16_t *const at = plan->model_at + rank * (size_t)plan->classes;
        for (size_t i = 0; i < count; i++) {
            const int32_t sum = plan->octet_class[k] + classes[i];
            at[wsic_class_index(sum, plan->classes)] = 0;
        }
    }
}

/* List the models of a combination. */
static void number_contexts(wsic_code_plan *plan, size_t combination, unsigned number,
                            size_t class_index)
{
    const wsic_form form = wsic_form_make(number, plan->is_trellis);

    plan->model_at[combination] = (uint16_t)plan->models;
    plan->symbol_at[combination] = (uint32_t)plan->symbols;
    for (unsigned context = 0; context < 1U << form.contexts_log; context++) {
        if (plan->what)
            plan->what[plan->models] = (wsic_planned_model){.form = (uint8_t)number,
                                                            .context = (uint8_t)context,
                                                            .class_index = (uint16_t)class_index};
        plan->models++;
        plan->symbols += (size_t)1 << form.symbols_log;
    }
}

/* Count models and symbols; list the models if there is a list. */
static void number_models(wsic_code_plan *plan, size_t ranks)
{
    plan->models = 0;
    plan->symbols = 0;
    for (unsigned form = 0; form < WSIC_FORMS; form++) {
        if (plan->form_rank[form] >= ranks)
            continue;
        for (size_t k = 0; k < (size_t)plan->classes; k++) {
            const size_t combination = plan->form_rank[form] * (size_t)plan->classes + k;
            if (plan->model_at[combination] != WSIC_MODEL_NOT_THERE)
                number_contexts(plan, combination, form, k);
        }
    }
}

wsic_status wsic_code_plan_choose_forms(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status;

    choose_forms(plan);
    const size_t ranks = rank_forms(plan);
    const size_t pairs = ranks * (size_t)plan->classes;
    plan->model_at = wsic_alloc(env, pairs, sizeof *plan->model_at, &status);
    if (!plan->model_at)
        return status;
    plan->symbol_at = wsic_alloc(env, pairs, sizeof *plan->symbol_at, &status);
    if (!plan->symbol_at)
        return status;
    for (size_t k = 0; k < pairs; k++)
        plan->model_at[k] = WSIC_MODEL_NOT_THERE;
    int16_t *const classes = wsic_alloc(env, plan->live_rows, sizeof *classes, &status);
    if (!classes)
        return status;
    mark_models(plan, classes, distinct_rows(plan, classes));
    wsic_free(env, classes);
    number_models(plan, ranks);
    plan->what = wsic_alloc_zero(env, plan->models, sizeof *plan->what, &status);
    if (!plan->what)
        return status;
    number_models(plan, ranks);
    plan->model = wsic_alloc_zero(env, plan->models, sizeof *plan->model, &status);
    return plan->model ? WSIC_OK : status;
}
