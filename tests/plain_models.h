/* SPDX-License-Identifier: MIT */
/* Forms and models of coded integers, from the text of docs/format.md alone. */
#ifndef TESTS_PLAIN_MODELS_H
#define TESTS_PLAIN_MODELS_H

#include "plain_stream.h"

enum { PLAIN_FORMS = 31, PLAIN_CLASSES = 561, PLAIN_CONTEXTS = 4 };

/* Symbol k > 0 is the high part k - symbols / 2, symbol 0 the escape. */
typedef struct model {
    unsigned symbols;
    unsigned f[256];
} model;

unsigned plain_form_of_width(int w);
unsigned plain_form_symbols(unsigned form);
unsigned plain_form_contexts(unsigned form, unsigned kind);
unsigned plain_form_shift(unsigned form);

/* The least and the greatest high part whose frequency is not 0. */
int64_t plain_first(const model *m);
int64_t plain_last(const model *m);

/* powers are in 1/32 of an octave, for the magnitudes below `corrected`. */
void plain_builtin_model(model *m, unsigned shape, int w, unsigned symbols, unsigned shift,
                         unsigned codebook, unsigned corrected, const int *powers);
void plain_table_model(stream *s, model *m, unsigned symbols);

/* Powers of magnitudes by context, magnitude and knot. */
typedef struct corrections {
    unsigned count[PLAIN_CONTEXTS];
    int power[PLAIN_CONTEXTS][7][17];
} corrections;

/* Knots for these classes, and how many indices are corrected. */
int plain_knots(int base, unsigned step, int classes);
int plain_corrected(int base, unsigned step, int classes);

/* What the models of a matrix depend on besides their bit string. */
typedef struct model_frame {
    unsigned kind, step, shape;
    int base, classes;
    bool corrections, own_models;
    bool occurs[PLAIN_FORMS][PLAIN_CLASSES];
    size_t number[PLAIN_FORMS][PLAIN_CLASSES]; /* of the model of context 0, if it occurs */
    size_t models;
} model_frame;

/* All that occur, at the place that plain_model_number() says of `models`. */
void plain_read_models(stream *s, const model_frame *frame, model *models);
size_t plain_model_number(const model_frame *frame, unsigned form, int index, unsigned context);

#endif
