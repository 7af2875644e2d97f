/* SPDX-License-Identifier: MIT */
/* Between which steps a search may look for its own. */
#ifndef WSIC_QUANT_SEARCH_RANGE_H
#define WSIC_QUANT_SEARCH_RANGE_H

#include "quant/job.h"
#include "quant/reals.h"

/* The rows that a search looks at. */
typedef struct wsic_search_part {
    size_t rows;
    wsic_reals target; /* Y of them: rows x live, in the precision of the job */
    size_t top;        /* the row of the matrix of most energy, which the part may lack */
} wsic_search_part;

/* log2 of the lowest and the highest step: from codes of the largest that the quantizer takes, or
 * half of it for what the part does not show, to all zero. No step matters to a target of zeros. */
wsic_status wsic_search_range(const wsic_job *job, const wsic_search_part *part, double *lowest,
                              double *highest);

#endif
