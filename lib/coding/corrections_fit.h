/* SPDX-License-Identifier: MIT */
/* Choosing and writing corrections: encoder only. */
#ifndef WSIC_CODING_CORRECTIONS_FIT_H
#define WSIC_CODING_CORRECTIONS_FIT_H

#include "coding/corrections.h"
#include "coding/model_fit.h"

/* Those of a shape that shorten the code; histograms are by class and context, classes from
 * base on as the corrections were made. */
void wsic_corrections_fit(const wsic_histogram *histograms, uint32_t shape, int32_t base,
                          unsigned step, wsic_corrections *corrections);
void wsic_corrections_write(wsic_bit_writer *writer, const wsic_corrections *corrections);

#endif
