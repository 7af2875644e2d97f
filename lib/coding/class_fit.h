/* SPDX-License-Identifier: MIT */
/* A choice of classes while it is being made: what the choice for octets (classes.c) and that for
 * rows (class_rows.c) have in common. */
#ifndef WSIC_CODING_CLASS_FIT_H
#define WSIC_CODING_CLASS_FIT_H

#include "coding/class_prices.h"

enum { WSIC_FIT_STRIP = 256 /* rows whose sums are kept together */ };

typedef struct wsic_class_fit {
    const wsic_env *env;
    const wsic_magnitudes *magnitudes;
    const uint32_t *order; /* of the columns */
    unsigned octet_log;    /* columns of an octet */
    uint32_t shape;
    wsic_class_costs costs;
    wsic_cost_sums *add_costs;
    wsic_slope_sums *add_slopes;
    wsic_priced_axis rows;
    wsic_priced_axis octets;
    /* By how much the cost of a row grows faster from class to class, on average, in
     * 1/WSIC_COST_UNIT bit. */
    double curvature;
    /* Room for as many lines as the longer axis has. */
    uint64_t (*sums)[WSIC_WINDOW]; /* of octets */
    int32_t *slope;                /* of rows */
    int16_t *before;               /* classes */
    bool *pending;                 /* the line's class is still to be chosen */
} wsic_class_fit;

/* Columns of an octet, from a row on. */
wsic_cost_columns wsic_class_fit_columns(const wsic_class_fit *fit, size_t octet, uint32_t shape,
                                         size_t row);

/* Have the costs that windows around the classes of all lines may ask for. */
void wsic_class_fit_prepare(wsic_class_fit *fit, uint32_t shape);

/* Add what the codes of an octet cost in some rows, at most WSIC_FIT_STRIP, in the classes around
 * those that it and the rows have together. */
void wsic_class_fit_add_octet(const wsic_class_fit *fit, size_t octet, uint32_t shape, size_t row,
                              size_t rows, uint32_t *sums, size_t step);

/* Go over to the cheapest class of the window around that of a line; if there are several, the
 * nearest to it. Returns whether it lies at the edge of the window: what is behind may be better
 * still. */
bool wsic_class_fit_move(wsic_priced_axis *line, size_t index, const uint64_t *sums);

/* How many classes of an axis are not as before. */
size_t wsic_class_fit_moved(const wsic_class_fit *fit, const wsic_priced_axis *line);

/* Choose the classes of all rows, given those of the octets; returns how many have moved
 * (class_rows.c). */
size_t wsic_class_fit_rows(wsic_class_fit *fit);

#endif
