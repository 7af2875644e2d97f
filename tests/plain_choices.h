/* SPDX-License-Identifier: MIT */
/* Choices for the plain encoder, made at random. */
#ifndef TESTS_PLAIN_CHOICES_H
#define TESTS_PLAIN_CHOICES_H

#include "plain_encoder.h"

/* Values that suit the choices: dead rows and columns are 0, and levels are levels. */
typedef struct plain_case {
    size_t rows, columns;
    int32_t *values; /* row-major */
    int32_t *row_hint, *column_hint;
    plain_choices choices;
    corrections *corrections; /* whether the choices use them or not */
} plain_case;

/* From values of any sort, row-major, with a kind of 0 or 2 to 8. With equal seeds the choices are
 * equal. The arrays that the choices point to are the case's own and may be changed. */
plain_case plain_case_make(const int32_t *values, size_t rows, size_t columns, unsigned kind,
                           uint64_t seed);
void plain_case_free(plain_case *c);

#endif
