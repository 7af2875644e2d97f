/* SPDX-License-Identifier: MIT */
/* Scales of rows and columns in the form in which a layer stores them. */
#ifndef WSIC_QUANT_STORED_SCALES_H
#define WSIC_QUANT_STORED_SCALES_H

#include "coding/scales.h"
#include "quant/job.h"

typedef struct wsic_stored_scales {
    wsic_job *job;
    double *t;                 /* rows: before rounding, and before the weights of a metric */
    double *g;                 /* live: what α is multiplied by; rounded with the columns */
    wsic_scales row_scales;    /* rows */
    wsic_scales column_scales; /* live */
    float *row_values;         /* the scales as decoded */
    float *column_values;
} wsic_stored_scales;

/* t = 1 and g = γ, nothing rounded. It is to be released whether or not this fails. */
wsic_status wsic_stored_scales_create(wsic_job *job, wsic_stored_scales *s);
void wsic_stored_scales_release(wsic_stored_scales *s);

/* Round α g, and let g be what remains of it. relative: the relative distortion, which says how
 * fine the grid has to be. */
wsic_status wsic_stored_scales_round_columns(wsic_stored_scales *s, double relative);

/* Round t / w, which takes the weights of the metric back. */
wsic_status wsic_stored_scales_round_rows(wsic_stored_scales *s, double relative);

/* No scales of rows beside the inverses of the metric's weights, which are exact: t = 1. */
wsic_status wsic_stored_scales_keep_rows(wsic_stored_scales *s, double relative);

/* Bits that the scales of the rows take without a fit: those of the metric's weights. */
wsic_status wsic_stored_scales_weight_bits(const wsic_stored_scales *s, double *bits);

#endif
