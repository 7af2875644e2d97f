/* SPDX-License-Identifier: MIT */
/* What a set of codes will cost in bits. */
#ifndef WSIC_QUANT_SIZE_H
#define WSIC_QUANT_SIZE_H

#include "coding/scales.h"
#include "quant/job.h"

/* Codes of some or all rows, with the γ that belong to them. */
typedef struct wsic_trial {
    size_t rows;
    size_t sampled;       /* rows that these were chosen from; others are zero */
    size_t block_rows;    /* of the codes */
    const size_t *row_at; /* see coding/codes.h */
    size_t row_stride;    /* likewise */
    const int32_t *codes; /* rows x live */
    bool codes_natural;   /* columns in natural order, and not in that of the factor */
    const double *alpha;
    const double *gamma;
    double relative_residual; /* ||Y - Ŵ L||² / ||Y||² */
} wsic_trial;

/* Bits of the finished layer, estimated from a trial on some of its rows; the scales of
 * the rows, which are not known yet, are left out. */
wsic_status wsic_job_trial_bits(const wsic_job *job, const wsic_trial *trial, double *bits);

/* Bits of coded scales. */
wsic_status wsic_job_scale_bits(const wsic_job *job, const wsic_scales *scales, double *bits);

/* Steps to the octave at which rounding a scale costs as much as storing it finer:
 * relative distortion d, a scale shared by `sharing` weights. */
uint32_t wsic_scale_grid(double relative_distortion, size_t sharing);

#endif
