/* SPDX-License-Identifier: MIT */
/* Arrays of integers, from the text of docs/format.md alone. */
#ifndef TESTS_PLAIN_ARRAYS_H
#define TESTS_PLAIN_ARRAYS_H

#include "plain_models.h"

unsigned plain_array_shift(int w);

/* The symbol of the state x, which moves past it. */
unsigned plain_pull(uint64_t *x, const unsigned *f);

void plain_array(stream *s, size_t count, int64_t *out);

#endif
