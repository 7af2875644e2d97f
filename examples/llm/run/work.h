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

struct gathering gathering_at(const struct site *site, const struct config *config, size_t block,
                              const struct recipe *recipe);

/* Of one block. */
struct work {
    double pass[SITES + 1]; /* to each site and to the end, over all of the text; to those of
                               experts, for one of them */
    double router;          /* pass to the router, where there is one */
    double layer[LINEAR_KINDS];
    double experts; /* how often the last two sites and the last three layers come */
};

struct work work_expected(const struct config *config, const struct calibration *calibration,
                          size_t block);

/* Of a pass of one token through all blocks. */
double work_blocks(const struct config *config, size_t window);

/* All passes to sites of a run, and encoding of all layers. */
double work_passes(const struct config *config, const struct calibration *calibration);
double work_encoding(const struct config *config);

#endif
