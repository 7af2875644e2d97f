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

/* The sums, not normalised; borrowed. Divide by moments->samples. */
const wsic_moments *wsic_stats_moments(const wsic_stats *stats);

/* The eigenvalues of the covariance, descending, if wsic_stats_get_spectrum() has computed
 * them since the last change; else NULL. */
const double *wsic_stats_cached_spectrum(const wsic_stats *stats);

/* --- how statistics grow (stats_add.c) ----------------------------------- */

/* Every addition announces here, before it changes anything, by how much samples and the
 * largest element can grow. */
wsic_status wsic_stats_check_growth(const wsic_stats *stats, double bound, double samples);
/* Whether pairs (with residuals of that many outputs) or plain inputs may be added to what is
 * there. Plain statistics without a sample take either. */
wsic_status wsic_stats_check_kind(const wsic_stats *stats, bool pairs, size_t outputs);
/* Make room for pairs where there is none yet; the kind has been checked. */
wsic_status wsic_stats_make_pairs(wsic_stats *stats, size_t outputs);
void wsic_stats_grow(wsic_stats *stats, double bound, double samples);

/* Accept samples as a number of samples. */
wsic_status wsic_stats_check_samples(const wsic_env *env, double samples);
/* Check that a covariance is symmetric with a diagonal of 0 or more; *bound receives the largest
 * magnitude. */
wsic_status wsic_stats_check_symmetric(const wsic_env *env, const char *name,
                                       const wsic_matrix *covariance, double *bound);
/* sum += samples * covariance, the mean of its two halves. */
void wsic_stats_add_symmetric(const wsic_matrix *covariance, double samples, double *sum);
/* Element of a matrix of F64 or F32. */
double wsic_stats_element(const wsic_matrix *matrix, size_t i, size_t j);

#endif
