/* SPDX-License-Identifier: MIT */
#include "gap_plot.h"

#include <stdio.h>
#include <stdlib.h>

#include "baselines.h"
#include "common/baselines.h"
#include "common/plot.h"
#include "gap_trial.h"

/* Rates in halves of a bit: 0.5 to 4. */
enum { FIRST_HALF = 1, LAST_HALF = 8 };

/* In the order of gap_presets. */
static const char *const preset_names[GAP_PRESETS] = {"WaterSIC, paper", "WaterSIC, fast",
                                                      "WaterSIC, default", "WaterSIC, max"};

/* Codes of fixed length have no rates below one bit and few above it. */
static plot_line fixed_line(const trial_source *source, const char *name, bool feedback)
{
    plot_line line = {.name = name};
    uint32_t before = 0;

    for (int half = 2; half <= LAST_HALF; half++) {
        const uint32_t levels = baseline_levels(source, 0.5 * half);
        if (levels == before)
            continue;
        const baseline_result result = baseline_run(source, feedback, levels);
        plot_add(&line, result.rate, result.gap);
        before = levels;
    }
    return line;
}

static plot_line coded_line(const trial_source *source, const char *name,
                            const trial_options *given)
{
    plot_line line = {.name = name};
    trial_options options = *given;

    for (int half = FIRST_HALF; half <= LAST_HALF; half++) {
        options.rate = 0.5 * half;
        const trial_result result = trial_run(source, &options);
        plot_add(&line, result.info.rate, result.gap);
    }
    return line;
}

static plot_line uniform_line(const trial_source *source, const char *name,
                              const trial_options *given)
{
    trial_options options = *given;

    options.preset = "paper";
    for (size_t i = 0; i < CODED_GPTQ_SETTINGS; i++)
        trial_add_setting(&options, coded_gptq_settings[i]);
    /* GPTQ's own is meant for few samples; here the covariance is known. */
    trial_add_setting(&options, "damping=1e-4");
    return coded_line(source, name, &options);
}

static plot_line rotated_line(const trial_options *given)
{
    trial_options options = *given;
    trial_source rotated = trial_source_create(&options);

    trial_source_rotate(&rotated, given->seed + 3);
    const plot_line line = uniform_line(&rotated, "GPTQ, rotated, coded", given);
    trial_source_release(&rotated);
    return line;
}

static void add_lines(struct plot *plot, const trial_source *source, const trial_options *given)
{
    trial_options options = *given;

    plot->lines[plot->line_count++] = fixed_line(source, "RTN", false);
    plot->lines[plot->line_count++] = fixed_line(source, "GPTQ", true);
    plot->lines[plot->line_count++] = uniform_line(source, "GPTQ, entropy-coded", given);
    plot->lines[plot->line_count++] = rotated_line(given);
    for (size_t p = 0; p < GAP_PRESETS; p++) {
        options.preset = gap_presets[p];
        plot->lines[plot->line_count++] = coded_line(source, preset_names[p], &options);
    }
}

void gap_plot(const trial_options *given, const char *path)
{
    trial_options options = *given;
    trial_source source = trial_source_create(&options);
    char subtitle[128];
    struct failure failure;
    struct plot plot = {.title = "What methods spend beyond the limit",
                        .subtitle = subtitle,
                        .x_label = "rate, bits per weight, everything counted",
                        .y_label = "gap, bits per weight",
                        .x_first = 0.3,
                        .x_last = 4.2,
                        .x_tick = 0.5};

    snprintf(subtitle, sizeof subtitle, "covariance %.64s, %zu x %zu Gaussian weights",
             options.covariance, source.rows, source.columns);
    add_lines(&plot, &source, &options);
    trial_source_release(&source);
    if (!plot_write(&plot, 1, path, &failure)) {
        fprintf(stderr, "%s\n", failure.text);
        exit(1);
    }
}
