/* SPDX-License-Identifier: MIT */
#include "gap_table.h"

#include <stdio.h>

#include "gap_trial.h"

enum { COVARIANCES = 2, MOST_BITS = 4 };

static const char *const covariances[COVARIANCES] = {"spread", "ar0.9"};

typedef struct gap_table {
    double gap[GAP_PRESETS][MOST_BITS][COVARIANCES];
} gap_table;

static void run_covariance(trial_options *options, size_t index, bool json, gap_table *table)
{
    options->covariance = covariances[index];
    trial_source source = trial_source_create(options);

    for (size_t p = 0; p < GAP_PRESETS; p++) {
        options->preset = gap_presets[p];
        for (size_t bits = 1; bits <= MOST_BITS; bits++) {
            options->rate = (double)bits;
            const trial_result result = trial_run(&source, options);
            table->gap[p][bits - 1][index] = result.gap;
            if (json)
                gap_print_json(options, &result);
        }
    }
    trial_source_release(&source);
}

static void print_table(const trial_options *options, const gap_table *table)
{
    printf("Gap in bits per weight, %s / %s, %zu x %zu, seed %llu\n\n| preset |", covariances[0],
           covariances[1], options->rows, options->columns, (unsigned long long)options->seed);
    for (int bits = 1; bits <= MOST_BITS; bits++)
        printf(" R=%d |", bits);
    printf("\n|---|---|---|---|---|\n");
    for (size_t p = 0; p < GAP_PRESETS; p++) {
        printf("| %s |", gap_presets[p]);
        for (size_t bits = 0; bits < MOST_BITS; bits++)
            printf(" %.3f / %.3f |", table->gap[p][bits][0], table->gap[p][bits][1]);
        printf("\n");
    }
}

void gap_print_table(const trial_options *given, bool json)
{
    trial_options options = *given;
    gap_table table;

    for (size_t c = 0; c < COVARIANCES; c++)
        run_covariance(&options, c, json, &table);
    if (!json)
        print_table(&options, &table);
}
