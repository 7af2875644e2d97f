/* SPDX-License-Identifier: MIT */
/* Choosing and writing models: encoder only. */
#ifndef WSIC_CODING_MODEL_FIT_H
#define WSIC_CODING_MODEL_FIT_H

#include "coding/model.h"

enum {
    WSIC_TABLE_LEAST_BITS = 4,                  /* of a table */
    WSIC_BIN_BEYOND = 2 * WSIC_MODEL_REACH + 1, /* all high parts beyond the reach */
    WSIC_BINS
};

/* High parts of one class: bin k counts the high part k - WSIC_MODEL_REACH. */
typedef struct wsic_histogram {
    uint64_t bins[WSIC_BINS];
    /* Escape bits of those beyond from a model that has the high part 0 alone, and from one of
     * full reach: what others take lies between. */
    double beyond_bits[2];
} wsic_histogram;

static inline uint32_t wsic_histogram_bin(int32_t high)
{
    const uint32_t bin = (uint32_t)high + WSIC_MODEL_REACH;
    return bin < WSIC_BIN_BEYOND ? bin : WSIC_BIN_BEYOND;
}

/* Bits that the rounds of an escape at this distance take. */
double wsic_escape_bits(uint64_t distance);

void wsic_histogram_add(wsic_histogram *histogram, int32_t high);
uint64_t wsic_histogram_count(const wsic_histogram *histogram);

/* What the best of all models would spend on so many high parts, its own bits not counted. */
double wsic_histogram_bits(const wsic_histogram *histogram, uint64_t count);

/* Bits that a model spends on a histogram, low bits included; infinite if it cannot. */
double wsic_model_cost(const wsic_model *model, const wsic_histogram *histogram);

/* Bits of the frequency f of 4096. */
double wsic_frequency_bits(uint32_t frequency);

/* The best table that can be written for a histogram. False if there is none worth
 * considering. */
bool wsic_model_fit_table(const wsic_histogram *histogram, const wsic_model_frame *frame,
                          wsic_model *model);
void wsic_model_write(wsic_bit_writer *writer, const wsic_model *model);

#endif
