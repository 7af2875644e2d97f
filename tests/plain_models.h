/* SPDX-License-Identifier: MIT */
/* Models of coded integers, from the text of docs/format.md alone: the decoder's half of
 * plain_decoder.c that reads and makes distributions. */
#ifndef TESTS_PLAIN_MODELS_H
#define TESTS_PLAIN_MODELS_H

#include "plain_stream.h"

typedef struct model {
    int64_t first;
    unsigned n;
    unsigned shift;
    unsigned f[256];
} model;

/* powers are in 1/32 of an octave, for the magnitudes below `corrected`. */
void plain_builtin_model(model *m, unsigned shape, int w, unsigned codebook, unsigned corrected,
                         const int *powers);
void plain_table_model(stream *s, model *m, int w);

/* All of them, with their bit string. */
void plain_read_models(stream *s, unsigned kind_of_codes, unsigned flags1, unsigned flags2,
                       int base, int classes, model *models);

#endif
