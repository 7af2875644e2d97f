/* SPDX-License-Identifier: MIT */
/* Tables of frequencies from counts, for the plain encoder. */
#ifndef TESTS_PLAIN_TABLE_H
#define TESTS_PLAIN_TABLE_H

#include "plain_decoder.h"
#include "plain_writer.h"

/* A model for symbols that were counted, escapes first. */
model plain_count_model(unsigned symbols, const size_t *counts);

/* As a table. */
void plain_put_table(writer *w, const model *m);

#endif
