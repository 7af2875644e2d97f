/* SPDX-License-Identifier: MIT */
#include "coding/code_reader.h"

#include <string.h>

#include "base/checked.h"
#include "coding/corrections.h"

#define NOT_THERE UINT32_MAX

/* --- which models there are ----------------------------------------------------------- */

/* Forms that occur are numbered in their order. */
static size_t rank_forms(wsic_code_reader *reader)
{
    bool used[WSIC_FORMS] = {false};
    size_t ranks = 0;

    for (size_t g = 0; g < reader->groups; g++)
        used[reader->form[g]] = true;
    for (size_t form = 0; form < WSIC_FORMS; form++)
        reader->form_rank[form] = used[form] ? (uint8_t)ranks++ : UINT8_MAX;
    return ranks;
}

/* Mark what an octet gives with all rows. */
static void mark_octet(const wsic_code_reader *reader, size_t rank, int16_t octet_class)
{
    for (size_t kind = 0; kind < reader->kinds; kind++) {
        const int32_t sum = octet_class + reader->kind_class[kind];
        reader->bounds_at[rank * (size_t)reader->classes + wsic_class_index(sum, reader->classes)] =
            0;
    }
}

/* Octets of one form and class give the same: each pair is looked at once. */
static void mark_form(const wsic_code_reader *reader, size_t form)
{
    const size_t octets = wsic_div_up(reader->live_columns, (size_t)1 << reader->octet_log);
    const size_t in_group = reader->lanes >> reader->octet_log;
    bool seen[2 * WSIC_CLASS_LIMIT + 1] = {false};

    for (size_t k = 0; k < octets; k++) {
        bool *const of_class = &seen[reader->octet_class[k] + WSIC_CLASS_LIMIT];
        if (reader->form[k / in_group] != form || *of_class)
            continue;
        *of_class = true;
        mark_octet(reader, reader->form_rank[form], reader->octet_class[k]);
    }
}

/* Give room to what was marked, from the lowest form on. */
static size_t lay_out(wsic_code_reader *reader)
{
    size_t used = 0;

    for (unsigned number = 0; number < WSIC_FORMS; number++) {
        const wsic_form form = wsic_form_make(number, reader->is_trellis);
        if (reader->form_rank[number] == UINT8_MAX)
            continue;
        uint32_t *const at =
            reader->bounds_at + reader->form_rank[number] * (size_t)reader->classes;
        for (int32_t k = 0; k < reader->classes; k++) {
            if (at[k] == NOT_THERE)
                continue;
            at[k] = (uint32_t)used;
            used += wsic_form_bounds_count(&form);
        }
    }
    return used;
}

static wsic_status list_models(const wsic_env *env, wsic_code_reader *reader)
{
    const size_t pairs = rank_forms(reader) * (size_t)reader->classes;
    wsic_status status;

    reader->bounds_at =
        wsic_code_reader_alloc(env, reader, pairs, sizeof *reader->bounds_at, &status);
    if (!reader->bounds_at)
        return status;
    for (size_t k = 0; k < pairs; k++)
        reader->bounds_at[k] = NOT_THERE;
    for (size_t form = 0; form < WSIC_FORMS; form++) {
        if (reader->form_rank[form] != UINT8_MAX)
            mark_form(reader, form);
    }
    reader->bounds =
        wsic_code_reader_alloc(env, reader, lay_out(reader), sizeof *reader->bounds, &status);
    return reader->bounds ? WSIC_OK : status;
}

/* --- reading them --------------------------------------------------------------------- */

typedef struct model_source {
    wsic_bit_reader bits;
    const wsic_code_head *head;
    wsic_corrections corrections;
} model_source;

static bool read_model(model_source *source, const wsic_code_reader *reader, const wsic_form *form,
                       size_t class_index, unsigned context, wsic_model *model)
{
    const int32_t class_number = (reader->base + (int32_t)class_index) * (1 << reader->step);
    const wsic_model_frame frame = wsic_form_frame(form, reader->is_trellis, class_number, context);
    wsic_correction correction = {.count = 0};

    if ((source->head->flags2 & WSIC_CODES_OWN_MODELS) != 0 && wsic_get_bits(&source->bits, 1) == 0)
        return wsic_model_read(&source->bits, &frame, model);
    if (wsic_form_corrected(form))
        wsic_corrections_get(&source->corrections,
                             reader->is_trellis ? wsic_form_trellis_context(form, context) : 0,
                             class_index, &correction);
    wsic_model_builtin(model, source->head->flags2 & WSIC_CODES_SHAPE, &frame, &correction);
    return true;
}

static bool read_contexts(model_source *source, const wsic_code_reader *reader,
                          const wsic_form *form, size_t class_index, uint16_t *bounds)
{
    wsic_model model;

    memset(bounds, 0, wsic_form_bounds_count(form) * sizeof *bounds);
    for (unsigned context = 0; context < 1U << form->contexts_log; context++) {
        if (!read_model(source, reader, form, class_index, context, &model))
            return false;
        wsic_form_bounds(form, context, &model, bounds);
    }
    return true;
}

static wsic_status read_forms(const wsic_env *env, model_source *source, wsic_code_reader *reader)
{
    const size_t classes = (size_t)reader->classes;

    for (unsigned number = 0; number < WSIC_FORMS; number++) {
        const wsic_form form = wsic_form_make(number, reader->is_trellis);
        if (reader->form_rank[number] == UINT8_MAX)
            continue;
        for (size_t k = 0; k < classes; k++) {
            const uint32_t at = reader->bounds_at[reader->form_rank[number] * classes + k];
            if (at != NOT_THERE && !read_contexts(source, reader, &form, k, reader->bounds + at))
                return wsic_fail(env, WSIC_ERROR_FORMAT, "the model of class %zu is impossible", k);
        }
    }
    return WSIC_OK;
}

wsic_status wsic_code_reader_models(const wsic_env *env, wsic_cursor *cursor,
                                    const wsic_code_head *head, wsic_code_reader *reader)
{
    model_source source = {.head = head};

    wsic_status status = list_models(env, reader);
    if (status != WSIC_OK)
        return status;
    source.bits = (wsic_bit_reader){.data = cursor->data + cursor->position,
                                    .size = wsic_cursor_left(cursor)};
    wsic_corrections_make(&source.corrections, reader->is_trellis ? WSIC_TRELLIS_CONTEXTS : 1,
                          reader->base, reader->classes, reader->step);
    if ((head->flags2 & WSIC_CODES_CORRECTED) != 0 &&
        !wsic_corrections_read(&source.bits, &source.corrections))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the corrections of the models are impossible");
    status = read_forms(env, &source, reader);
    if (status != WSIC_OK)
        return status;
    if (!wsic_bits_end(&source.bits))
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the models of the codes are damaged");
    wsic_take(cursor, wsic_bits_used(&source.bits));
    return WSIC_OK;
}
