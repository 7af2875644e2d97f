/* SPDX-License-Identifier: MIT */
#include "quant/encode.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/eigenvalues.h"
#include "quant/assemble.h"
#include "quant/coupled.h"
#include "quant/feedback.h"
#include "quant/gram.h"
#include "quant/kbest.h"
#include "quant/search.h"
#include "quant/setup.h"
#include "quant/trellis_window.h"

/* Nothing to quantize: no live column, or no weight but zeros. The layer is all zeros at every
 * target. */
static bool is_trivial(const wsic_job *job)
{
    for (size_t r = 0; r < job->rows; r++) {
        if (job->row_energy[r] > 0.0)
            return false;
    }
    return true;
}

static wsic_status encode_zeros(wsic_job *job, wsic_bytes *out)
{
    double distortion = 0.0;

    memset(job->pass.codes, 0, job->rows * job->columns * sizeof *job->pass.codes);
    memset(job->pass.gamma, 0, job->live * sizeof *job->pass.gamma);
    for (size_t j = 0; j < job->live; j++)
        job->pass.alpha[j] = job->spacing.shape[j];
    const wsic_status status = wsic_job_assemble(job, out, &distortion);
    if (status != WSIC_OK)
        return status;
    job->report->outputs = job->outputs;
    return wsic_fail(job->env, WSIC_NOTICE_RATE, "%s: the layer is all zeros, in %zu bytes",
                     job->live == 0 ? "no column is live" : "all weights of live columns are zero",
                     out->size);
}

wsic_status wsic_encode(const wsic_env *env, const wsic_encode_options *options,
                        wsic_encode_problem *problem, wsic_bytes *out, wsic_encode_report *report)
{
    wsic_job job = {
        .env = env,
        .options = options,
        .problem = problem,
        .report = report,
        .metric = {.unit = 1.0},
        .output_energy = -1.0,
    };

    *report = (wsic_encode_report){.passes = 0};
    wsic_status status = wsic_job_prepare(&job);
    if (status == WSIC_OK)
        status = is_trivial(&job) ? encode_zeros(&job, out) : wsic_job_search(&job, out);
    wsic_job_release(&job);
    if (status < 0)
        wsic_bytes_release(out);
    return status;
}

/* Of what a problem keeps beside L: with drift and dead columns copies of Σ and Σ_{X,X̂}; what is
 * mixed. */
static double count_squares(const wsic_blend_sources *sources)
{
    wsic_blend blend;

    if (!sources)
        return 0.0;
    wsic_blend_choose(sources, &blend);
    const double drift = blend.drift > 0.0 ? 1.0 : 0.0;
    return 2.0 * drift + (wsic_blend_is_pure(&blend) ? 0.0 : 1.0 + drift);
}

/* The goal, tiles of errors, vectors; and, of more than a diagonal, the factor of G and a copy for
 * its eigenvalues, and groups of rows that are decided. */
static double output_memory(size_t rows, size_t columns, unsigned kind,
                            const wsic_output_moments *outputs)
{
    const double a = (double)rows, n = (double)columns, tile = fmin(a, 256.0);
    const double alone = 8.0 * a * n + 8.0 * tile * (4.0 * n + tile) + 8.0 * 80.0 * a;

    if (!outputs || !wsic_outputs_known(outputs))
        return 0.0;
    if (outputs->diagonal)
        return alone;
    return alone + 16.0 * a * a + wsic_coupled_pass_memory(rows, columns) +
           wsic_coupled_memory(rows, wsic_trellis_window_memory(kind));
}

/* The part of the rows that the search keeps. */
static double searched_rows(const wsic_encode_options *options, double a, double n)
{
    const double least = fmax(options->row_fraction * a, (double)(1 << 17) / n) + 1.0;

    return 2.0 * least > a ? a : least;
}

/* Target, of all rows and of those that the search keeps: in double precision, or in single, for
 * which L is there in single precision too. With "auto" either may turn out to be needed. */
static double target_memory(const wsic_encode_options *options, double a, double n)
{
    const double weights = (a + searched_rows(options, a, n)) * n;
    const double single = options->precision == WSIC_PRECISION_AUTO ? 4.0 * (weights + n * n) : 0.0;

    return fmax(8.0 * weights, single);
}

/* What comes and goes beside F of the scales: tiles of the gradient on every thread, codes in
 * single precision, a sample of rows, tiles of both scales. */
static double fit_memory(double a, double n, double threads, bool outputs)
{
    const double tile = fmin(a, 256.0) * n;
    const double gradient = 8.0 * threads * tile + a * n / 32.0 + 8.0 * n;
    const double codes = 4.0 * fmin(a, WSIC_GRAM_MOST_ROWS) * n + 4.0 * threads * 128.0 * n;
    const double sample = 28.0 * tile;
    const double both = fmax((outputs ? 16.0 : 8.0) * fmin(a, 512.0) * n, 8.0 * threads * tile);

    return fmax(fmax(gradient, codes), fmax(sample, both));
}

/* What comes and goes: with the recursion a panel and tiles of the target; F, or a copy of Σ for
 * the limit; and with the coder, when these are gone, its tables, codes of 16 bits, a second layer
 * and, of a trellis, a copy of its codes. */
static double passing_memory(const wsic_encode_options *options, double a, double n, double layer,
                             double threads, bool outputs)
{
    const double recursion =
        8.0 * a * fmin(n, 256.0) + 16.0 * threads * fmin(a, 256.0) * n + a * n / 8.0 + 16.0 * n;
    const double limit = options->limit ? wsic_eigenvalues_memory((size_t)n) : 0.0;
    const double products = 8.0 * n * n + fmax(fit_memory(a, n, threads, outputs), limit);
    const double tokens = options->quantizer == WSIC_QUANTIZE_TRELLIS ? 4.0 * a * n : 0.0;
    const double coder = layer + 4.0 * a * n + 4e6 + tokens;

    return fmax(fmax(recursion, products), coder);
}

/* Sizes are added in doubles: the sum is exact to within its rounding, which the
 * margin covers, and cannot overflow. */
bool wsic_encode_memory(const wsic_env *env, const wsic_encode_options *options, size_t rows,
                        size_t columns, const wsic_blend_sources *sources,
                        const wsic_output_moments *outputs, uint64_t *bytes)
{
    const double a = (double)rows, n = (double)columns;
    const double squares = 8.0 * n * n * (1.0 + count_squares(sources)); /* L, and of the problem */
    const double codes = 4.0 * a * n;
    const double threads = fmin((double)wsic_parallel_threads(env), ceil(a / 256.0));
    const double vectors = 192.0 * (a + n); /* two dozen of either length */
    const double rate = options->rate > 0.0 ? options->rate : 16.0;
    const double layer = (rate + 1.0) * a * n / 8.0;
    const wsic_quantizer_choice choice = wsic_job_quantizer(options, rows, columns);
    /* A block's bytes are gathered on their own, with the states of its lanes. */
    const double blocks = 256.0 * ceil(a / (double)choice.restart_rows);
    const double quantizer = wsic_quantizer_memory(&choice, rows);
    /* The library's threads are few beside the batch of tiles that may run at once. */
    const double search =
        options->survivors > 1 ? 16.0 * wsic_kbest_memory(rows, columns, options->survivors) : 0.0;
    const double total =
        1.02 * (squares + codes + target_memory(options, a, n) + layer +
                passing_memory(options, a, n, layer, threads, outputs != NULL) + vectors + blocks +
                quantizer + search + output_memory(rows, columns, options->trellis_kind, outputs));

    if (total >= 0x1p63 || total >= (double)SIZE_MAX)
        return false;
    *bytes = (uint64_t)total;
    return true;
}
