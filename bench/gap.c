/* SPDX-License-Identifier: MIT */
/* How many bits per weight are spent beyond what reverse waterfilling allows at the
 * distortion that was reached. Weights are iid N(0, 1). */
#include <stdio.h>

#include "gap_plot.h"
#include "gap_table.h"
#include "gap_trial.h"

static const char help[] = "usage: gap [options]\n"
                           "  --table             1, 2, 3, 4 bits; spread and ar0.9; all presets\n"
                           "  --plot FILE.svg     0.5 to 4 bits; all presets and other methods\n"
                           "  --json              one JSON object a line\n" TRIAL_HELP;

static const struct option option_list[] = {{"table", no_argument, NULL, 't'},
                                            {"plot", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            TRIAL_OPTIONS};

typedef struct gap_command {
    trial_options trial;
    bool table;
    const char *plot;
    bool json;
} gap_command;

static void take_option(void *data, int letter, const char *value)
{
    gap_command *const command = data;

    command->table = command->table || letter == 't';
    command->json = command->json || letter == 'j';
    command->plot = letter == 'p' ? value : command->plot;
}

static void print_text(const trial_options *options, const trial_result *result)
{
    const wsic_layer_info *const info = &result->info;

    printf("%zu x %zu, bits per weight\n\n", options->rows, options->columns);
    printf("| covariance | preset | target | rate | codes | side | pooled entropy | distortion "
           "| limit | gap | seconds |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|---|\n");
    printf("| %s | %s | %.3g%s | %.4f | %.4f | %.4f | %.4f | %.4g | %.4f | %.4f | %.2f |\n",
           options->covariance, options->preset, options->rate,
           result->rate_missed ? " (missed)" : "", info->rate, info->rate_codes, info->rate_side,
           info->entropy_pooled, result->distortion, result->limit_rate, result->gap,
           result->report.seconds);
}

static void run_one(const gap_command *command)
{
    trial_options options = command->trial;
    trial_source source = trial_source_create(&options);
    const trial_result result = trial_run(&source, &options);

    if (command->json)
        gap_print_json(&options, &result);
    else
        print_text(&options, &result);
    trial_source_release(&source);
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

    /* The limit is computed here, once for a covariance. */
    trial_add_setting(&command.trial, "limit=0");
    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    if (command.table)
        gap_print_table(&command.trial, command.json);
    if (command.plot)
        gap_plot(&command.trial, command.plot);
    if (!command.table && !command.plot)
        run_one(&command);
    return 0;
}
