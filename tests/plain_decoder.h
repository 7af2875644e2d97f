/* SPDX-License-Identifier: MIT */
/* A second decoder, written from docs/format.md and sharing no code with the library: slow, and as
 * plain as the text. plain_decoder.c follows the section "Coded integers" from its first field to
 * its last stream. What it uses stands beside it: "Forms" to "Corrections" and the states of a
 * trellis in plain_models.c; symbols, escapes and "Arrays" in plain_arrays.c; "Scales" in
 * plain_scales.c; "Conventions" in plain_stream.h. The plain encoder uses some of these, too. */
#ifndef TESTS_PLAIN_DECODER_H
#define TESTS_PLAIN_DECODER_H

#include "plain_stream.h"

enum { PLAIN_FORMS = 31, PLAIN_CLASSES = 561, PLAIN_CONTEXTS = 4 };

/* Symbol k > 0 is the high part k - symbols / 2, symbol 0 the escape. */
typedef struct model {
    unsigned symbols;
    int64_t first, last; /* the least and the greatest high part whose frequency is not 0 */
    unsigned f[256];
} model;

/* Powers of magnitudes by context, magnitude and knot. */
typedef struct corrections {
    unsigned count[PLAIN_CONTEXTS];
    int power[PLAIN_CONTEXTS][7][17];
} corrections;

/* What stands before the streams of coded integers. */
typedef struct plain_head {
    unsigned kind, lanes, step, order, shape;
    bool row_hints, dead_rows, dead_columns, corrected, own; /* said by the flags */
    size_t rows, columns, block_rows, stride;
    size_t streams; /* to a block */
    int base, classes, form_class;
    bool *row_dead;
    int *row_class; /* of each row of the matrix, 0 for dead ones */
    size_t live_rows, live_columns;
    size_t *column; /* live ones in coding order */
    size_t octet_columns, octets, groups;
    int *octet_class;
    unsigned *form; /* of each group */
    unsigned forms; /* all of them are below this */
    model *models;  /* by form, class index and context; those that do not occur have no symbols */
} plain_head;

/* Decode coded integers into row-major order. Hints may be NULL. False for bytes that
 * the format forbids. *used receives the number of bytes read. */
bool plain_decode_codes(const uint8_t *bytes, size_t size, size_t rows, size_t columns,
                        const int32_t *row_hint, const int32_t *column_hint, int32_t *out,
                        size_t *used);

/* Decode scales to their values (plain_scales.c). */
bool plain_decode_scales(const uint8_t *bytes, size_t size, size_t count, float *out, size_t *used);

/* --- plain_decoder.c: its parts ---
 *
 * All up to the octet classes; close it whatever becomes of s. */
void plain_open_head(stream *s, size_t rows, size_t columns, const int32_t *row_hint,
                     const int32_t *column_hint, plain_head *h);
void plain_close_head(plain_head *h);
/* The live rows of a block in coding order, and how many there are. */
size_t plain_block(const plain_head *h, size_t block, size_t *row);

/* --- plain_models.c --- */

/* Give those that occur their number of symbols. */
void plain_list_models(plain_head *h);
/* Read what they are. */
void plain_read_models(stream *s, plain_head *h);

unsigned plain_form_of_width(int w);
unsigned plain_form_symbols(unsigned form);
unsigned plain_form_contexts(unsigned form, unsigned kind);
unsigned plain_form_shift(unsigned form);
int plain_index(const plain_head *h, size_t row, size_t octet);
model *plain_model(const plain_head *h, unsigned form, int index, unsigned context);
void plain_read_table(stream *s, model *m, unsigned symbols);
/* powers are in 1/32 of an octave, for the magnitudes below `corrected`. */
void plain_builtin_model(model *m, unsigned shape, int w, unsigned symbols, unsigned shift,
                         unsigned codebook, unsigned corrected, const int *powers);
/* Knots of these classes, and how many class indices are corrected. */
int plain_knots(const plain_head *h, int *corrected);

unsigned plain_codebook(unsigned kind, unsigned state);
unsigned plain_next_state(unsigned kind, unsigned state, int64_t index);
unsigned plain_context(unsigned kind, unsigned form, unsigned state);

/* --- plain_arrays.c --- */

typedef struct plain_coder {
    uint64_t x[32];
    stream words;
    bool may_end; /* words may: then none is taken */
} plain_coder;

/* The lane at a place in the order of lanes. */
unsigned plain_lane_at(unsigned place, unsigned width);
/* The high parts of those lanes that have a model. */
void plain_take_highs(plain_coder *c, unsigned width, const model *const *m, int64_t *high);
uint64_t plain_read_state(stream *s, unsigned exponent_bits, unsigned least);
/* What is left of s: words, then planes. */
void plain_split(stream *s, uint64_t plane_bits, stream *words, stream *planes);
/* The integer that consists of both; s is bad if it does not fit. */
int64_t plain_whole(stream *s, int64_t high, unsigned shift, int64_t low);
unsigned plain_array_shift(int w);
void plain_array(stream *s, size_t count, int64_t *out);

#endif
