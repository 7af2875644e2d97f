/* SPDX-License-Identifier: MIT */
/* The state of one encoding, shared by its stages: prepare (job.c), search (search.c),
 * assembly of the layer (assemble.c). */
#ifndef WSIC_QUANT_JOB_H
#define WSIC_QUANT_JOB_H

#include "coding/scales.h"
#include "quant/encode.h"
#include "quant/weights.h"

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
    /* The matrix that is aimed at, W or what makes up best for drift, weighted: rows x live, rows
     * in the order of the metric, columns in the order of the factor. Of feedback, and of output
     * statistics with drift; else NULL. */
    double *goal;

    wsic_quantizer quantizer;
    size_t block_rows; /* of the codes, rows that are left out counted */
    size_t blocks;
    size_t *block_start; /* first row of each block, and behind the last one */
    int8_t *row_width;   /* see wsic_stretch */

    double *shape;       /* α / c, in the order of the factor */
    double *error_share; /* see wsic_zsic, in the order of the factor */
    double *ridge;       /* ρ_j; NULL: none */

    /* Of the present pass over the whole matrix. */
    double step;    /* c, internal units */
    double *y;      /* rows x live: target, then reconstruction, then C = W Σ */
    int32_t *codes; /* all_rows x columns; the recursion fills rows x live */
    double *alpha;
    double *gamma;
    double *gamma_before; /* with feedback: what γ of all rows would have been in the last pass */
    wsic_output_figures outputs; /* of the last assembly */
    double output_energy;        /* tr(G W Σ Wᵀ), internal units; negative: not yet known */
    double residual;             /* ||Y - Ŵ L||² */
    double target_energy;        /* ||Y||² */

    /* For targets on the distortion, else 0: what remains of it whatever Ŵ is, of which only drift
     * leaves any; and what it is apart from what the recursion sees, the distortion being
     * ||Y - Ŵ L||² - Σ_j ρ_j ||ŵ_j||² + offset. */
    double floor;
    double offset;

    double progress; /* part of the whole call that is done */
} wsic_job;

/* c and D outside are c and D inside times these; D_G, in the metric of the outputs, and whichever
 * of the two a target is of. */
double wsic_job_step_unit(const wsic_job *job);
double wsic_job_distortion_unit(const wsic_job *job);
double wsic_job_output_unit(const wsic_job *job);
double wsic_job_target_unit(const wsic_job *job);

/* Weights that rates and distortions are means over: those of rows that are left out, too. */
static inline double wsic_job_weights(const wsic_job *job)
{
    return (double)job->all_rows * (double)job->columns;
}

static inline bool wsic_job_feeds_back(const wsic_job *job)
{
    return job->metric.blocks > 1;
}

/* --- job.c ---------------------------------------------------------------- */

wsic_status wsic_job_prepare(wsic_job *job);
void wsic_job_release(wsic_job *job);

/* The quantizer that the options ask for, for a matrix of this shape without rows that are left
 * out.
 */
wsic_quantizer_choice wsic_job_quantizer(const wsic_encode_options *options, size_t rows,
                                         size_t columns);

/* The next stage's span: `part` of what is left of the whole call. */
wsic_progress wsic_job_span(wsic_job *job, const char *stage, double part);

/* The rate-aware ridge and the order of the columns. ridge.c */
bool wsic_job_refactorizes(const wsic_job *job);
wsic_status wsic_job_refactorize(wsic_job *job);

/* Σ_j ρ_j ||ŵ_j||² of the reconstruction that a recursion over some rows has left in y. ridge.c */
double wsic_job_ridge_cost(const wsic_job *job, size_t rows);

/* Fill the target Y of the given rows (all: index NULL), columns in the order of the
 * factor. target.c */
wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, double *y);

/* The same, in place, from the weights of any rows, columns in the order of the factor. target.c */
wsic_status wsic_job_aim(const wsic_job *job, size_t rows, double *y);

/* Make the goal, where one is needed: before the refactorisation with drift, after it without.
 * feedback.c */
wsic_status wsic_job_drifted_goal(wsic_job *job);
wsic_status wsic_job_plain_goal(wsic_job *job);

/* Recursion over the whole matrix, block after block of its rows, with feedback; fills codes (rows
 * in natural order, columns in that of the factor), gamma, residual, target_energy, and in y the
 * reconstruction, rows in the order of the metric. feedback.c */
wsic_status wsic_job_recurse_blocks(wsic_job *job, const wsic_progress *progress);

/* The cross term C of all rows (in the order of the metric), live columns in natural order, and the
 * constant K of the rescalers: the distortion of Ŵ is K - 2 <C, Ŵ> + <Ŵ S, Ŵ>, of live columns
 * alone where there is no drift. target.c */
wsic_status wsic_job_cross(const wsic_job *job, double *c, double *K);

/* Of the distortion that is asked for, internal units, what quantization may add to the floor. */
double wsic_job_open_distortion(const wsic_job *job);

/* √s_j L_jj of every column, in the order of the factor; or of the factor without ridge, in
 * natural order. */
void wsic_job_sigma(const wsic_job *job, double *sigma);
void wsic_job_plain_sigma(const wsic_job *job, double *sigma);

/* Recursion over the target of some or all rows in y, at the spacings in alpha; fills codes and
 * gamma, all in the order of the factor. A trellis begins anew in every block if it is all rows. */
wsic_status wsic_job_recurse(wsic_job *job, const wsic_progress *progress, size_t rows,
                             const int8_t *row_width, double *residual);

/* Recursion over the whole matrix at step c. */
wsic_status wsic_job_quantize(wsic_job *job, double step);

/* --- measure.c ---------------------------------------------------------------- */

/* The distortion over all columns, dead ones included, for the codes of the present pass and
 * the scales as they will be decoded; and the problem's energy. */
wsic_status wsic_job_measure(wsic_job *job, const float *row_scales, const float *column_scales,
                             double *distortion);

/* G_ij as it was measured. outputs.c */
double wsic_job_output_element(const wsic_job *job, size_t i, size_t j);

/* What the report says of the outputs, for the same codes and scales, into job->outputs. outputs.c
 */
wsic_status wsic_job_measure_outputs(wsic_job *job, const float *row_scales,
                                     const float *column_scales);

/* --- size.c: what a set of codes will cost ---------------------------------- */

/* Codes of some or all rows, with the γ that belong to them. */
typedef struct wsic_trial {
    size_t rows;
    size_t sampled;       /* rows that these were chosen from; others are zero */
    size_t block_rows;    /* of the codes */
    const size_t *row_at; /* see coding/codes.h */
    size_t row_stride;    /* of the codes, see coding/codes.h */
    const int32_t *codes; /* rows x live */
    const double *alpha;
    const double *gamma;
    double relative_residual; /* ||Y - Ŵ L||² / ||Y||² */
} wsic_trial;

/* Bits of the finished layer, estimated from a trial on some of its rows; the scales of
 * the rows, which are not known yet, are left out. */
wsic_status wsic_job_trial_bits(const wsic_job *job, const wsic_trial *trial, double *bits);

/* Bits of coded scales. */
wsic_status wsic_job_scale_bits(const wsic_job *job, const wsic_scales *scales, double *bits);

/* Steps to the octave at which rounding a scale costs as much as storing it finer:
 * relative distortion d, a scale shared by `sharing` weights. */
uint32_t wsic_scale_grid(double relative_distortion, size_t sharing);

/* --- search.c ----------------------------------------------------------------- */

/* Find the step that meets the target, and leave the layer's bytes in out. */
wsic_status wsic_job_search(wsic_job *job, wsic_bytes *out);

/* --- assemble.c --------------------------------------------------------------- */

/* Scales, distortion and bytes for the codes of the present pass. *distortion receives D
 * in internal units. */
wsic_status wsic_job_assemble(wsic_job *job, wsic_bytes *out, double *distortion);

/* --- limit.c ------------------------------------------------------------------ */

/* The same over both spectra, at distortion D_G / the unit of the outputs. */
wsic_status wsic_job_output_limit(wsic_job *job, double distortion, double *rate);

/* Reverse-waterfilling rate at distortion D (internal units), or -1 where the options
 * say that it is not wanted. */
wsic_status wsic_job_limit(wsic_job *job, double distortion, double *rate);

#endif
