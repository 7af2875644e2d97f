/* SPDX-License-Identifier: MIT */
#include "stages.h"

#include <math.h>

/* A usual run: one pass over the whole matrix, four evaluations of the search. */
enum { PASSES = 1, EVALUATIONS = 4, ROUNDS = 2 };

/* Sizes that the library uses. */
enum {
    PANEL = 256,  /* columns of a panel of the recursion */
    SAMPLE = 256, /* rows that tell whether scales of rows pay */
    BLOCK = 128,  /* columns of a block of a Cholesky factor */
    BAND = 48     /* columns of a panel on the way to a band: for each of these panels half of the
                     matrix is read twice and written once */
};

static double number(wsic_encoder *encoder, int32_t id)
{
    double value = 0.0;

    bench_check(wsic_encoder_get_number(encoder, id, &value), "wsic_encoder_get_number",
                wsic_encoder_message(encoder));
    return value;
}

stage_run stages_usual(wsic_encoder *encoder, size_t rows, size_t columns)
{
    return (stage_run){
        .rows = (double)rows,
        .columns = (double)columns,
        .passes = PASSES,
        .search_steps = EVALUATIONS,
        .rounds = ROUNDS,
        .row_fraction = number(encoder, WSIC_ROW_FRACTION),
        .ridge = number(encoder, WSIC_RIDGE) > 0.0,
        .pivot = number(encoder, WSIC_ORDER) != 0.0,
        .rows_fitted = number(encoder, WSIC_RESCALE) == 2.0, /* "both" */
        .single = number(encoder, WSIC_PRECISION) == 0.0,    /* "auto" */
        .quick = number(encoder, WSIC_PRECISION) != 1.0,     /* not "double" */
        .limit = number(encoder, WSIC_LIMIT) != 0.0,
    };
}

stage_run stages_reported(wsic_encoder *encoder, const trial_options *options,
                          const wsic_encoder_report *report)
{
    stage_run run = stages_usual(encoder, options->rows, options->columns);

    run.passes = (double)report->passes;
    run.search_steps = (double)report->search_steps;
    run.rounds = (double)report->rescale_rounds;
    run.rows_fitted = run.rows_fitted || run.rounds > 1.0;
    return run;
}

/* A target takes a product, with a ridge another one; a recursion takes one. */
static double recursion(const stage_run *run, double rows, double targets, double recursions)
{
    return rows * run->columns * run->columns * (targets * (run->ridge ? 2.0 : 1.0) + recursions);
}

/* Y is read and written for every panel to its right; weights and codes once. */
static double recursion_bytes(const stage_run *run, double rows, double recursions)
{
    const double size = run->single ? 4.0 : 8.0, n = run->columns;

    return recursions * rows * n * (size * (n / PANEL + 4.0) + 8.0);
}

static stage_work rescale(const stage_run *run)
{
    const double a = run->rows, n = run->columns, cholesky = n * n * n / 3.0;
    stage_work work = {.name = "rescale"};

    if (!run->rows_fitted) { /* (Y - Ŵ L) Lᵀ, Zᵀ Z, the solution; the sample */
        work.single_operations = a * n * n * (run->single ? 2.0 : 1.0);
        work.double_operations =
            a * n * n * (run->single ? 0.0 : 1.0) + cholesky + 3.0 * fmin(a, SAMPLE) * n * n;
        work.bytes = a * n * (run->single ? 16.0 : 24.0) + 24.0 * n * n;
        return work;
    }
    /* C = W Σ; each round Zᵀ T² Z, of which the first is exact in single precision, the solution,
     * M L; M L for the rounded Γ. The rounds in single precision, unless it is ruled out. */
    const double products = 2.0 * run->rounds, single = run->quick ? products : 1.0;
    work.single_operations = a * n * n * single;
    work.double_operations = a * n * n * (3.0 + products - single) + run->rounds * cholesky;
    work.bytes = a * n * (12.0 + 24.0 * run->rounds) + 24.0 * n * n * run->rounds;
    return work;
}

void stages_count(const stage_run *run, stage_work work[STAGES])
{
    const double a = run->rows, n = run->columns, cholesky = n * n * n / 3.0;
    const double factors = run->ridge || run->pivot ? 2.0 : 1.0;
    const double part = run->row_fraction * a;
    const double searched = recursion(run, part, 1.0, run->search_steps);
    const double quantized = recursion(run, a, run->passes, run->passes);
    const stage_work list[STAGES] = {
        {"prepare", 0.0, factors * cholesky, factors * 8.0 * n * n * n / (3.0 * BLOCK)},
        {"search", run->single ? searched : 0.0, run->single ? 0.0 : searched,
         recursion_bytes(run, part, run->search_steps)},
        {"recursion", run->single ? quantized : 0.0, run->single ? 0.0 : quantized,
         recursion_bytes(run, a, run->passes)},
        rescale(run),
        {"distortion", 0.0, 0.0, 0.0},
        {"limit, at most", 0.0, run->limit ? 4.0 * cholesky : 0.0,
         run->limit ? 24.0 * n * n * n / (6.0 * BAND) : 0.0},
    };

    for (size_t i = 0; i < STAGES; i++)
        work[i] = list[i];
}
