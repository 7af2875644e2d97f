/* SPDX-License-Identifier: MIT */
/* The encoder's choice of the classes of rows and octets: those that give the shortest code,
 * the cost of the classes themselves included. */
#ifndef WSIC_CODING_CLASSES_H
#define WSIC_CODING_CLASSES_H

#include "coding/magnitudes.h"

/* What is known about the rows or octets beforehand, and what comes out. */
typedef struct wsic_class_axis {
    size_t count;
    const int32_t *hint; /* in units of the step, or NULL */
    bool hint_stays;     /* what is stored is the difference to it; else only if that is shorter */
    int16_t *classes;
} wsic_class_axis;

/* Fill in the classes of both axes, in units of 2^step sixteenths of an octave, and the
 * built-in shape that fits best. Octets are made of 2^octet_log columns of the magnitudes each, in
 * the order that is given. Without fit_rows all rows get class 0. */
wsic_status wsic_fit_classes(const wsic_env *env, const wsic_magnitudes *magnitudes,
                             const uint32_t *order, unsigned octet_log, unsigned step,
                             bool fit_rows, wsic_class_axis *rows, wsic_class_axis *octets,
                             uint32_t *shape);

/* The width, in sixteenths of an octave, of a column of this deviation. */
double wsic_likely_width(double deviation);

#endif
