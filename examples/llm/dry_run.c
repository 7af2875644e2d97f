/* SPDX-License-Identifier: MIT */
#include "llm/dry_run.h"

#include <stdio.h>

#include "llm/estimate.h"
#include "llm/report.h"

struct outlook {
    const struct options *options;
    const struct model *model;
    const struct calibration *calibration;
    struct pass_estimate passes;
    struct memory_estimate memory;
    uint64_t result; /* bytes of the archive */
};

static size_t windows(const struct calibration *calibration)
{
    return (calibration->tokens->count + calibration->window - 1) / calibration->window;
}

static void print_memory(const char *what, uint64_t bytes)
{
    printf("  %-36s %10.1f MiB\n", what, (double)bytes / 0x1p20);
}

static void print_text(const struct outlook *outlook)
{
    const struct config *const config = &outlook->model->config;
    const struct memory_estimate *const memory = &outlook->memory;

    printf("%s: %zu blocks, %zu layers, %zu weights\n", config->architecture, config->blocks,
           config->blocks * LINEAR_KINDS, model_linear_weights(outlook->model));
    printf("text: %zu tokens in %zu windows of %zu\n", outlook->calibration->tokens->count,
           windows(outlook->calibration), outlook->calibration->window);
    printf("passes over the text: %zu (%d in a block, one of them to its end), through %zu "
           "model%s; attention: %zu\n",
           outlook->passes.passes, SITES + 1, outlook->passes.streams,
           outlook->passes.streams == 1 ? "" : "s at once", outlook->passes.attention);
    printf("memory:\n");
    print_memory("program and libraries", memory->program);
    print_memory("weights of a block", memory->blocks);
    print_memory("states of all tokens", memory->states);
    print_memory("a batch of tokens on its way", memory->passing);
    print_memory("statistics of the largest site", memory->statistics);
    print_memory("encoding its largest layer", memory->encoding);
    print_memory("together", memory->total);
    print_memory("more if inputs are always 0", memory->dead);
    printf("result: about %.1f MiB at %g bits per weight\n", (double)outlook->result / 0x1p20,
           outlook->options->rates.values[0]);
}

static json_t *describe_memory(const struct memory_estimate *memory)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "program",
                     (json_int_t)memory->program, "blocks", (json_int_t)memory->blocks, "states",
                     (json_int_t)memory->states, "passing", (json_int_t)memory->passing,
                     "statistics", (json_int_t)memory->statistics, "encoding",
                     (json_int_t)memory->encoding, "total", (json_int_t)memory->total, "dead",
                     (json_int_t)memory->dead);
}

static json_t *describe_json(const struct outlook *outlook)
{
    const struct config *const config = &outlook->model->config;

    return json_pack(
        "{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:f, s:I}", "dry_run",
        true, "architecture", config->architecture, "blocks", (json_int_t)config->blocks, "layers",
        (json_int_t)(config->blocks * LINEAR_KINDS), "weights",
        (json_int_t)model_linear_weights(outlook->model), "tokens",
        (json_int_t)outlook->calibration->tokens->count, "window",
        (json_int_t)outlook->calibration->window, "windows",
        (json_int_t)windows(outlook->calibration), "recipe",
        report_recipe(outlook->calibration->recipe), "streams", (json_int_t)outlook->passes.streams,
        "passes", (json_int_t)outlook->passes.passes, "attention_passes",
        (json_int_t)outlook->passes.attention, "memory", describe_memory(&outlook->memory),
        "rate_target", outlook->options->rates.values[0], "bytes", (json_int_t)outlook->result);
}

bool dry_run(const struct options *options, const struct session *session,
             const struct calibration *calibration, wsic_encoder *encoder, struct failure *failure)
{
    const struct config *const config = &session->model.config;
    const double weights = (double)model_linear_weights(&session->model);
    struct outlook outlook = {.options = options,
                              .model = &session->model,
                              .calibration = calibration,
                              .passes = estimate_passes(config, calibration),
                              .result = (uint64_t)(weights * options->rates.values[0] / 8)};

    if (!estimate_memory(&outlook.memory, config, calibration, encoder, failure))
        return false;
    if (options->json)
        return report_json(describe_json(&outlook), failure);
    print_text(&outlook);
    return report_flush(failure);
}
