/* SPDX-License-Identifier: MIT */
/* What one encoding is about, as all of its stages see it. setup.c makes it; the stages leave their
 * results in the parts that are named after them. */
#ifndef WSIC_QUANT_JOB_H
#define WSIC_QUANT_JOB_H

#include "quant/encode.h"
#include "quant/reals.h"
#include "quant/weights.h"

/* How the spacings of the columns relate, and what their error counts; in the order of the factor.
 */
typedef struct wsic_spacing {
    double *shape;       /* α / c */
    double *error_share; /* see wsic_zsic */
    double *ridge;       /* ρ_j, in natural order; NULL: none */
    double *least;       /* α is not below this: for codes that fit a type; else 0 */
} wsic_spacing;

/* The codes of one step: what the recursion has found for some or all rows. */
typedef struct wsic_pass {
    double step; /* c, internal units */
    /* rows x live, columns in the order of the factor: Y, which the recursion replaces by its error
     * Y - Ŵ L. With feedback in double precision, and Ŵ instead of the error, rows in the order of
     * the metric. */
    wsic_reals y;
    int32_t *codes; /* all_rows x columns; the recursion fills rows x live */
    double *alpha;
    double *gamma;
    double residual;       /* ||Y - Ŵ L||² */
    double target_energy;  /* ||Y||² */
    double product_energy; /* ||W L||²; with drift or feedback 0 */
} wsic_pass;

/* For recursions with feedback between rows, and for drift with output statistics. */
typedef struct wsic_feedback {
    /* The matrix that is aimed at, W or what makes up best for drift, weighted: rows x live, rows
     * in the order of the metric, columns in the order of the factor. NULL: not needed. */
    double *goal;
    double *gamma; /* what γ of all rows would have been in the last pass */
} wsic_feedback;

/* What a recursion does not see of the distortion. Known for targets on the distortion, else 0. */
typedef struct wsic_unseen {
    double floor; /* the part that no Ŵ can remove; 0 without drift */
    /* The distortion is ||Y - Ŵ L||² - Σ_j ρ_j ||ŵ_j||² + offset. */
    double offset;
} wsic_unseen;

typedef struct wsic_job {
    const wsic_env *env;
    const wsic_encode_options *options;
    wsic_encode_problem *problem;
    wsic_encode_report *report;

    size_t all_rows; /* a */
    size_t rows;     /* of the problem's weights: those that are encoded; all arrays over rows below
                        have this length */
    size_t columns;  /* n */
    size_t live;     /* live columns; all arrays over columns below have this length */
    /* Of the problem, which owns it. */
    wsic_factor *factor;
    size_t idle_rows; /* without energy */
    /* Likewise, but with rows weighted by the metric where there is one. */
    wsic_weights weights;
    const double *column_energy;
    const double *row_energy;

    wsic_metric metric; /* of the outputs, where that is in use; else of one block */
    bool has_metric;
    double *weighted_energy; /* of columns, then rows, where rows are weighted */

    wsic_quantizer quantizer;
    size_t block_rows; /* of the codes, rows that are left out counted */
    size_t blocks;
    size_t *block_start; /* first row of each block, and behind the last one */
    int8_t *row_width;   /* see wsic_stretch */

    bool single;     /* precision of the recursion */
    float *L_single; /* the factor in it; NULL where single is false, and while y is wide */

    wsic_spacing spacing;
    wsic_unseen unseen;
    wsic_feedback feedback;
    wsic_pass pass;

    wsic_output_figures outputs; /* of the last assembly */
    double output_energy;        /* tr(G W Σ Wᵀ), internal units; negative: not yet known */

    double progress; /* part of the whole call that is done */
} wsic_job;

/* Factors from internal units to those of the caller: of the step c; of the distortion D; of the
 * distortion D_G in the metric of the outputs; and of the one of both that the target is given
 * in. */
double wsic_job_step_unit(const wsic_job *job);
double wsic_job_distortion_unit(const wsic_job *job);
double wsic_job_output_unit(const wsic_job *job);
double wsic_job_target_unit(const wsic_job *job);

/* Number of weights that rates and distortions are means over. Rows that are left out count. */
static inline double wsic_job_weights(const wsic_job *job)
{
    return (double)job->all_rows * (double)job->columns;
}

/* G_ij as it was measured. */
double wsic_job_output_element(const wsic_job *job, size_t i, size_t j);

/* The part of the target distortion that quantization may add to the floor, internal units. */
double wsic_job_open_distortion(const wsic_job *job);

/* Fill the α of the pass for the step c. */
void wsic_job_space(wsic_job *job, double step);

/* √s_j L_jj of every column, in the order of the factor; or of the factor without ridge, in
 * natural order. */
void wsic_job_sigma(const wsic_job *job, double *sigma);
void wsic_job_plain_sigma(const wsic_job *job, double *sigma);

/* The next stage's span: `part` of what is left of the whole call. */
wsic_progress wsic_job_span(wsic_job *job, const char *stage, double part);

static inline bool wsic_job_feeds_back(const wsic_job *job)
{
    return job->metric.factor != NULL;
}

#endif
