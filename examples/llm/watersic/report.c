/* SPDX-License-Identifier: MIT */
#include "llm/watersic/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/terminal.h"

void report_name(const char *name, size_t beside)
{
    enum { WANTED = 44 };
    const size_t room = terminal_room(stdout, WANTED, beside);
    const bool fits = terminal_width(stdout) == 0 || strlen(name) <= room;
    char buffer[TERMINAL_NAME_SIZE];

    printf("%-*s", (int)room, fits ? name : terminal_fit(name, room, buffer));
}

bool report_flush(struct failure *failure)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return refuse(failure, "standard output: %s", strerror(errno));
    return true;
}

bool report_json(json_t *root, struct failure *failure)
{
    if (!root)
        return refuse(failure, "out of memory for the report");
    const bool printed = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0;
    json_decref(root);
    putchar('\n');
    return report_flush(failure) &&
           (printed || refuse(failure, "standard output: the report could not be printed whole"));
}

/* A layer without its distortion has 0 (layer.h of the library). */
static bool knows_distortion(const wsic_layer_info *info)
{
    return info->relative_distortion > 0;
}

void report_distortion(const wsic_layer_info *info, char text[REPORT_FIGURE_SIZE])
{
    if (knows_distortion(info))
        snprintf(text, REPORT_FIGURE_SIZE, "%.6f", info->relative_distortion);
    else
        snprintf(text, REPORT_FIGURE_SIZE, "-");
}

static json_t *describe_distortion(const wsic_layer_info *info)
{
    return knows_distortion(info) ? json_real(info->relative_distortion) : json_null();
}

json_t *report_evaluation(const struct evaluation *evaluation, double bits_per_weight)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "cross_entropy", evaluation->cross_entropy,
                     "perplexity", evaluation->perplexity, "kl_bits", evaluation->kl_bits,
                     "bits_per_weight", bits_per_weight, "predictions",
                     (json_int_t)evaluation->predictions);
}

json_t *report_reference(const struct evaluation *evaluation)
{
    return json_pack("{s:f, s:f}", "cross_entropy", evaluation->reference_cross_entropy,
                     "perplexity", exp(evaluation->reference_cross_entropy));
}

json_t *report_footprint(const struct footprint *footprint)
{
    return json_pack(
        "{s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "whole_bits_per_weight",
        footprint_whole_bits(footprint), "archive_bytes", (json_int_t)footprint->archive_bytes,
        "quantized_layers", (json_int_t)footprint->layers, "quantized_weights",
        (json_int_t)footprint->weights, "untouched_tensors", (json_int_t)footprint->untouched,
        "untouched_bytes", (json_int_t)footprint->untouched_bytes, "parameters",
        (json_int_t)footprint->parameters);
}

static json_t *report_error(const struct config *config, size_t number,
                            const struct layer_error *error)
{
    char name[MODEL_NAME_SIZE];

    layers_name(config, number, name);
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:o, s:f, s:f}", "name", name, "rows",
                     (json_int_t)error->info.rows, "columns", (json_int_t)error->info.columns,
                     "bytes", (json_int_t)error->info.bytes, "rate", error->info.rate,
                     "relative_distortion", describe_distortion(&error->info), "output_error",
                     pair_output_error(error), "input_error", pair_input_error(error));
}

json_t *report_errors(const struct layer_error *errors, const struct config *config)
{
    json_t *const layers = json_array();

    for (size_t i = 0; i < layers_count(config); i++)
        json_array_append_new(layers, report_error(config, i, &errors[i]));
    return layers;
}

/* NULL if it was not searched. */
static json_t *report_mixing(const struct layer_result *result)
{
    const struct mixing_result *const mixing = &result->mixing;

    if (!result->mixed)
        return NULL;
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "drift_mix", mixing->mix.clean, "attention",
                     mixing->mix.attention, "error", mixing->error, "fixed_error",
                     mixing->fixed_error, "drafts", (json_int_t)mixing->drafts);
}

/* What is not known is null. */
static json_t *figure(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

json_t *report_layer(const struct layer_result *result)
{
    const wsic_layer_info *const info = &result->info;
    const bool limit = info->limit_rate >= 0;

    return json_pack(
        "{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:I, s:o, s:b, s:o*, s:o*}",
        "name", result->name, "rows", (json_int_t)info->rows, "columns", (json_int_t)info->columns,
        "bytes", (json_int_t)info->bytes, "rate", info->rate, "rate_codes", info->rate_codes,
        "rate_side", info->rate_side, "entropy_pooled", info->entropy_pooled, "relative_distortion",
        describe_distortion(info), "limit_rate", figure(limit, info->limit_rate), "gap",
        figure(limit, info->gap), "damping", info->damping, "dead_columns",
        (json_int_t)info->dead_columns, "rate_met",
        result->taken ? json_null() : json_boolean(result->status == WSIC_OK), "taken_over",
        result->taken, "mixing", report_mixing(result), "sensitivity",
        result->sensitivity > 0 ? json_real(result->sensitivity) : NULL);
}

json_t *report_stages(const struct stages *stages)
{
    json_t *const root = json_object();

    for (size_t i = 0; i < STAGES; i++) {
        const double seconds = stages_seconds(stages, (enum stage)i);
        json_object_set_new(root, stage_name((enum stage)i), json_real(seconds));
    }
    return root;
}

/* Stages that the run has none of are left out. */
void report_print_stages(const struct stages *stages)
{
    const char *before = "seconds:";

    for (size_t i = 0; i < STAGES; i++) {
        const double seconds = stages_seconds(stages, (enum stage)i);
        if (seconds > 0) {
            printf("%s %s %.1f", before, stage_name((enum stage)i), seconds);
            before = ",";
        }
    }
    putchar('\n');
}

json_t *report_recipe(const struct recipe *recipe)
{
    return json_pack(
        "{s:b, s:b, s:f, s:f, s:b, s:I, s:b, s:s, s:s, s:s, s:I, s:I}", "drift", recipe->drift,
        "residual", recipe->residual, "drift_mix", recipe->mix.clean, "attention",
        recipe->mix.attention, "mixing", recipe->mixing, "mixing_steps",
        (json_int_t)recipe->mixing_steps, "rescalers", recipe->rescalers, "plan",
        plan_mode_name(recipe->plan), "sensitivity", sensitivity_source_name(recipe->sensitivity),
        "outputs", outputs_mode_name(recipe->outputs), "outputs_rows",
        (json_int_t)recipe->outputs_rows, "outputs_tokens", (json_int_t)recipe->outputs_tokens);
}

json_t *report_vocabulary(const struct vocabulary_rates *rates)
{
    json_t *const root = json_pack("{s:s}", "statistics", rates->alike ? "identity" : "frequency");

    if (rates->embedding > 0)
        json_object_set_new(root, "embedding_rate", json_real(rates->embedding));
    if (rates->head > 0)
        json_object_set_new(root, "head_rate", json_real(rates->head));
    return root;
}

/* A layer becomes zeros whenever it is loaded; drafts load it over and over. */
void report_zeros(const char *name)
{
    static char last[MODEL_NAME_SIZE];

    if (strcmp(name, last) == 0)
        return;
    snprintf(last, sizeof last, "%s", name);
    fprintf(stderr,
            "watersic-llm: warning: %s: stored as zeros: all its weights are subnormal (below "
            "1.2e-38)\n",
            name);
}

void report_unknown_keys(const struct config *config, const char *directory)
{
    if (config->unknown_keys[0] != '\0')
        fprintf(stderr,
                "watersic-llm: warning: %s/config.json: not known and not used: %s (see \"FILES\" "
                "in the manual page)\n",
                directory, config->unknown_keys);
}

/* docs/algorithm.md, "How much text" */
void report_scarce_text(const struct config *config, const struct calibration *calibration)
{
    enum { TOKENS_PER_INPUT = 32 };
    const size_t inputs = layers_widest(config);
    const size_t wanted = TOKENS_PER_INPUT * inputs;
    const size_t count = calibration->tokens->count;

    if (calibration->recipe->plan != PLAN_WATERFILL && count < inputs)
        fprintf(stderr,
                "watersic-llm: warning: calibration tokens: %zu, fewer than the %zu inputs of the "
                "widest layer: of most of their directions nothing is known (--max-tokens)\n",
                count, inputs);
    if (calibration->recipe->plan == PLAN_WATERFILL && count < wanted)
        fprintf(stderr,
                "watersic-llm: warning: %zu calibration tokens are few for layers of up to %zu "
                "inputs: below %zu a plan can fit the text more than the model (--max-tokens, "
                "--plan none)\n",
                count, inputs, wanted);
}
