/* SPDX-License-Identifier: MIT */
#include "quant/metric.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/cholesky.h"
#include "linalg/linalg.h"
#include "quant/metric_weights.h"

/* A row whose gradients are next to nothing counts as if they had this part of the mean energy:
 * that it was not seen to matter does not mean that it may be lost. */
static const double least_diagonal = 1e-4;

void wsic_metric_release(const wsic_env *env, wsic_metric *metric)
{
    wsic_free(env, metric->order);
    wsic_free(env, metric->factor);
    wsic_free(env, metric->schur);
    wsic_free(env, metric->weight);
    wsic_free(env, metric->exponent);
    *metric = (wsic_metric){.unit = 1.0};
}

/* docs/algorithm.md, section "Both sides": enough for gradients with heavy tails, next to nothing
 * too much where G is known exactly. */
double wsic_metric_damping(double samples, size_t rows)
{
    return fmin(0.05 + 0.8 * sqrt((double)rows / samples), 0.5);
}

/* --- G -------------------------------------------------------------------------- */

static bool is_live(const wsic_metric_input *input, size_t row)
{
    return input->row_energy[row] > 0.0;
}

static double element(const wsic_metric_input *input, size_t i, size_t j)
{
    return wsic_outputs_element(&input->outputs, wsic_selected(input->rows, i),
                                wsic_selected(input->rows, j));
}

/* What damping adds to G_rr. In proportion to it: a model whose outputs are scaled one by one, and
 * undone behind, is the same model. */
static double damping_of(const wsic_metric_input *input, const wsic_metric *metric, size_t row)
{
    const double diagonal = element(input, row, row);
    const double raised = fmax(diagonal, least_diagonal * metric->mean);
    return metric->damping * raised + (raised - diagonal);
}

static size_t live_rows(const wsic_metric_input *input)
{
    size_t live = 0;

    for (size_t r = 0; r < input->rows.count; r++)
        live += is_live(input, r);
    return live;
}

static double mean_diagonal(const wsic_metric_input *input, size_t live)
{
    double sum = 0.0;

    /* Divided after the sum, so that the mean of equal numbers is that number. */
    for (size_t r = 0; r < input->rows.count; r++) {
        if (is_live(input, r))
            sum += element(input, r, r);
    }
    return sum / (double)live;
}

static bool is_diagonal(const wsic_metric_input *input)
{
    if (input->outputs.diagonal)
        return true;
    for (size_t j = 0; j < input->rows.count; j++) {
        for (size_t i = j + 1; i < input->rows.count; i++) {
            if (element(input, i, j) != 0.0 && is_live(input, i) && is_live(input, j))
                return false;
        }
    }
    return true;
}

static bool feeds_back(const wsic_metric_options *options, const wsic_metric_input *input)
{
    return options->use == WSIC_OUTPUTS_FULL && input->rows.count > 1 && !is_diagonal(input);
}

/* --- the factor ------------------------------------------------------------------- */

/* The first row is decided first, which the elimination comes to last. */
static void fill_order(wsic_metric *metric)
{
    for (size_t k = 0; k < metric->rows; k++)
        metric->order[k] = metric->rows - 1 - k;
}

/* Ĝ / unit in places. Rows that take no part are coupled to none. */
static void gather(const wsic_metric_input *input, wsic_metric *metric)
{
    const size_t a = metric->rows;
    const double divisor = metric->unit * (1.0 + metric->damping);

    for (size_t k = 0; k < a; k++) {
        const size_t j = metric->order[k];
        for (size_t l = k; l < a; l++) {
            const size_t i = metric->order[l];
            const bool both = is_live(input, i) && is_live(input, j);
            metric->factor[k * a + l] = both ? element(input, i, j) / divisor : 0.0;
        }
        metric->factor[k * a + k] +=
            is_live(input, j) ? damping_of(input, metric, j) / divisor : 1.0;
    }
}

/* S_rr: what of G_rr is left when rows that are decided later have been eliminated. */
static void fill_schur(wsic_metric *metric)
{
    const size_t a = metric->rows;

    for (size_t k = 0; k < a; k++)
        metric->schur[metric->order[k]] = metric->factor[k * a + k] * metric->factor[k * a + k];
}

static wsic_status factorize(const wsic_env *env, const wsic_metric_input *input,
                             wsic_metric *metric)
{
    const size_t a = metric->rows;
    wsic_status status = WSIC_OK;
    size_t elements;

    if (!wsic_mul_size(a, a, &elements))
        elements = SIZE_MAX;
    metric->order = wsic_alloc(env, a, sizeof *metric->order, &status);
    if (!metric->order)
        return status;
    metric->factor = wsic_alloc(env, elements, sizeof *metric->factor, &status);
    if (!metric->factor)
        return status;
    fill_order(metric);
    gather(input, metric);
    const size_t pivot = wsic_cholesky(env, a, metric->factor);
    if (pivot != 0)
        return wsic_fail(env, WSIC_ERROR_NOT_POSITIVE_DEFINITE,
                         "outputs: not positive definite at row %zu, with a damping of %g",
                         metric->order[pivot - 1], metric->damping);
    fill_schur(metric);
    return WSIC_OK;
}

static void fill_diagonal(const wsic_metric_input *input, wsic_metric *metric)
{
    const double divisor = metric->unit * (1.0 + metric->damping);

    for (size_t r = 0; r < metric->rows; r++) {
        const double damped = element(input, r, r) + damping_of(input, metric, r);
        metric->schur[r] = is_live(input, r) ? damped / divisor : 1.0;
    }
}

/* From A to diag(1/w) A. */
static void apply_weights(wsic_metric *metric)
{
    const size_t a = metric->rows;

    for (size_t k = 0; k < a && metric->factor && metric->weight; k++) {
        for (size_t l = k; l < a; l++)
            metric->factor[k * a + l] /= metric->weight[metric->order[l]];
    }
}

/* Without correlations there is nothing to damp. */
static double find_damping(const wsic_metric_options *options, const wsic_metric_input *input,
                           size_t live)
{
    if (options->damping > 0.0)
        return options->damping;
    return input->outputs.sums ? wsic_metric_damping(input->outputs.sums->samples, live) : 0.0;
}

static wsic_status make(const wsic_env *env, const wsic_metric_options *options,
                        const wsic_metric_input *input, wsic_metric *metric)
{
    const size_t live = live_rows(input);
    wsic_status status = WSIC_OK;

    metric->damping = find_damping(options, input, live);
    metric->mean = mean_diagonal(input, live);
    if (!(metric->mean >= DBL_MIN))
        metric->mean = 1.0; /* of all rows that take part nothing is known */
    metric->unit = metric->mean;
    metric->schur = wsic_alloc(env, metric->rows, sizeof *metric->schur, &status);
    if (!metric->schur)
        return status;
    if (feeds_back(options, input))
        status = factorize(env, input, metric);
    else
        fill_diagonal(input, metric);
    if (status == WSIC_OK)
        status = wsic_metric_choose_weights(env, options->weights, input, metric);
    if (status == WSIC_OK)
        apply_weights(metric);
    return status;
}

wsic_status wsic_metric_make(const wsic_env *env, const wsic_metric_options *options,
                             const wsic_metric_input *input, wsic_metric *metric)
{
    *metric = (wsic_metric){
        .rows = input->rows.count,
        .unit = 1.0,
    };
    const wsic_status status = make(env, options, input, metric);
    if (status != WSIC_OK)
        wsic_metric_release(env, metric);
    return status;
}

/* --- what is done with it ------------------------------------------------------------ */

void wsic_metric_gather(const wsic_metric *metric, size_t place, size_t rows, size_t first,
                        size_t count, size_t n, const double *e, size_t lde, double *t, size_t ldt)
{
    const size_t a = metric->rows;

    wsic_gemm_add_transposed(rows, n, count, metric->factor + place * a + first, a, e, lde, t, ldt);
}

void wsic_metric_feed_back(const wsic_metric *metric, size_t place, size_t rows, size_t n,
                           double *t, size_t ldt)
{
    const size_t a = metric->rows;

    wsic_solve_left_transposed(rows, n, metric->factor + place * a + place, a, t, ldt);
}

void wsic_metric_multiply(const wsic_metric *metric, size_t n, double *x)
{
    wsic_multiply_gram(metric->rows, n, metric->factor, x);
}

/* White errors V of weighted rows become E = K V with K = (I + F)⁻¹ = A⁻ᵀ diag(A_kk). */
static void fill_noise(const wsic_metric *metric, double *k)
{
    const size_t a = metric->rows;

    memset(k, 0, a * a * sizeof *k);
    for (size_t j = 0; j < a; j++)
        k[j * a + j] = metric->factor[j * a + j];
    wsic_solve_left_transposed(a, a, metric->factor, a, k, a);
}

/* What damping adds to tr(Ĝ E Eᵀ) for each live row, for V of 1. */
static double damping_noise(const wsic_metric_input *input, const wsic_metric *metric,
                            const double *k)
{
    const size_t a = metric->rows;
    double sum = 0.0;

    for (size_t i = 0; i < a; i++) {
        const size_t row = metric->order ? metric->order[i] : i;
        const double weight = metric->weight ? metric->weight[row] : 1.0;
        double energy = k ? 0.0 : 1.0;
        for (size_t j = 0; k && j < a; j++)
            energy += k[j * a + i] * k[j * a + i];
        if (is_live(input, row))
            sum += damping_of(input, metric, row) / metric->unit * energy / (weight * weight);
    }
    return sum / (double)live_rows(input);
}

/* G is (1 + δ) Ĝ less what was added; tr(Ĝ K Kᵀ) is 1 a row. */
wsic_status wsic_metric_noise_gain(const wsic_env *env, const wsic_metric_input *input,
                                   const wsic_metric *metric, double *gain)
{
    double *k = NULL;
    wsic_status status = WSIC_OK;

    if (metric->factor) {
        k = wsic_alloc(env, metric->rows * metric->rows, sizeof *k, &status);
        if (!k)
            return status;
        fill_noise(metric, k);
    }
    *gain = fmax(1.0 + metric->damping - damping_noise(input, metric, k), 0.0);
    wsic_free(env, k);
    return WSIC_OK;
}
