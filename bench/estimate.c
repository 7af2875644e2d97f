/* SPDX-License-Identifier: MIT */
#include "estimate.h"

#include <stdio.h>

/* A usual run: one pass over the whole matrix, four evaluations of the search on a part of its
 * rows, two rounds of the rescalers. */
enum { PASSES = 1, EVALUATIONS = 4, ROUNDS = 2, STAGES = 5 };

typedef struct stage_cost {
    const char *name;
    double a_n_n; /* operations in units of a n² */
    double n_n_n; /* and of n³ */
} stage_cost;

/* Additions and multiplications of the matrix products and factorisations; all else grows with
 * a n only. */
static void list_stages(double row_fraction, stage_cost stages[STAGES])
{
    const stage_cost list[STAGES] = {
        {"prepare: Cholesky", 0.0, 1.0 / 3.0},
        /* target Y = W L once, cancelling in every evaluation */
        {"search", row_fraction * (1 + EVALUATIONS), 0.0},
        {"recursion: target, cancelling", 2.0 * PASSES, 0.0},
        /* W Σ; a round: F, its Cholesky factor, M Σ; T for the rounded Γ */
        {"rescale", 2.0 + 3.0 * ROUNDS + 2.0, ROUNDS / 3.0},
        {"distortion, energy", 4.0, 0.0},
    };

    for (size_t i = 0; i < STAGES; i++)
        stages[i] = list[i];
}

static uint64_t memory(wsic_encoder *encoder, const trial_options *options)
{
    uint64_t bytes = 0;

    bench_check(wsic_encoder_estimate_memory(encoder, options->rows, options->columns, &bytes),
                "wsic_encoder_estimate_memory", wsic_encoder_message(encoder));
    return bytes;
}

static void print_stages(const trial_options *options, double row_fraction, double speed)
{
    const double a = (double)options->rows, n = (double)options->columns;
    stage_cost stages[STAGES];
    double total = 0.0;

    list_stages(row_fraction, stages);
    printf("| stage | Tflop | seconds at %.1f Gflop/s |\n|---|---|---|\n", 1e-9 * speed);
    for (size_t i = 0; i < STAGES; i++) {
        const double operations = stages[i].a_n_n * a * n * n + stages[i].n_n_n * n * n * n;
        printf("| %s | %.3g | %.0f |\n", stages[i].name, 1e-12 * operations, operations / speed);
        total += operations;
    }
    printf("| total | %.3g | %.0f |\n", 1e-12 * total, total / speed);
    printf("| limit: eigenvalues, if wanted | %.3g | %.0f |\n", 4e-12 / 3 * n * n * n,
           4.0 / 3 * n * n * n / speed);
}

void estimate_print(const trial_options *options, double speed)
{
    const double n = (double)options->columns;
    double row_fraction = 0.0;
    wsic_context *context;

    bench_check(wsic_context_create(NULL, &context), "wsic_context_create", "");
    wsic_encoder *const encoder = trial_encoder(context, options);
    bench_check(wsic_encoder_get_number(encoder, WSIC_ROW_FRACTION, &row_fraction), "row_fraction",
                wsic_encoder_message(encoder));
    printf(
        "%zu x %zu at %g bits: a run allocates at most %.2f GiB, the statistics hold %.2f GiB\n\n",
        options->rows, options->columns, options->rate, (double)memory(encoder, options) / 0x1p30,
        8.0 * n * n / 0x1p30);
    print_stages(options, row_fraction, speed);
    wsic_encoder_destroy(encoder);
    wsic_context_destroy(context);
}
