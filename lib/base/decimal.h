/* SPDX-License-Identifier: MIT */
/* Numbers as text, the same under every locale. */
#ifndef WSIC_BASE_DECIMAL_H
#define WSIC_BASE_DECIMAL_H

#include <stdbool.h>

enum { WSIC_DECIMAL_SIZE = 40 }; /* of a text that wsic_decimal_print() writes */

/* [+-]digits[.digits][e[+-]digits], of less than 400 characters, rounded to the nearest double;
 * false for anything else, and for what is beyond the range of double. */
bool wsic_decimal_read(const char *text, double *value);

/* The shortest text, from 6 significant digits on, that reads back as the same (finite) number. */
void wsic_decimal_print(double value, char text[WSIC_DECIMAL_SIZE]);

#endif
