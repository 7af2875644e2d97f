/* SPDX-License-Identifier: MIT */
#include "estimate.h"

#include <stdio.h>

#include "stages.h"

uint64_t estimate_memory(wsic_encoder *encoder, const trial_options *options)
{
    uint64_t bytes = 0;

    bench_check(wsic_encoder_estimate_memory(encoder, options->rows, options->columns, &bytes),
                "wsic_encoder_estimate_memory", wsic_encoder_message(encoder));
    return bytes;
}

static void print_stages(const stage_run *run, double speed)
{
    stage_work work[STAGES];
    double operations = 0.0, seconds = 0.0;

    stages_count(run, work);
    printf(
        "| stage | Tflop single | double | seconds at %.1f Gflop/s double |\n|---|---|---|---|\n",
        1e-9 * speed);
    for (size_t i = 0; i < STAGES; i++) {
        const double time = (0.5 * work[i].single_operations + work[i].double_operations) / speed;
        printf("| %s | %.3g | %.3g | %.0f |\n", work[i].name, 1e-12 * work[i].single_operations,
               1e-12 * work[i].double_operations, time);
        operations += work[i].single_operations + work[i].double_operations;
        seconds += time;
    }
    printf("| total | %.3g | | %.0f |\n", 1e-12 * operations, seconds);
}

void estimate_print(const trial_options *options, double speed)
{
    const double n = (double)options->columns;
    wsic_context *context;

    bench_check(wsic_context_create(NULL, &context), "wsic_context_create", "");
    wsic_encoder *const encoder = trial_encoder(context, options);
    printf(
        "%zu x %zu at %g bits: a run allocates at most %.2f GiB, the statistics hold %.2f GiB\n\n",
        options->rows, options->columns, options->rate,
        (double)estimate_memory(encoder, options) / 0x1p30, 8.0 * n * n / 0x1p30);
    const stage_run run = stages_usual(encoder, options->rows, options->columns);
    print_stages(&run, speed);
    wsic_encoder_destroy(encoder);
    wsic_context_destroy(context);
}
