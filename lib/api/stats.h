/* SPDX-License-Identifier: MIT */
/* The statistics handle, and what encoders and plans read from it without a copy. */
#ifndef WSIC_API_STATS_H
#define WSIC_API_STATS_H

#include "api/context.h"
#include "format/stats_format.h"
#include "watersic/stats.h"

struct wsic_stats {
    wsic_handle handle;
    wsic_moments moments;
    double *spectrum; /* descending, or NULL */
};

/* The sum of w x x^T, not normalised: n x n, column-major, lower triangle; the upper
 * one is undefined. Divide by wsic_stats_samples() for the covariance. */
const double *wsic_stats_sum(const wsic_stats *stats);

/* The eigenvalues of the covariance, descending, if wsic_stats_spectrum() has computed
 * them since the last change; else NULL. */
const double *wsic_stats_cached_spectrum(const wsic_stats *stats);

#endif
