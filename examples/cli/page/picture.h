/* SPDX-License-Identifier: MIT */
/* The waterfilling picture of a layer: how strong its components are, where the water stands, and
 * what bits columns and rows take. */
#ifndef CLI_PAGE_PICTURE_H
#define CLI_PAGE_PICTURE_H

#include <stdio.h>
#include <watersic/watersic.h>

#include "common/failure.h"

struct picture {
    size_t rows;
    size_t columns;
    int32_t least, greatest; /* codes */
    size_t silent;           /* columns whose codes are all zero */
    double level;            /* of the water, in the units of power */
    double *power;           /* of columns, in descending order: mean square of codes · step² */
    double *bits;            /* of the same columns: entropy of their codes, bits per weight */
    double *row_bits;        /* descending: what codes of a row take by the statistics of columns */
    double *spectrum; /* variance of weights · eigenvalues of the covariance, descending; NULL:
                                not known */
};

/* Decode a layer and count its codes. stats: of its input; NULL for none. A layer whose codes are
 * too far apart to be counted gets no numbers: power is NULL then. Release in any case. */
bool picture_make(struct picture *picture, const wsic_layer *layer, wsic_stats *stats,
                  struct failure *failure);
void picture_free(struct picture *picture);

/* Write three plots as SVG within a page. */
void picture_draw(const struct picture *picture, FILE *file);

#endif
