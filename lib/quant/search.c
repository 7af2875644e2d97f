/* SPDX-License-Identifier: MIT */
/* The search for the step. The curve from step to rate (or distortion) is explored on a
 * part of the rows; the whole matrix is then quantized at the step found, and the
 * difference between what the part promised and what the whole gave is a correction for
 * the next try. Usually there is one, or none. */
#include "quant/search.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/sort.h"
#include "coding/codes.h"
#include "linalg/linalg.h"
#include "quant/assemble.h"
#include "quant/curve.h"
#include "quant/first_step.h"
#include "quant/pass.h"
#include "quant/ridge.h"
#include "quant/search_range.h"
#include "quant/size.h"
#include "quant/target.h"

/* Matrices with fewer weights are searched on all their rows: it costs little, and a
 * tenth of them would tell little. */
enum { SMALL_WEIGHTS = 1 << 17, PASSES_MAX = 64 };

typedef struct search {
    wsic_job *job;
    wsic_bytes *out;
    bool by_rate;     /* value: bits per weight; else -½ log2 D */
    double target;    /* in terms of value */
    double tolerance; /* as documented to the user */

    size_t rows;    /* of the part */
    size_t *index;  /* their numbers */
    size_t sampled; /* rows of the matrix that they were chosen from */
    size_t top;     /* the row of most energy */
    int8_t *row_width;
    wsic_reals target_part; /* Y of the part: rows x live */
    double energy;          /* ||Y||² of the part */
    double least;           /* distortion of a weight that is nothing but the rounding of Y */
    wsic_curve curve;       /* x = log2 c */

    /* What the assembly of the layer added to the promise of its codes: the scales of
     * the rows above all. A guess at first, then the last known. */
    double assembly;
    bool assembly_known;
    /* whole-matrix passes so far: where, what their codes promised, and what the layer
     * had where it was assembled (else NaN) */
    size_t passes;
    double pass_x[PASSES_MAX];
    double pass_promise[PASSES_MAX];
    double pass_value[PASSES_MAX];
    double best_error;
    double final_value; /* of the layer in out */
} search;

/* --- the part of the rows --------------------------------------------------- */

typedef struct ranked_row {
    double energy;
    size_t row;
} ranked_row;

static int by_energy(const void *a, const void *b)
{
    const ranked_row *const x = a, *const y = b;
    if (x->energy != y->energy)
        return x->energy < y->energy ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_number(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static size_t part_rows(const wsic_job *job, size_t sampled)
{
    const size_t least = wsic_div_up(SMALL_WEIGHTS, job->live);
    const size_t wanted = (size_t)ceil(job->options->row_fraction * (double)sampled);
    const size_t rows = wsic_max_size(wanted, least);

    return 2 * rows > sampled ? sampled : rows;
}

/* Evenly over the rows sorted by energy: the mean rate of such a part is much closer to
 * that of all rows than a random part's would be, and needs no random numbers. Rows of zeros,
 * which take next to no bits, would leave little or nothing for the others. */
static wsic_status choose_rows(search *s)
{
    const wsic_job *const job = s->job;
    wsic_status status = WSIC_OK;

    s->sampled = job->rows - job->idle_rows;
    s->rows = part_rows(job, s->sampled);
    s->index = wsic_alloc(job->env, s->rows, sizeof *s->index, &status);
    if (!s->index)
        return status;
    ranked_row *const ranked = wsic_alloc(job->env, s->sampled, sizeof *ranked, &status);
    if (!ranked)
        return status;
    for (size_t r = 0, k = 0; r < job->rows; r++) {
        if (job->row_energy[r] != 0.0)
            ranked[k++] = (ranked_row){job->row_energy[r], r};
    }
    wsic_sort(ranked, s->sampled, sizeof *ranked, by_energy);
    for (size_t k = 0; k < s->rows; k++) {
        const double place = ((double)k + 0.5) * (double)s->sampled / (double)s->rows;
        s->index[k] = ranked[wsic_min_size((size_t)place, s->sampled - 1)].row;
    }
    s->top = ranked[s->sampled - 1].row;
    wsic_free(job->env, ranked);
    wsic_sort(s->index, s->rows, sizeof *s->index, by_number);
    s->row_width = wsic_alloc(job->env, s->rows, sizeof *s->row_width, &status);
    for (size_t k = 0; s->row_width && k < s->rows; k++)
        s->row_width[k] = job->row_width[s->index[k]];
    return status;
}

static wsic_status prepare_part(search *s)
{
    const wsic_job *const job = s->job;
    const size_t count = s->rows * job->live;
    wsic_target_energy energy;
    wsic_status status = WSIC_OK;

    s->target_part.f64 = wsic_alloc(job->env, count, wsic_reals_size(job->single), &status);
    if (!s->target_part.f64)
        return status;
    status = wsic_job_target(job, (wsic_selection){s->rows, s->index}, job->single, s->target_part,
                             &energy);
    if (status != WSIC_OK)
        return status;
    s->energy = energy.target;
    const double part = (double)s->rows / (double)s->sampled;
    s->least = DBL_EPSILON * s->energy / (part * wsic_job_weights(job));
    const wsic_search_part rows = {s->rows, s->target_part, s->top};
    return wsic_search_range(job, &rows, &s->curve.lowest, &s->curve.highest);
}

static double distortion_value(double distortion)
{
    return -0.5 * log2(fmax(distortion, 1e-300));
}

/* What a recursion promises: total rate, or distortion. */
static wsic_status promised(const search *s, const wsic_trial *trial, double residual,
                            double *value)
{
    const wsic_job *const job = s->job;
    const double weights = wsic_job_weights(job);

    if (!s->by_rate) {
        const double part = (double)trial->rows / (double)trial->sampled;
        const double seen = residual - wsic_job_ridge_cost(job, trial->rows, trial->codes_natural);
        const double distortion = (seen + part * job->unseen.offset) / (part * weights);
        *value = distortion_value(fmax(distortion, s->least));
        return WSIC_OK;
    }
    const wsic_status status = wsic_job_trial_bits(job, trial, value);
    *value = (*value + 8.0 * (double)job->options->container_bytes) / weights;
    return status;
}

/* What the last recursion left, over the part or over all rows. */
static wsic_trial trial_of(const search *s, size_t rows, double relative_residual)
{
    const wsic_job *const job = s->job;
    const bool all = rows == job->rows;
    const size_t restart = job->quantizer.restart_rows;
    const size_t of_part = restart != 0 ? restart
                           : job->options->block_rows != 0
                               ? job->options->block_rows
                               : wsic_codes_block_rows(rows, job->live, 0);

    return (wsic_trial){
        .rows = rows,
        .sampled = all ? rows : s->sampled,
        .block_rows = all ? job->block_rows : of_part,
        .row_at = all ? job->problem->weights.rows.index : NULL,
        .codes = job->pass.codes,
        .alpha = job->pass.alpha,
        .gamma = job->pass.gamma,
        .relative_residual = relative_residual,
    };
}

/* A point of the curve: recursion on the part at step 2^x. */
static wsic_status evaluate(void *user, double x, double *value)
{
    search *const s = user;
    wsic_job *const job = s->job;
    double mark = wsic_now(), residual = 0.0;

    wsic_job_space(job, exp2(x));
    memcpy(job->pass.y.f64, s->target_part.f64, s->rows * job->live * wsic_reals_size(job->single));
    wsic_status status = wsic_job_recurse(job, NULL, s->rows, s->row_width, &residual);
    if (status == WSIC_OK) {
        const wsic_trial trial = trial_of(s, s->rows, residual / s->energy);
        status = promised(s, &trial, residual, value);
    }
    if (status == WSIC_OK)
        wsic_log(job->env, WSIC_LOG_DEBUG, "search: step %g, %zu rows: %.4f",
                 exp2(x) * wsic_job_step_unit(job), s->rows, *value);
    job->report->search_steps++;
    job->report->seconds_search += wsic_lap(&mark);
    return status;
}

static wsic_status first_guess(const search *s, double *guess)
{
    double step = 0.0;
    const wsic_status status = wsic_job_first_step(s->job, &step);

    *guess = step > 0.0 ? log2(step) : 0.5 * (s->curve.lowest + s->curve.highest);
    return status;
}

/* --- the whole matrix -------------------------------------------------------- */

/* Scales and bytes for the codes of this pass; keep them if they are the best so far. */
static wsic_status finish_pass(search *s, double *value)
{
    wsic_job *const job = s->job;
    const double weights = wsic_job_weights(job);
    double distortion = 0.0;
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, job->env);
    const wsic_status status = wsic_job_assemble(job, &bytes, &distortion);
    if (status != WSIC_OK) {
        wsic_bytes_release(&bytes);
        return status;
    }
    *value = s->by_rate ? 8.0 * (double)(bytes.size + job->options->container_bytes) / weights
                        : distortion_value(distortion);
    const double error = fabs(*value - s->target);
    if (error < s->best_error) {
        wsic_bytes_release(s->out);
        *s->out = bytes;
        s->best_error = error;
        s->final_value = *value;
        job->report->outputs = job->outputs;
    } else {
        wsic_bytes_release(&bytes);
    }
    return WSIC_OK;
}

/* One pass at step 2^x. If the promise is close to the target, or this is the last pass,
 * go on to the bytes and take their word. */
static wsic_status whole_pass(search *s, double x, bool last, double *value)
{
    wsic_job *const job = s->job;
    wsic_status status = wsic_job_quantize(job, exp2(x));
    double promise = 0.0;

    if (status == WSIC_OK)
        status = wsic_progress_report(job->env, NULL, 0.0);
    if (status != WSIC_OK)
        return status;
    wsic_trial trial = trial_of(s, job->rows, job->pass.residual / job->pass.target_energy);
    trial.codes_natural = true;
    double mark = wsic_now();
    status = promised(s, &trial, job->pass.residual, &promise);
    job->report->seconds_coding += wsic_lap(&mark);
    *value = promise + s->assembly;
    const size_t pass = s->passes++;
    s->pass_x[pass] = x;
    s->pass_promise[pass] = promise;
    s->pass_value[pass] = nan("");
    /* While the assembly is a guess, a promise within it may already be met. What errors of
     * different rows do together no promise knows. */
    const double slack = s->tolerance + (s->assembly_known ? 0.0 : s->assembly);
    const bool worth =
        last || fabs(*value - s->target) <= slack || (!s->by_rate && wsic_job_feeds_back(job));
    if (status == WSIC_OK && worth) {
        status = finish_pass(s, value);
        s->pass_value[pass] = *value;
        s->assembly = *value - promise;
        s->assembly_known = true;
    }
    if (status == WSIC_OK)
        wsic_log(job->env, WSIC_LOG_DEBUG, "pass %llu: step %g: %.4f for %.4f",
                 (unsigned long long)job->report->passes, exp2(x) * wsic_job_step_unit(job), *value,
                 s->target);
    return status;
}

/* Keep to the interval that whole passes have enclosed, by what is now known of the
 * assembly; halve it where the corrected curve points outside. */
static double stay_enclosed(const search *s, double x)
{
    double above = -HUGE_VAL, below = HUGE_VAL;

    for (size_t k = 0; k < s->passes; k++) {
        const bool assembled = !isnan(s->pass_value[k]);
        const double value = assembled ? s->pass_value[k] : s->pass_promise[k] + s->assembly;
        if (value > s->target)
            above = fmax(above, s->pass_x[k]);
        else
            below = fmin(below, s->pass_x[k]);
    }
    const bool enclosed = above > -HUGE_VAL && below < HUGE_VAL && above < below;
    return enclosed && !(x > above && x < below) ? 0.5 * (above + below) : x;
}

/* Next step to try: where the curve, corrected by the last pass, meets the target. */
static wsic_status choose_step(search *s, double correction, double *x, double *promise)
{
    double start = 0.0;
    wsic_status status = s->curve.count == 0 ? first_guess(s, &start) : WSIC_OK;

    if (status == WSIC_OK)
        status = wsic_curve_solve(&s->curve, s->target - correction, 0.2 * s->tolerance, start, x,
                                  promise);
    if (status == WSIC_OK) {
        *x = stay_enclosed(s, *x);
        status = wsic_curve_at(&s->curve, *x, promise);
    }
    return status;
}

static wsic_status run_passes(search *s)
{
    const int64_t most = s->job->options->passes;
    double correction = s->assembly, x = 0.0, promise = 0.0, value = 0.0;

    for (int64_t pass = 1; pass <= most; pass++) {
        const double previous = x;
        wsic_status status = choose_step(s, correction, &x, &promise);
        const bool stuck = pass > 1 && fabs(x - previous) < 1e-7;
        if (status == WSIC_OK)
            status = whole_pass(s, x, stuck || pass == most, &value);
        if (status != WSIC_OK)
            return status;
        if (s->best_error <= s->tolerance || stuck)
            return WSIC_OK;
        correction = value - promise;
    }
    return WSIC_OK;
}

static wsic_status conclude(const search *s)
{
    const wsic_job *const job = s->job;

    if (s->best_error <= s->tolerance)
        return WSIC_OK;
    if (s->by_rate)
        return wsic_fail(job->env, WSIC_NOTICE_RATE,
                         "the rate is %.6g bits per weight, the nearest to %.6g that was reached",
                         s->final_value, s->target);
    const double unit = wsic_job_target_unit(job);
    return wsic_fail(job->env, WSIC_NOTICE_RATE,
                     "the distortion is %.6g, the nearest to %.6g that was reached",
                     exp2(-2.0 * s->final_value) * unit, job->options->distortion);
}

/* Quantize at the step that was asked for; there is nothing to search. */
static wsic_status at_given_step(wsic_job *job, wsic_bytes *out)
{
    double distortion = 0.0;
    wsic_status status = wsic_job_quantize(job, job->options->step / wsic_job_step_unit(job));

    if (status == WSIC_OK)
        status = wsic_job_assemble(job, out, &distortion);
    job->report->outputs = job->outputs;
    return status;
}

wsic_status wsic_job_search(wsic_job *job, wsic_bytes *out)
{
    const wsic_encode_options *const options = job->options;

    if (options->step != 0.0)
        return at_given_step(job, out);

    search s = {
        .job = job,
        .out = out,
        .by_rate = options->rate != 0.0,
        .best_error = HUGE_VAL,
    };
    s.target = s.by_rate ? options->rate
                         : distortion_value(options->distortion / wsic_job_target_unit(job));
    s.tolerance = s.by_rate ? fmax(0.005 * options->rate, 0.005) : 0.5 * log2(1.02);
    s.curve = (wsic_curve){.evaluate = evaluate, .user = &s};
    if (s.by_rate && options->rescale != WSIC_RESCALE_NONE &&
        options->rescale != WSIC_RESCALE_COLUMNS)
        s.assembly = 4.0 * (double)job->rows / wsic_job_weights(job); /* bits of row scales */
    const wsic_progress span = wsic_job_span(job, "search", 0.2);

    wsic_status status = wsic_progress_report(job->env, &span, 0.0);
    if (status == WSIC_OK)
        status = choose_rows(&s);
    if (status == WSIC_OK)
        status = prepare_part(&s);
    if (status == WSIC_OK)
        status = run_passes(&s);
    if (status == WSIC_OK)
        status = conclude(&s);
    wsic_free(job->env, s.target_part.f64);
    wsic_free(job->env, s.row_width);
    wsic_free(job->env, s.index);
    return status;
}
