/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/atomic_file.h"
#include "common/path.h"
#include "common/peak_memory.h"
#include "llm/command/tensors.h"
#include "llm/command/dry_run.h"
#include "llm/publish/directory.h"
#include "llm/publish/pack.h"
#include "llm/watersic/provenance.h"
#include "llm/watersic/outputs_pass.h"
#include "llm/watersic/report.h"
#include "llm/run/takeover.h"
#include "llm/text/text.h"
#include "llm/watersic/watersic_run.h"

struct quantization {
    const struct options *options;
    struct session *session;
    struct tokens tokens;
    struct exclusions exclusions;
    struct watersic_method method;
    struct takeover takeover;
    size_t layers;
    uint64_t bytes;       /* of the archive */
    struct packed packed; /* into the directory, if one is asked for */
    struct failure *failure;
};

static struct method_settings method_settings(const struct options *options)
{
    return (struct method_settings){.rate = options->rates.values[0],
                                    .preset = options->presets.names[0],
                                    .settings = options->settings.values,
                                    .setting_count = options->settings.count,
                                    .rescalers = options->recipe.rescalers,
                                    .outputs = options->recipe.outputs};
}

/* The last layers are embedding and head. */
static bool is_skipped(const struct quantization *run, size_t layer)
{
    const size_t linear = layers_count(&run->session->model.config);

    return layer < linear && run->exclusions.of[layer].skipped;
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

/* Say what the archive is made from, or see that what is there of it was made from the same. */
static bool describe_run(struct quantization *run)
{
    const struct options *const options = run->options;
    wsic_archive_writer *const writer = run->method.writer;
    const struct provenance provenance = {.model = &run->session->model,
                                          .tokens = &run->tokens,
                                          .window = run->session->window,
                                          .recipe = &options->recipe,
                                          .zero_rows = options->zero_rows,
                                          .preset = options->presets.names[0],
                                          .parameters =
                                              wsic_encoder_parameters(run->method.encoder),
                                          .vocabulary = &options->vocabulary};
    json_t *const description = provenance_describe(&provenance, run->failure);

    const bool ok = description &&
                    (wsic_archive_writer_count(writer) == 0 ||
                     provenance_check(description, writer, options->output, run->failure)) &&
                    provenance_write(description, writer, options->output, run->failure);
    json_decref(description);
    return ok;
}

/* Its results come after those of the layers of blocks. */
static struct vocabulary describe_vocabulary(const struct quantization *run)
{
    const size_t count = vocabulary_layers(&run->options->vocabulary);

    return (struct vocabulary){.rates = run->options->vocabulary,
                               .settings = method_settings(run->options),
                               .limit = run->options->limit,
                               .context = run->session->context,
                               .writer = run->method.writer,
                               .stages = &run->session->meter.stages,
                               .model = &run->session->model,
                               .results = run->method.results + run->layers - count};
}

static struct calibration describe_calibration(const struct quantization *run)
{
    return (struct calibration){.tokens = &run->tokens,
                                .window = run->session->window,
                                .recipe = &run->options->recipe,
                                .low_memory = run->options->low_memory,
                                .taken = run->takeover.taken,
                                .directory = run->options->run};
}

/* The embedding comes before all layers, and wants to know what it is worth. */
static bool make_embedding(struct quantization *run, struct vocabulary *vocabulary)
{
    struct session *const session = run->session;
    const struct calibration *const calibration = vocabulary->calibration;
    const struct stretch stretch = {
        .meter = &session->meter, .label = "outputs", .from = 0, .to = 0};

    if (!vocabulary_wants_embedding(vocabulary) || !calibration->outputs)
        return vocabulary_quantize_embedding(vocabulary, run->failure);
    const enum stage before = stages_enter(vocabulary->stages, STAGE_PLAN);
    const bool collected =
        outputs_collect(calibration->outputs, &session->model, calibration, &stretch, run->failure);
    stages_leave(vocabulary->stages, before);
    return collected && vocabulary_quantize_embedding(vocabulary, run->failure);
}

static bool make_layers(struct quantization *run)
{
    struct session *const session = run->session;
    struct vocabulary vocabulary = describe_vocabulary(run);
    const struct pipeline_end end = {.use = vocabulary_quantize_head, .self = &vocabulary};
    char label[80] = "quantizing";
    struct calibration calibration = describe_calibration(run);
    const struct stretch stretch = {.meter = &session->meter, .label = label, .from = 0, .to = 1};
    struct outputs outputs = {.layers = 0};

    if (run->takeover.count > 0)
        snprintf(label, sizeof label, "quantizing (%zu of %zu layers taken over)",
                 run->takeover.count, count_layers(run));
    if (vocabulary_wants_head(&vocabulary))
        calibration.end = &end;
    run->method.taken = run->takeover.taken;
    vocabulary.calibration = &calibration;
    if (recipe_differentiates(&run->options->recipe)) {
        if (!outputs_create(&outputs, session->context, &session->model, &run->options->recipe,
                            run->failure))
            return false;
        calibration.outputs = &outputs;
    }
    const bool ok = make_embedding(run, &vocabulary) &&
                    watersic_run(&run->method, &session->model, &calibration,
                                 run->options->rates.values[0], &stretch, run->failure) &&
                    vocabulary_note_head(&vocabulary, run->failure);
    outputs_free(&outputs);
    return ok;
}

static bool finish_archive(struct quantization *run)
{
    struct stages *const stages = &run->session->meter.stages;
    const enum stage before = stages_enter(stages, STAGE_WRITING);
    const wsic_status status = wsic_archive_writer_finish(run->method.writer);

    stages_leave(stages, before);
    if (status < 0)
        return refuse(run->failure, "%s: %s", run->options->output,
                      wsic_archive_writer_message(run->method.writer));
    run->bytes = wsic_archive_writer_size(run->method.writer, NULL, 0);
    meter_stop(&run->session->meter);
    return true;
}

static bool write_archive(struct quantization *run)
{
    const struct options *const options = run->options;

    run->method.writer =
        takeover_open(run->session->context, options->output, options->restart, run->failure);
    if (!run->method.writer || !describe_run(run) ||
        !takeover_find(&run->takeover, run->method.writer, &run->session->model.config,
                       options->output, run->failure))
        return false;
    if (make_layers(run) && finish_archive(run))
        return true;
    if (wsic_archive_writer_count(run->method.writer) > 0)
        takeover_tell(run->method.writer, options->output, run->failure);
    return false;
}

/* The archive becomes the directory, and is no longer needed. */
static bool pack_archive(struct quantization *run)
{
    const struct options *const options = run->options;
    const struct packing packing = {.checkpoint = run->session->model.checkpoint,
                                    .source = options->model,
                                    .config = &run->session->model.config,
                                    .archive_path = options->output,
                                    .output = options->directory,
                                    .shard_bytes = options->shard_bytes,
                                    .meter = &run->session->meter};

    return !options->directory ||
           pack_archive_away(&packing, run->session->context, &run->packed, run->failure);
}

static double bits_per_weight(const struct quantization *run)
{
    return 8 * (double)run->bytes / (double)count_weights(run);
}

static const char *output_name(const struct quantization *run)
{
    return run->options->directory ? run->options->directory : run->options->output;
}

/* Characters that a line of the table has beside the name. */
enum { FIGURES = 42 };

static void print_text(const struct quantization *run)
{
    report_name("layer", FIGURES);
    printf(" %12s %8s %10s %8s\n", "shape", "rate", "distortion", "gap");
    for (size_t i = 0; i < run->layers; i++) {
        const struct layer_result *const result = &run->method.results[i];
        char shape[48];
        char gap[16] = "-";
        char distortion[REPORT_FIGURE_SIZE];
        if (is_skipped(run, i))
            continue;
        snprintf(shape, sizeof shape, "%llux%llu", (unsigned long long)result->info.rows,
                 (unsigned long long)result->info.columns);
        if (!isnan(result->info.gap))
            snprintf(gap, sizeof gap, "%.4f", result->info.gap);
        report_distortion(&result->info, distortion);
        report_name(result->name, FIGURES);
        printf(" %12s %8.4f %10s %8s%s", shape, result->info.rate, distortion, gap,
               result->status == WSIC_OK ? "" : "  rate not met");
        if (result->mixed)
            printf("  drift mix %.3f, attention %.3f", result->mixing.mix.clean,
                   result->mixing.mix.attention);
        putchar('\n');
    }
    printf("%s: %llu bytes, %.4f bits per weight in %zu layers", output_name(run),
           (unsigned long long)run->bytes, bits_per_weight(run), count_layers(run));
    if (run->takeover.count > 0)
        printf(" (%zu taken over)", run->takeover.count);
    printf(", %.1f s\n", meter_seconds(&run->session->meter));
    report_print_stages(&run->session->meter.stages);
}

static json_t *describe_json(const struct quantization *run)
{
    json_t *const stages = report_stages(&run->session->meter.stages);
    json_t *const layers = json_array();

    for (size_t i = 0; i < run->layers; i++)
        if (!is_skipped(run, i))
            json_array_append_new(layers, report_layer(&run->method.results[i]));
    return json_pack("{s:s, s:f, s:o, s:I, s:f, s:I, s:I, s:I, s:f, s:o, s:I, s:o}", "output",
                     output_name(run), "rate_target", run->options->rates.values[0], "recipe",
                     report_recipe(&run->options->recipe), "bytes", (json_int_t)run->bytes,
                     "bits_per_weight", bits_per_weight(run), "weights",
                     (json_int_t)count_weights(run), "tokens", (json_int_t)run->tokens.count,
                     "taken_over", (json_int_t)run->takeover.count, "seconds",
                     meter_seconds(&run->session->meter), "stages", stages, "peak_bytes",
                     (json_int_t)peak_memory(), "layers", layers);
}

static bool load_text(struct quantization *run, const struct text_source *source)
{
    const struct options *const options = run->options;
    struct stages *const stages = &run->session->meter.stages;
    const enum stage before = stages_enter(stages, STAGE_READING);
    const bool ok = text_load(&run->tokens, source, &run->session->model.config,
                              run->session->window, options->max_tokens, run->failure);

    stages_leave(stages, before);
    return ok;
}

static bool run_quantization(struct quantization *run)
{
    const struct options *const options = run->options;
    const struct config *const config = &run->session->model.config;
    const struct text_source source = options_text(options);

    if (!vocabulary_check(&options->vocabulary, config, run->failure))
        return false;
    run->layers = layers_count(config) + vocabulary_layers(&options->vocabulary);
    run->method.results = calloc(run->layers, sizeof *run->method.results);
    if (!run->method.results)
        return refuse(run->failure, "out of memory");
    if (!exclusions_create(&run->exclusions, config, options->skip, options->zero_rows,
                           run->failure))
        return false;
    run->session->model.exclusions = &run->exclusions;
    if (!load_text(run, &source))
        return false;
    const struct calibration calibration = describe_calibration(run);
    report_scarce_text(config, &calibration);
    if (options->dry_run)
        return atomic_file_is_possible(options->output, run->failure) &&
               dry_run(options, run->session, &calibration, run->method.encoder, run->failure);
    if (!write_archive(run) || !pack_archive(run))
        return false;
    if (options->json)
        return report_json(describe_json(run), run->failure);
    print_text(run);
    return report_flush(run->failure);
}

static enum outcome quantize(const struct options *options, struct failure *failure)
{
    const struct method_settings settings = method_settings(options);
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
    takeover_free(&run.takeover);
    wsic_encoder_destroy(run.method.encoder);
    tokens_free(&run.tokens);
    free(run.method.results);
    exclusions_free(&run.exclusions);
    session_end(&session);
    return outcome;
}

enum outcome command_quantize(const struct options *options, struct failure *failure)
{
    struct options own = *options;
    char path[PATH_MAX];

    if (options->tensors)
        return command_tensors(options, failure);
    if (options->directory) {
        if (!pack_name_archive(options->directory, path, failure))
            return OUTCOME_FAILED;
        own.output = path;
    }
    return quantize(&own, failure);
}
