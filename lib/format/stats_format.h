/* SPDX-License-Identifier: MIT */
/* The bytes of statistics on disk. docs/format.md, section "Statistics", is the normative
 * description. */
#ifndef WSIC_FORMAT_STATS_FORMAT_H
#define WSIC_FORMAT_STATS_FORMAT_H

#include "base/env.h"
#include "base/file.h"
#include "format/moments.h"

/* Write everything from offset 0; *size receives the number of bytes. */
wsic_status wsic_stats_format_write(const wsic_env *env, const wsic_moments *moments,
                                    wsic_file_writer *file, uint64_t *size);

/* On success the moments are the caller's to release, upper triangles zero. On failure
 * *moments is empty. */
wsic_status wsic_stats_format_read(const wsic_env *env, const wsic_source *source,
                                   wsic_moments *moments);

#endif
