/* SPDX-License-Identifier: MIT */
/* How many bits per weight are spent beyond what reverse waterfilling allows at the
 * distortion that was reached. Weights are iid N(0, 1). */
#include <stdio.h>

#include "trial.h"

static const char help[] =
    "usage: gap [options]\n"
    "  --table             1, 2, 3, 4 bits; spread and ar0.9; presets paper and default\n"
    "  --json              one JSON object a line\n" TRIAL_HELP;

static const struct option option_list[] = {
    {"table", no_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'}, TRIAL_OPTIONS};

typedef struct gap_command {
    trial_options trial;
    bool table;
    bool json;
} gap_command;

static void take_option(void *data, int letter, const char *value)
{
    gap_command *const command = data;

    (void)value;
    command->table = command->table || letter == 't';
    command->json = command->json || letter == 'j';
}

static void print_json(const trial_options *options, const trial_result *result)
{
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "gap");
    trial_put_json(&json, options, result);
    bench_json_close();
}

static void print_heading(const trial_options *options)
{
    printf("%zu x %zu, bits per weight\n\n", options->rows, options->columns);
    printf("| covariance | preset | target | rate | codes | side | pooled entropy | distortion "
           "| limit | gap | seconds |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|---|\n");
}

static void print_row(const trial_options *options, const trial_result *result)
{
    const wsic_layer_info *const info = &result->info;

    printf("| %s | %s | %.3g%s | %.4f | %.4f | %.4f | %.4f | %.4g | %.4f | %.4f | %.2f |\n",
           options->covariance, options->preset, options->rate,
           result->rate_missed ? " (missed)" : "", info->rate, info->rate_codes, info->rate_side,
           info->entropy_pooled, result->distortion, result->limit_rate, result->gap,
           result->report.seconds);
    fflush(stdout);
}

static void run_one(const gap_command *command, const trial_source *source,
                    const trial_options *options)
{
    const trial_result result = trial_run(source, options);

    if (command->json)
        print_json(options, &result);
    else
        print_row(options, &result);
}

static void run_table(const gap_command *command)
{
    static const char *const covariances[] = {"spread", "ar0.9"};
    static const char *const presets[] = {"paper", "default"};
    trial_options options = command->trial;

    if (!command->json)
        print_heading(&options);
    for (size_t c = 0; c < 2; c++) {
        options.covariance = covariances[c];
        trial_source source = trial_source_create(&options);
        for (size_t p = 0; p < 2; p++) {
            options.preset = presets[p];
            for (int bits = 1; bits <= 4; bits++) {
                options.rate = bits;
                run_one(command, &source, &options);
            }
        }
        trial_source_release(&source);
    }
}

int main(int argc, char **argv)
{
    gap_command command = {.trial = {.covariance = "spread",
                                     .rows = 4096,
                                     .columns = 1024,
                                     .rate = 2.0,
                                     .preset = "default",
                                     .seed = 1,
                                     .threads = 0}};

    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    if (command.table) {
        run_table(&command);
        return 0;
    }
    trial_source source = trial_source_create(&command.trial);
    if (!command.json)
        print_heading(&command.trial);
    run_one(&command, &source, &command.trial);
    trial_source_release(&source);
    return 0;
}
