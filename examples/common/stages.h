/* SPDX-License-Identifier: MIT */
/* Where the time of a long run goes. At any time the run is in one stage, so that the seconds of
 * all stages add up to those since the start. */
#ifndef EXAMPLES_COMMON_STAGES_H
#define EXAMPLES_COMMON_STAGES_H

#include <time.h>

enum stage {
    STAGE_OTHER,      /* none of the following */
    STAGE_READING,    /* weights and texts from files */
    STAGE_FORWARD,    /* the calibration text on its way through the model */
    STAGE_STATISTICS, /* sums of what layers see */
    STAGE_PLAN,       /* all that comes before the first layer, and the search of mixtures */
    STAGE_ENCODING,   /* layers to codes and scales, and back to weights */
    STAGE_CODING,     /* codes to bytes */
    STAGE_WRITING,    /* to the archive */
    STAGE_EVALUATION, /* how good a model is */
    STAGES
};

struct stages {
    double seconds[STAGES]; /* but for the present one since it began */
    enum stage now;
    struct timespec since;
};

/* "other", "reading", "forward", ... */
const char *stage_name(enum stage stage);

void stages_start(struct stages *stages);

/* In the next three, stages may be NULL where nobody asks where the time goes. */

/* Enter a stage; returns the one before, which stages_leave() gets. What a plan or an evaluation
 * does, reads and passes forward counts as theirs: within them this changes nothing. */
enum stage stages_enter(struct stages *stages, enum stage stage);
void stages_leave(struct stages *stages, enum stage before);

/* So many of the seconds of encoding so far were of coding, if the run is encoding. */
void stages_note_coding(struct stages *stages, double seconds);

/* Seconds of a stage until now. */
double stages_seconds(const struct stages *stages, enum stage stage);

#endif
