/* SPDX-License-Identifier: MIT */
/* Which scales a layer gets, and what distortion they leave. */
#ifndef WSIC_QUANT_SCALE_FIT_H
#define WSIC_QUANT_SCALE_FIT_H

#include "quant/stored_scales.h"

typedef struct wsic_scale_fit {
    uint64_t rounds;
    /* Over all columns, with the scales as rounded, where the fit tells as well as a measurement
     * would; else negative. */
    double distortion;
    double energy; /* the problem's, where distortion is known */
} wsic_scale_fit;

/* Fit the scales that the options ask for to the codes of the present pass, and round them. The
 * pass's y is overwritten. */
wsic_status wsic_scale_fit_run(wsic_stored_scales *s, wsic_scale_fit *fit);

#endif
