/* SPDX-License-Identifier: MIT */
#include "quant/encode.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "linalg/eigenvalues.h"
#include "quant/assemble.h"
#include "quant/coupled.h"
#include "quant/feedback.h"
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

/* Sizes are added in doubles: the sum is exact to within its rounding, which the
 * margin covers, and cannot overflow. */
bool wsic_encode_memory(const wsic_env *env, const wsic_encode_options *options, size_t rows,
                        size_t columns, const wsic_blend_sources *sources,
                        const wsic_output_moments *outputs, uint64_t *bytes)
{
    const double a = (double)rows, n = (double)columns;
    /* L in double and in single precision; F of the scales, or a copy of Σ for the limit. */
    const double squares = 8.0 * n * n * (2.5 + count_squares(sources));
    const double copy = 8.0 * n * n;
    /* Target and codes, the former in double precision where rows have scales; the part of the rows
     * that the search keeps. */
    const double least = fmax(options->row_fraction * a, (double)(1 << 17) / n) + 1.0;
    const double part = 2.0 * least > a ? a : least;
    const double arrays = 12.0 * a * n;
    const double searched = 8.0 * part * n;
    /* Tiles on every thread, the panel of the recursion, a sample of rows, sums for every tile. */
    const double threads = fmin((double)wsic_parallel_threads(env), ceil(a / 256.0));
    const double tiles = 16.0 * threads * fmin(a, 256.0) * n + 8.0 * a * fmin(n, 256.0) +
                         12.0 * fmin(a, 512.0) * n + a * n / 8.0 + 16.0 * n;
    /* The limit comes when the tiles are gone. */
    const double limit = options->limit ? wsic_eigenvalues_memory(columns) : 0.0;
    const double vectors = 192.0 * (a + n); /* two dozen of either length */
    /* Coded bytes, at most two layers at a time and the coder's tables; F is gone by then. */
    const double rate = options->rate > 0.0 ? options->rate : 16.0;
    const double one_layer = (rate + 1.0) * a * n / 8.0;
    const wsic_quantizer_choice choice = wsic_job_quantizer(options, rows, columns);
    /* A block's bytes are gathered on their own, with the states of its lanes. */
    const double blocks = 256.0 * ceil(a / (double)choice.restart_rows);
    const double quantizer = wsic_quantizer_memory(&choice, rows);
    /* A trellis is coded from a copy of its codes. */
    const double tokens = options->quantizer == WSIC_QUANTIZE_TRELLIS ? 4.0 * a * n : 0.0;
    /* The library's threads are few beside the batch of tiles that may run at once. */
    const double search =
        options->survivors > 1 ? 16.0 * wsic_kbest_memory(rows, columns, options->survivors) : 0.0;
    const double sides = output_memory(rows, columns, options->trellis_kind, outputs);
    const double products = copy + fmax(tiles, limit) + vectors;
    const double numerics = fmax(products, 2.0 * one_layer + 4.0 * a * n + 4e6 + tokens);
    const double total = 1.02 * (squares - copy + arrays + searched + one_layer + numerics +
                                 blocks + quantizer + search + sides);

    if (total >= 0x1p63 || total >= (double)SIZE_MAX)
        return false;
    *bytes = (uint64_t)total;
    return true;
}
