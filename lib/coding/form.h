/* SPDX-License-Identifier: MIT */
/* How the codes of a group of columns are taken apart: into a symbol of a model and low bits that
 * are stored as they are. A form has at most 128 bounds for all its contexts together, which
 * registers hold. docs/format.md, section "Forms", is the normative description. */
#ifndef WSIC_CODING_FORM_H
#define WSIC_CODING_FORM_H

#include "coding/model.h"
#include "coding/trellis.h"

enum {
    WSIC_FORMS = 31,
    WSIC_FORM_SHIFTED = 3, /* from here on there are low bits */
    WSIC_BOUNDS_MOST = 128
};

typedef struct wsic_form {
    unsigned contexts_log;
    unsigned symbols_log;
    unsigned shift;
} wsic_form;

/* The form for a width: a narrower one would lose more by escapes than its contexts gain. */
static inline unsigned wsic_form_of_width(int32_t width)
{
    enum { WIDEST_OF_16 = 18, WIDEST_OF_32 = 34, WIDEST_OF_64 = 50 }; /* sixteenths of an octave */

    if (width <= WIDEST_OF_32)
        return width > WIDEST_OF_16;
    return width <= WIDEST_OF_64 ? 2 : 2 + (unsigned)(width - WIDEST_OF_64 + 15) / 16;
}

static inline wsic_form wsic_form_make(unsigned number, bool trellis)
{
    const unsigned symbols_log = number < 2 ? 4 + number : 6;
    return (wsic_form){.symbols_log = symbols_log,
                       .contexts_log = !trellis      ? 0
                                       : number == 0 ? 2
                                                     : 1,
                       .shift = number < 2 ? 0 : number - 2};
}

/* Number of its bounds. */
static inline size_t wsic_form_bounds_count(const wsic_form *form)
{
    return (size_t)1 << (form->contexts_log + form->symbols_log);
}

/* The context of a form in a context of the trellis: of those the form tells fewer apart. */
static inline unsigned wsic_form_context(const wsic_form *form, unsigned trellis_context)
{
    return trellis_context >> (2 - form->contexts_log);
}

/* The first context of the trellis that belongs to one of the form, whose corrections it has. */
static inline unsigned wsic_form_trellis_context(const wsic_form *form, unsigned context)
{
    return context << (2 - form->contexts_log);
}

/* What the model of a class and a context is made for. */
static inline wsic_model_frame wsic_form_frame(const wsic_form *form, bool trellis,
                                               int32_t class_number, unsigned context)
{
    const unsigned codebook =
        trellis ? wsic_context_codebook(wsic_form_trellis_context(form, context)) : 0;
    return (wsic_model_frame){.class_number = class_number,
                              .shift = form->shift,
                              .codebook = codebook,
                              .reach = (1 << (form->symbols_log - 1)) - 1};
}

/* Corrections are for forms without low bits. */
static inline bool wsic_form_corrected(const wsic_form *form)
{
    return form->shift == 0;
}

/* The bounds of a context among those of its form, as a tree that is searched from its root at
 * contexts + context: below a node h lie 2 h for slots that are less than bounds[h], and 2 h + 1
 * for all others. After symbols_log steps h modulo the number of symbols is the symbol: 0 for the
 * escape, else the high part plus half the number of symbols. */
void wsic_form_bounds(const wsic_form *form, unsigned context, const wsic_model *model,
                      uint16_t *bounds);

#endif
