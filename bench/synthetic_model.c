/* SPDX-License-Identifier: MIT */
/* Write a quantized directory of any size with random weights, to measure programs on: a Llama
 * whose blocks all hold the same layers, each quantized once.
 *
 * usage: synthetic_model --hidden N --intermediate N --blocks N --rate BITS --output DIR */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/coded_tensors.h"
#include "llm/publish/directory.h"
#include "random.h"

enum { VOCABULARY = 256, HEAD_LENGTH = 64, KINDS = 7, NAME = 96, MOST_BLOCKS = 256 };

static const char *const kinds[KINDS] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                         "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                         "mlp.down_proj"};

/* Of a tensor that is not coded. */
#define FILLED SIZE_MAX

struct synthetic {
    size_t hidden;
    size_t intermediate;
    size_t blocks;
    double rate;
    const char *output;
    wsic_context *context;
    wsic_layer *layers[KINDS];
    const void *bytes[KINDS];
    size_t sizes[KINDS];
    struct directory directory;
    char (*names)[NAME];
};

static size_t rows_of(const struct synthetic *model, size_t kind)
{
    return kind == 4 || kind == 5 ? model->intermediate : model->hidden;
}

static size_t columns_of(const struct synthetic *model, size_t kind)
{
    return kind == 6 ? model->intermediate : model->hidden;
}

static double normal(random_state *state)
{
    return sqrt(-2 * log(random_uniform(state))) * cos(6.283185307179586 * random_uniform(state));
}

/* Inputs that are alike and independent. */
static wsic_stats *identity(const struct synthetic *model, size_t columns)
{
    float *const values = bench_allocate(columns * columns, sizeof *values);
    wsic_stats *stats;
    wsic_matrix covariance;

    for (size_t i = 0; i < columns * columns; i++)
        values[i] = i % (columns + 1) == 0 ? 1 : 0;
    wsic_matrix_init(&covariance, sizeof covariance, values, WSIC_F32, columns, columns, 0);
    bench_check(wsic_stats_create(model->context, columns, &stats), "wsic_stats_create",
                wsic_context_message(model->context));
    bench_check(wsic_stats_add_covariance(stats, &covariance, 1000), "wsic_stats_add_covariance",
                wsic_stats_message(stats));
    free(values);
    return stats;
}

/* Scaled so that states keep their size from block to block. */
static wsic_layer *quantize(const struct synthetic *model, size_t kind)
{
    const size_t rows = rows_of(model, kind);
    const size_t columns = columns_of(model, kind);
    float *const weights = bench_allocate(rows * columns, sizeof *weights);
    wsic_stats *const stats = identity(model, columns);
    random_state state = {.counter = kind};
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_matrix matrix;

    for (size_t i = 0; i < rows * columns; i++)
        weights[i] = (float)(0.5 * normal(&state) / sqrt((double)columns));
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, rows, columns, 0);
    bench_check(wsic_encoder_create(model->context, &encoder), "wsic_encoder_create",
                wsic_context_message(model->context));
    bench_check(wsic_encoder_set_preset(encoder, "fast"), "wsic_encoder_set_preset",
                wsic_encoder_message(encoder));
    bench_check(wsic_encoder_set_number(encoder, WSIC_RATE, model->rate), "wsic_encoder_set_number",
                wsic_encoder_message(encoder));
    bench_check(wsic_encoder_run(encoder, stats, &matrix, &layer), "wsic_encoder_run",
                wsic_encoder_message(encoder));
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(weights);
    return layer;
}

static void quantize_all(struct synthetic *model)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        model->layers[kind] = quantize(model, kind);
        bench_check(
            wsic_layer_get_bytes(model->layers[kind], &model->bytes[kind], &model->sizes[kind]),
            "wsic_layer_get_bytes", wsic_layer_message(model->layers[kind]));
    }
}

static struct directory_tensor *next_tensor(struct synthetic *model, size_t source)
{
    struct directory *const directory = &model->directory;
    struct directory_tensor *const tensor = &directory->tensors[directory->count];

    *tensor = (struct directory_tensor){.entry = {.name = model->names[directory->count]},
                                        .source = source};
    directory->count++;
    return tensor;
}

static void add_coded(struct synthetic *model, size_t block, size_t kind)
{
    struct directory_tensor *const tensor = next_tensor(model, kind);
    char *const name = model->names[model->directory.count - 1];
    const struct coded_layer coded = {name, model->sizes[kind]};
    const struct coded_stamp stamp = {
        .type = "F32",
        .dimensions = 2,
        .shape = {rows_of(model, kind), columns_of(model, kind)},
        .layers = 1,
        .coded = &coded,
    };

    snprintf(name, NAME, "model.layers.%zu.%s.weight", block, kinds[kind]);
    tensor->entry.type = "U8";
    tensor->entry.dimensions = 1;
    tensor->entry.bytes = coded_bytes(&stamp);
    tensor->entry.shape[0] = (size_t)tensor->entry.bytes;
    tensor->stamp = coded_describe(&stamp);
}

/* A vector of ones, or the embedding. */
static void add_filled(struct synthetic *model, const char *name, size_t rows)
{
    struct directory_tensor *const tensor = next_tensor(model, FILLED);

    snprintf(model->names[model->directory.count - 1], NAME, "%s", name);
    tensor->entry.type = "F32";
    tensor->entry.dimensions = rows > 1 ? 2 : 1;
    tensor->entry.shape[0] = rows > 1 ? rows : model->hidden;
    tensor->entry.shape[1] = model->hidden;
    tensor->entry.bytes = (uint64_t)rows * model->hidden * sizeof(float);
}

static void describe(struct synthetic *model)
{
    const size_t most = model->blocks * (KINDS + 2) + 2;
    char name[NAME];

    model->names = bench_allocate(most, sizeof *model->names);
    model->directory.tensors = bench_allocate(most, sizeof *model->directory.tensors);
    add_filled(model, "model.embed_tokens.weight", VOCABULARY);
    add_filled(model, "model.norm.weight", 1);
    for (size_t block = 0; block < model->blocks; block++) {
        for (size_t kind = 0; kind < KINDS; kind++)
            add_coded(model, block, kind);
        snprintf(name, sizeof name, "model.layers.%zu.input_layernorm.weight", block);
        add_filled(model, name, 1);
        snprintf(name, sizeof name, "model.layers.%zu.post_attention_layernorm.weight", block);
        add_filled(model, name, 1);
    }
}

static bool write_filled(const struct directory_tensor *tensor, struct safetensors_writer *writer,
                         struct failure *failure)
{
    const bool table = tensor->entry.dimensions == 2;
    random_state state = {.counter = 99};
    bool ok = true;

    for (uint64_t i = 0; ok && i < tensor->entry.bytes / sizeof(float); i++) {
        const float value = table ? (float)normal(&state) : 1;
        ok = safetensors_writer_add(writer, &value, sizeof value, failure);
    }
    return ok;
}

static bool write_tensor(void *self, const struct directory_tensor *tensor,
                         struct safetensors_writer *writer, struct failure *failure)
{
    static const unsigned char zeros[CODED_ALIGNMENT];
    const struct synthetic *const model = self;

    if (tensor->source == FILLED)
        return write_filled(tensor, writer, failure);
    const size_t size = model->sizes[tensor->source];
    return safetensors_writer_add(writer, model->bytes[tensor->source], size, failure) &&
           safetensors_writer_add(writer, zeros, (size_t)(coded_padded(size) - size), failure);
}

static json_t *describe_config(const struct synthetic *model)
{
    return json_pack("{s:[s], s:s, s:s, s:f, s:f, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:s}}",
                     "architectures", "LlamaForCausalLM", "model_type", "llama", "hidden_act",
                     "silu", "rms_norm_eps", 1e-5, "rope_theta", 10000.0, "tie_word_embeddings", 1,
                     "hidden_size", (json_int_t)model->hidden, "intermediate_size",
                     (json_int_t)model->intermediate, "num_hidden_layers",
                     (json_int_t)model->blocks, "num_attention_heads",
                     (json_int_t)(model->hidden / HEAD_LENGTH), "num_key_value_heads",
                     (json_int_t)(model->hidden / HEAD_LENGTH), "vocab_size",
                     (json_int_t)VOCABULARY, "max_position_embeddings", (json_int_t)2048,
                     "quantization_config", "quant_method", "watersic");
}

static void write_directory(struct synthetic *model)
{
    struct failure failure;

    model->directory.output = model->output;
    model->directory.shard_bytes = DIRECTORY_SHARD_BYTES;
    model->directory.write = write_tensor;
    model->directory.self = model;
    model->directory.config = describe_config(model);
    if (directory_write(&model->directory, &failure))
        return;
    fprintf(stderr, "synthetic_model: %s\n", failure.text);
    exit(1);
}

static void parse(struct synthetic *model, int count, char **arguments)
{
    for (int i = 1; i + 1 < count; i += 2) {
        const char *const name = arguments[i];
        const char *const value = arguments[i + 1];
        if (strcmp(name, "--hidden") == 0)
            model->hidden = bench_size_option(name, value, HEAD_LENGTH, 1 << 16);
        else if (strcmp(name, "--intermediate") == 0)
            model->intermediate = bench_size_option(name, value, 1, 1 << 16);
        else if (strcmp(name, "--blocks") == 0)
            model->blocks = bench_size_option(name, value, 1, MOST_BLOCKS);
        else if (strcmp(name, "--rate") == 0)
            model->rate = bench_number_option(name, value, 0.1, 16);
        else if (strcmp(name, "--output") == 0)
            model->output = value;
        else
            break;
    }
    if (model->output && count % 2 == 1 && model->hidden % HEAD_LENGTH == 0)
        return;
    fputs("usage: synthetic_model [--hidden N] [--intermediate N] [--blocks N] [--rate BITS] "
          "--output DIR\n(hidden is a multiple of 64)\n",
          stderr);
    exit(2);
}

int main(int count, char **arguments)
{
    struct synthetic model = {.hidden = 2048, .intermediate = 5632, .blocks = 20, .rate = 2};

    parse(&model, count, arguments);
    bench_check(wsic_context_create(NULL, &model.context), "wsic_context_create", "out of memory");
    bench_check(wsic_context_set_threads(model.context, 0), "wsic_context_set_threads",
                wsic_context_message(model.context));
    quantize_all(&model);
    describe(&model);
    write_directory(&model);
    for (size_t i = 0; i < model.directory.count; i++)
        json_decref(model.directory.tensors[i].stamp);
    json_decref(model.directory.config);
    free(model.directory.tensors);
    free(model.names);
    for (size_t kind = 0; kind < KINDS; kind++)
        wsic_layer_destroy(model.layers[kind]);
    wsic_context_destroy(model.context);
    return 0;
}
