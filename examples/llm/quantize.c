/* SPDX-License-Identifier: MIT */
#include "llm/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "llm/report.h"
#include "llm/watersic_run.h"

struct quantization {
    const struct options *options;
    struct session *session;
    struct tokens tokens;
    struct exclusions exclusions;
    struct watersic_method method;
    size_t layers;
    uint64_t bytes; /* of the archive */
    struct failure *failure;
};

static bool set_metadata(struct quantization *run, const char *key, const char *value)
{
    wsic_archive_writer *const writer = run->method.writer;

    if (wsic_archive_writer_set_metadata(writer, key, value) < 0)
        return refuse(run->failure, "%s: %s", run->options->output,
                      wsic_archive_writer_message(writer));
    return true;
}

static bool set_json_metadata(struct quantization *run, const char *key, json_t *value)
{
    char *const text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    const bool ok = text ? set_metadata(run, key, text)
                         : refuse(run->failure, "%s: out of memory", run->options->output);

    free(text);
    json_decref(value);
    return ok;
}

static json_t *describe_scaling(const struct rope_scaling *scaling)
{
    if (!scaling->on)
        return NULL;
    return json_pack("{s:s, s:f, s:f, s:f, s:I}", "rope_type", "llama3", "factor", scaling->factor,
                     "low_freq_factor", scaling->low, "high_freq_factor", scaling->high,
                     "original_max_position_embeddings", (json_int_t)scaling->original);
}

static json_t *describe_model(const struct config *config)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:b, s:o*}", "architecture",
        config->architecture, "hidden_size", (json_int_t)config->hidden, "intermediate_size",
        (json_int_t)config->intermediate, "num_hidden_layers", (json_int_t)config->blocks,
        "num_attention_heads", (json_int_t)config->heads, "num_key_value_heads",
        (json_int_t)config->kv_heads, "head_dim", (json_int_t)config->head_dim, "vocab_size",
        (json_int_t)config->vocabulary, "rope_theta", config->rope_theta, "rms_norm_eps",
        config->norm_epsilon, "tie_word_embeddings", config->tied, "rope_scaling",
        describe_scaling(&config->rope_scaling));
}

static bool is_skipped(const struct quantization *run, size_t layer)
{
    return run->exclusions.of[layer].skipped;
}

/* Names of the layers that are not in the archive; */
static json_t *describe_skipped(const struct quantization *run)
{
    json_t *const names = json_array();
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < run->layers; i++) {
        model_linear_name(name, i / LINEAR_KINDS, (enum linear_kind)(i % LINEAR_KINDS));
        if (is_skipped(run, i))
            json_array_append_new(names, json_string(name));
    }
    return names;
}

static bool describe_exclusions(struct quantization *run)
{
    const struct options *const options = run->options;

    return (!options->skip || set_json_metadata(run, "skipped", describe_skipped(run))) &&
           (!options->zero_rows || set_metadata(run, "zero_rows", options->zero_rows));
}

/* All that is needed to repeat the run and to tell whether a model fits the archive. */
static bool describe_run(struct quantization *run)
{
    return describe_exclusions(run) &&
           set_metadata(run, "parameters", wsic_encoder_parameters(run->method.encoder)) &&
           set_metadata(run, "preset", run->options->presets.names[0]) &&
           set_json_metadata(run, "model", describe_model(&run->session->model.config)) &&
           set_json_metadata(run, "calibration",
                             json_pack("{s:I, s:I, s:o}", "tokens", (json_int_t)run->tokens.count,
                                       "window", (json_int_t)run->session->window, "recipe",
                                       report_recipe(&run->options->recipe)));
}

static bool write_archive(struct quantization *run)
{
    struct session *const session = run->session;
    const struct calibration calibration = {.tokens = &run->tokens,
                                            .window = session->window,
                                            .recipe = &run->options->recipe,
                                            .directory = run->options->run};
    const struct stretch stretch = {
        .meter = &session->meter, .label = "quantizing", .from = 0, .to = 1};

    if (!describe_run(run) || !watersic_run(&run->method, &session->model, &calibration,
                                            run->options->rates.values[0], &stretch, run->failure))
        return false;
    if (wsic_archive_writer_finish(run->method.writer) < 0)
        return refuse(run->failure, "%s: %s", run->options->output,
                      wsic_archive_writer_message(run->method.writer));
    run->bytes = wsic_archive_writer_size(run->method.writer, NULL);
    meter_stop(&session->meter);
    return true;
}

/* Weights in the layers of the archive. */
static uint64_t count_weights(const struct quantization *run)
{
    uint64_t weights = 0;

    for (size_t i = 0; i < run->layers; i++)
        weights += run->method.results[i].info.rows * run->method.results[i].info.columns;
    return weights;
}

static size_t count_layers(const struct quantization *run)
{
    size_t count = 0;

    for (size_t i = 0; i < run->layers; i++)
        count += !is_skipped(run, i);
    return count;
}

static double bits_per_weight(const struct quantization *run)
{
    return 8 * (double)run->bytes / (double)count_weights(run);
}

static void print_text(const struct quantization *run)
{
    printf("%-44s %12s %8s %10s %8s\n", "layer", "shape", "rate", "distortion", "gap");
    for (size_t i = 0; i < run->layers; i++) {
        const struct layer_result *const result = &run->method.results[i];
        char shape[48];
        char gap[16] = "-";
        if (is_skipped(run, i))
            continue;
        snprintf(shape, sizeof shape, "%llux%llu", (unsigned long long)result->info.rows,
                 (unsigned long long)result->info.columns);
        if (run->options->limit)
            snprintf(gap, sizeof gap, "%.4f", result->info.gap);
        printf("%-44s %12s %8.4f %10.6f %8s%s", result->name, shape, result->info.rate,
               result->info.relative_distortion, gap,
               result->status == WSIC_OK ? "" : "  rate not met");
        if (result->mixed)
            printf("  drift mix %.3f, attention %.3f", result->mixing.mix.clean,
                   result->mixing.mix.attention);
        putchar('\n');
    }
    printf("%s: %llu bytes, %.4f bits per weight in %zu layers, %.1f s\n", run->options->output,
           (unsigned long long)run->bytes, bits_per_weight(run), count_layers(run),
           meter_seconds(&run->session->meter));
}

static json_t *describe_json(const struct quantization *run)
{
    json_t *const layers = json_array();

    for (size_t i = 0; i < run->layers; i++)
        if (!is_skipped(run, i))
            json_array_append_new(layers, report_layer(&run->method.results[i]));
    return json_pack("{s:s, s:f, s:o, s:I, s:f, s:I, s:I, s:f, s:o}", "output",
                     run->options->output, "rate_target", run->options->rates.values[0], "recipe",
                     report_recipe(&run->options->recipe), "bytes", (json_int_t)run->bytes,
                     "bits_per_weight", bits_per_weight(run), "weights",
                     (json_int_t)count_weights(run), "tokens", (json_int_t)run->tokens.count,
                     "seconds", meter_seconds(&run->session->meter), "layers", layers);
}

static bool run_quantization(struct quantization *run)
{
    const struct options *const options = run->options;
    const struct config *const config = &run->session->model.config;

    run->layers = config->blocks * LINEAR_KINDS;
    run->method.results = calloc(run->layers, sizeof *run->method.results);
    if (!run->method.results)
        return refuse(run->failure, "out of memory");
    if (!exclusions_create(&run->exclusions, config, options->skip, options->zero_rows,
                           run->failure))
        return false;
    run->session->model.exclusions = &run->exclusions;
    if (!tokens_load(&run->tokens, options->tokens, config->vocabulary, run->failure))
        return false;
    tokens_sample(&run->tokens, run->session->window, options->max_tokens);
    if (wsic_archive_writer_create(run->session->context, options->output, &run->method.writer) < 0)
        return refuse(run->failure, "%s: %s", options->output,
                      wsic_context_message(run->session->context));
    if (!write_archive(run))
        return false;
    if (options->json)
        return report_json(describe_json(run), run->failure);
    print_text(run);
    return report_flush(run->failure);
}

enum outcome command_quantize(const struct options *options, struct failure *failure)
{
    const struct method_settings settings = {.rate = options->rates.values[0],
                                             .preset = options->presets.names[0],
                                             .settings = options->settings.values,
                                             .setting_count = options->settings.count,
                                             .rescalers = options->recipe.rescalers};
    struct session session;
    struct quantization run = {.options = options, .session = &session, .failure = failure};
    enum outcome outcome = OUTCOME_USAGE;

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    run.method.context = session.context;
    run.method.encoder =
        watersic_encoder_create(session.context, &settings, options->limit, failure);
    if (run.method.encoder)
        outcome = run_quantization(&run) ? OUTCOME_OK : OUTCOME_FAILED;
    wsic_archive_writer_destroy(run.method.writer);
    wsic_encoder_destroy(run.method.encoder);
    tokens_free(&run.tokens);
    free(run.method.results);
    exclusions_free(&run.exclusions);
    session_end(&session);
    return outcome;
}
