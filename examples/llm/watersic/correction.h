/* SPDX-License-Identifier: MIT */
/* What a bit is worth to a layer, beside what the plan takes it to be worth.
 *
 * The plan takes weights as independent of each other. Where they are not, as where inputs are few
 * directions of many, errors grow much faster at low rates than it expects. Drafts at several rates
 * tell how fast: between two of them, the ratio of what the error falls by to what the plan lets it
 * fall by is the correction of the slope. */
#ifndef EXAMPLES_LLM_WATERSIC_CORRECTION_H
#define EXAMPLES_LLM_WATERSIC_CORRECTION_H

#include <stddef.h>

enum { CORRECTION_DRAFTS = 4 };

/* By rate of codes, rising. */
struct correction {
    size_t count; /* 0: none is known */
    double rate[CORRECTION_DRAFTS];
    double log_ratio[CORRECTION_DRAFTS];
};

/* Between the rates linear in the logarithm, beyond them as at the nearest; 1 if none is known. */
double correction_at(const struct correction *correction, double rate);

#endif
