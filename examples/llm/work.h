/* SPDX-License-Identifier: MIT */
/* How much work the parts of a run are, from shapes alone, to judge how far a run is. The unit is
 * about one operation in single precision. */
#ifndef EXAMPLES_LLM_WORK_H
#define EXAMPLES_LLM_WORK_H

#include "llm/pipeline.h"

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

/* Of what comes before a run, for its plan. */
double work_planning(const struct config *config, const struct calibration *calibration);

/* Of the pass that tells what outputs are worth: for a token, and of all of it. */
struct output_work {
    double forward;  /* through a block */
    double head;     /* labels, and back from them */
    double backward; /* through a block, which is computed again on the way */
    double total;
};

struct output_work work_outputs(const struct config *config, const struct calibration *calibration);

/* Of a whole run. */
double work_total(const struct work *work, const struct config *config);

#endif
