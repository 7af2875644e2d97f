/* SPDX-License-Identifier: MIT */
/* How the distributions of all classes differ from the built-in ones, where that changes
 * slowly from class to class: in what a quantizer prefers, say zeros. Given every half octave and
 * interpolated between. docs/format.md, section "Corrections", is the normative description. */
#ifndef WSIC_CODING_CORRECTIONS_H
#define WSIC_CODING_CORRECTIONS_H

#include "coding/model.h"
#include "coding/trellis.h"

enum {
    WSIC_CORRECTED_BELOW = 64, /* width of the first class that is not: 16 to the deviation */
    WSIC_KNOTS_MOST = 17,
    WSIC_KNOT_UNIT = 8,     /* of a knot's power, to the octave */
    WSIC_KNOT_LOWEST = -64, /* its power */
    WSIC_KNOT_HIGHEST = 63
};

typedef struct wsic_corrections {
    size_t contexts;
    uint32_t spacing; /* classes from knot to knot */
    uint32_t classes; /* those from the first one on that are corrected */
    uint32_t knots;
    uint32_t count[WSIC_TRELLIS_CONTEXTS]; /* of magnitudes */
    int8_t power[WSIC_TRELLIS_CONTEXTS][WSIC_CORRECTED_MOST][WSIC_KNOTS_MOST];
} wsic_corrections;

/* None, for classes from base on in units of 2^step sixteenths of an octave. */
void wsic_corrections_make(wsic_corrections *corrections, size_t contexts, int32_t base,
                           int32_t classes, unsigned step);

/* What a class has, counted from 0. */
void wsic_corrections_get(const wsic_corrections *corrections, size_t context, size_t class_index,
                          wsic_correction *correction);

/* Read what a made one lacks. False if it makes no sense. */
bool wsic_corrections_read(wsic_bit_reader *reader, wsic_corrections *corrections);

#endif
