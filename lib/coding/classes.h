/* SPDX-License-Identifier: MIT */
/* The encoder's choice of row and column classes: those that give the shortest code,
 * the cost of the classes themselves included. */
#ifndef WSIC_CODING_CLASSES_H
#define WSIC_CODING_CLASSES_H

#include "coding/magnitudes.h"

/* What is known about the rows or columns beforehand, and what comes out. */
typedef struct wsic_class_axis {
    size_t count;
    const int32_t *hint; /* in units of the step, or NULL */
    int16_t *classes;
} wsic_class_axis;

/* Fill in the classes of both axes, in units of 2^step eighths of an octave, and the
 * built-in shape that fits best. Without fit_rows all rows get class 0. */
wsic_status wsic_fit_classes(const wsic_env *env, const wsic_magnitudes *magnitudes, unsigned step,
                             bool fit_rows, wsic_class_axis *rows, wsic_class_axis *columns,
                             uint32_t *shape);

#endif
