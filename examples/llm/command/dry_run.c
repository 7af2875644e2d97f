/* SPDX-License-Identifier: MIT */
#include "llm/command/dry_run.h"

#include <stdio.h>

#include "llm/watersic/estimate.h"
#include "llm/watersic/outputs_estimate.h"
#include "llm/watersic/report.h"

/* Matrices that get one rate. */
struct part {
    const char *name; /* in the report as JSON */
    size_t matrices;
    uint64_t weights;
    double rate;
};

enum { PART_LAYERS, PART_EMBEDDING, PART_HEAD, PARTS };

struct outlook {
    const struct options *options;
    const struct model *model;
    const struct calibration *calibration;
    struct pass_estimate passes;
    struct memory_estimate memory;
    struct part parts[PARTS];
    size_t skipped;  /* layers */
    uint64_t files;  /* bytes of what outputs have in the run directory */
    uint64_t others; /* bytes of tensors that stay as they are in a directory that stands alone */
};

static uint64_t part_bytes(const struct part *part)
{
    return (uint64_t)((double)part->weights * part->rate / 8);
}

static struct part total(const struct outlook *outlook)
{
    struct part all = {.name = "all"};
    double bits = 0;

    for (size_t i = 0; i < PARTS; i++) {
        all.matrices += outlook->parts[i].matrices;
        all.weights += outlook->parts[i].weights;
        bits += (double)outlook->parts[i].weights * outlook->parts[i].rate;
    }
    all.rate = bits / (double)all.weights;
    return all;
}

static void count_layers(struct outlook *outlook)
{
    const struct model *const model = outlook->model;
    struct part *const layers = &outlook->parts[PART_LAYERS];

    *layers = (struct part){.name = "layers", .rate = outlook->options->rates.values[0]};
    for (size_t i = 0; i < layers_count(&model->config); i++) {
        const struct layer_place place = layers_at(&model->config, i);
        if (model->exclusions && model->exclusions->of[i].skipped) {
            outlook->skipped++;
            continue;
        }
        layers->matrices++;
        layers->weights += (uint64_t)place.rows * place.columns;
    }
}

static struct part count_table(const char *name, const struct config *config, double rate)
{
    const uint64_t weights = (uint64_t)config->vocabulary * config->hidden;

    return rate > 0 ? (struct part){.name = name, .matrices = 1, .weights = weights, .rate = rate}
                    : (struct part){.name = name};
}

static void add_bytes(void *self, const struct tensor *tensor)
{
    *(uint64_t *)self += tensor->bytes;
}

/* Bytes of the checkpoint's tensors but for those that are quantized. */
static uint64_t count_others(const struct outlook *outlook)
{
    const struct model *const model = outlook->model;
    const double layers = (double)outlook->parts[PART_LAYERS].weights * model->stored_bits / 8;
    uint64_t bytes = 0;

    checkpoint_each(model->checkpoint, add_bytes, &bytes);
    if (outlook->parts[PART_EMBEDDING].matrices > 0)
        bytes -= model->embedding.stored->bytes;
    if (outlook->parts[PART_HEAD].matrices > 0)
        bytes -= model_head(model)->stored->bytes;
    return bytes - (uint64_t)layers;
}

static size_t windows(const struct calibration *calibration)
{
    return (calibration->tokens->count + calibration->window - 1) / calibration->window;
}

static void print_memory(const char *what, uint64_t bytes)
{
    printf("  %-36s %10.2f MiB\n", what, (double)bytes / 0x1p20);
}

static void print_part(const char *what, const struct part *part)
{
    printf("  %-36s %10.2f MiB, %llu weights at %.4g bits\n", what,
           (double)part_bytes(part) / 0x1p20, (unsigned long long)part->weights, part->rate);
}

static void print_result(const struct outlook *outlook)
{
    const struct part all = total(outlook);
    char what[64];

    snprintf(what, sizeof what,
             outlook->skipped > 0 ? "%zu layers (%zu are skipped)" : "%zu layers",
             outlook->parts[PART_LAYERS].matrices, outlook->skipped);
    printf("archive, about:\n");
    print_part(what, &outlook->parts[PART_LAYERS]);
    if (outlook->parts[PART_EMBEDDING].matrices > 0)
        print_part("embedding", &outlook->parts[PART_EMBEDDING]);
    if (outlook->parts[PART_HEAD].matrices > 0)
        print_part("head", &outlook->parts[PART_HEAD]);
    print_part("together", &all);
    if (!outlook->options->directory)
        return;
    printf("directory, about, beside the tokenizer and the like:\n");
    print_memory("tensors as in the checkpoint", outlook->others);
    print_memory("together with the layers", outlook->others + part_bytes(&all));
}

static void print_passes(const struct outlook *outlook)
{
    const struct pass_estimate *const passes = &outlook->passes;

    printf("passes over the text: %zu (%d in a block, one of them to its end), through %zu "
           "model%s;\n  attention is computed %zu times\n",
           passes->passes, SITES + 1, passes->streams, passes->streams == 1 ? "" : "s at once",
           passes->attention);
    if (passes->outputs_tokens > 0)
        printf(
            "  and beforehand, for what outputs are worth, one forward and back over %zu tokens of "
            "it\n",
            passes->outputs_tokens);
    if (passes->planning > 0)
        printf("  and beforehand, for the plan, %zu over %zu tokens of it, through one model\n",
               passes->planning, passes->planning_tokens);
}

static void print_text(const struct outlook *outlook)
{
    const struct config *const config = &outlook->model->config;
    const struct memory_estimate *const memory = &outlook->memory;

    printf("%s: %zu blocks, %zu linear layers\n", config->architecture, config->blocks,
           layers_count(config));
    printf("text: %zu tokens in %zu windows of %zu\n", outlook->calibration->tokens->count,
           windows(outlook->calibration), outlook->calibration->window);
    print_passes(outlook);
    printf("memory:\n");
    print_memory("program and libraries", memory->program);
    if (memory->tables > 0)
        print_memory("embedding and head", memory->tables);
    print_memory("weights of a block", memory->blocks);
    print_memory("states of all tokens", memory->states);
    print_memory("a batch of tokens on its way", memory->passing);
    print_memory("statistics of the largest input", memory->statistics);
    print_memory("encoding what has that input", memory->encoding);
    if (memory->outputs > 0)
        print_memory("what outputs are worth", memory->outputs);
    print_memory("together", memory->run);
    if (memory->collecting > 0)
        print_memory("before all that, for the outputs", memory->collecting);
    if (memory->planning > 0)
        print_memory("before all that, for the plan", memory->planning);
    print_memory("more if inputs are always 0", memory->dead);
    if (outlook->files > 0)
        print_memory("files of the run directory, at most", outlook->files);
    print_result(outlook);
}

static json_t *describe_memory(const struct memory_estimate *memory)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "program",
                     (json_int_t)memory->program, "tables", (json_int_t)memory->tables, "blocks",
                     (json_int_t)memory->blocks, "states", (json_int_t)memory->states, "passing",
                     (json_int_t)memory->passing, "statistics", (json_int_t)memory->statistics,
                     "encoding", (json_int_t)memory->encoding, "outputs",
                     (json_int_t)memory->outputs, "run", (json_int_t)memory->run, "collecting",
                     (json_int_t)memory->collecting, "planning", (json_int_t)memory->planning,
                     "total", (json_int_t)memory->total, "dead", (json_int_t)memory->dead);
}

static json_t *describe_parts(const struct outlook *outlook)
{
    json_t *const parts = json_array();

    for (size_t i = 0; i < PARTS; i++) {
        const struct part *const part = &outlook->parts[i];
        if (part->matrices > 0)
            json_array_append_new(
                parts, json_pack("{s:s, s:I, s:I, s:f, s:I}", "part", part->name, "matrices",
                                 (json_int_t)part->matrices, "weights", (json_int_t)part->weights,
                                 "rate", part->rate, "bytes", (json_int_t)part_bytes(part)));
    }
    return parts;
}

static json_t *describe_json(const struct outlook *outlook)
{
    const struct config *const config = &outlook->model->config;
    const struct pass_estimate *const passes = &outlook->passes;
    const struct part all = total(outlook);

    return json_pack(
        "{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:f, "
        "s:I, s:o, s:I, s:I, s:I}",
        "dry_run", true, "architecture", config->architecture, "blocks", (json_int_t)config->blocks,
        "layers", (json_int_t)all.matrices, "skipped_layers", (json_int_t)outlook->skipped,
        "weights", (json_int_t)all.weights, "tokens",
        (json_int_t)outlook->calibration->tokens->count, "window",
        (json_int_t)outlook->calibration->window, "windows",
        (json_int_t)windows(outlook->calibration), "recipe",
        report_recipe(outlook->calibration->recipe), "streams", (json_int_t)passes->streams,
        "passes", (json_int_t)passes->passes, "attention_passes", (json_int_t)passes->attention,
        "planning_passes", (json_int_t)passes->planning, "planning_tokens",
        (json_int_t)passes->planning_tokens, "memory", describe_memory(&outlook->memory),
        "rate_target", outlook->options->rates.values[0], "bytes", (json_int_t)part_bytes(&all),
        "parts", describe_parts(outlook), "outputs_tokens", (json_int_t)passes->outputs_tokens,
        "files", (json_int_t)outlook->files, "directory_bytes",
        (json_int_t)(outlook->others + part_bytes(&all)));
}

bool dry_run(const struct options *options, const struct session *session,
             const struct calibration *calibration, wsic_encoder *encoder, struct failure *failure)
{
    const struct config *const config = &session->model.config;
    const struct vocabulary_rates *const rates = &options->vocabulary;
    struct outlook outlook = {
        .options = options,
        .model = &session->model,
        .calibration = calibration,
        .passes = estimate_passes(config, calibration, rates),
        .parts = {[PART_EMBEDDING] = count_table("embedding", config, rates->embedding),
                  [PART_HEAD] = count_table("head", config, rates->head)}};

    count_layers(&outlook);
    outlook.others = count_others(&outlook);
    if (outlook.passes.outputs_tokens > 0)
        outlook.files = outputs_pass_files(config, calibration);
    if (!estimate_memory(&outlook.memory, config, calibration, session->context, encoder,
                         failure) ||
        !estimate_vocabulary(&outlook.memory, config, rates, encoder, failure))
        return false;
    if (options->json)
        return report_json(describe_json(&outlook), failure);
    print_text(&outlook);
    return report_flush(failure);
}
