/* SPDX-License-Identifier: MIT */
/* The bytes of statistics on disk. docs/format.md, section "Statistics", is the normative
 * description. */
#ifndef WSIC_FORMAT_STATS_FORMAT_H
#define WSIC_FORMAT_STATS_FORMAT_H

#include "base/env.h"
#include "base/file.h"

typedef struct wsic_moments {
    size_t columns; /* n */
    double samples; /* sum of the weights */
    double *sum;    /* n x n, column-major, lower triangle: the sum of w x x^T */
    double bound;   /* no element of the sum is larger in magnitude */
} wsic_moments;

/* Write everything from offset 0; *size receives the number of bytes. */
wsic_status wsic_stats_format_write(const wsic_env *env, const wsic_moments *moments,
                                    wsic_file_writer *file, uint64_t *size);

/* On success moments->sum is the caller's to release, its upper triangle zero. On failure
 * *moments is empty. */
wsic_status wsic_stats_format_read(const wsic_env *env, const wsic_source *source,
                                   wsic_moments *moments);

/* Are sum and covariance within the range of double? */
bool wsic_moments_in_range(double bound, double samples);

#endif
