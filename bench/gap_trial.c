/* SPDX-License-Identifier: MIT */
#include "gap_trial.h"

const char *const gap_presets[GAP_PRESETS] = {"paper", "fast", "default", "max"};

void gap_print_json(const trial_options *options, const trial_result *result)
{
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "gap");
    trial_put_json(&json, options, result);
    bench_json_close();
}
