/* SPDX-License-Identifier: MIT */
/* How much work the parts of a run are, from shapes alone, to judge how far a run is. The unit is
 * about one operation in single precision. */
#ifndef EXAMPLES_LLM_RUN_WORK_H
#define EXAMPLES_LLM_RUN_WORK_H

#include "llm/run/pipeline.h"

/* Statistics and encoding are in double precision. */
#define WORK_DOUBLE 2.0

/* What is gathered at a site. */
struct gathering {
    bool pairs;
    bool residual;
    bool weighted; /* as well as unweighted */
    bool mixed;    /* of several moments */
    size_t columns;
    size_t hidden; /* length of residuals */
};

struct gathering gathering_at(const struct site *site, const struct config *config,
                              const struct recipe *recipe);

/* Of one block; all are of the same shape. */
struct work {
    double pass[SITES + 1]; /* to each site and to the end, over all of the text */
    double layer[LINEAR_KINDS];
};

struct work work_expected(const struct config *config, const struct calibration *calibration);

/* Of a pass of one token through a block. */
double work_block(const struct config *config, size_t window);

/* Of a whole run. */
double work_total(const struct work *work, const struct config *config);

#endif
