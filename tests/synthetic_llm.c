/* SPDX-License-Identifier: MIT */
#include "synthetic_llm.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

static const double epsilon = 1e-5;

static uint16_t to_bfloat(double value)
{
    const float single = (float)value;
    uint32_t bits;

    memcpy(&bits, &single, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static double from_bfloat(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float single;

    memcpy(&single, &bits, sizeof single);
    return (double)single;
}

/* Vectors are gains about 1, rows of matrices have length `scale`. */
static void add_tensor(struct synthetic_llm *model, const char *name, size_t rows, size_t columns,
                       double scale)
{
    struct synthetic_tensor *const tensor = &model->tensors[model->count];
    const size_t numbers = (rows ? rows : 1) * columns;
    random_state random = {.counter = model->count + 1};

    ck_assert_uint_lt(model->count++, SYNTHETIC_MAX_TENSORS);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->rows = rows;
    tensor->columns = columns;
    tensor->bits = malloc(numbers * sizeof *tensor->bits);
    ck_assert_ptr_nonnull(tensor->bits);
    for (size_t i = 0; i < numbers; i++) {
        const double noise = random_normal(&random);
        tensor->bits[i] = to_bfloat(rows ? scale * noise / sqrt((double)columns) : 1 + 0.3 * noise);
    }
}

static void add_block_tensor(struct synthetic_llm *model, size_t block, const char *part,
                             size_t rows, size_t columns)
{
    char name[96];

    snprintf(name, sizeof name, "model.layers.%zu.%s.weight", block, part);
    add_tensor(model, name, rows, columns, 1.5);
}

void synthetic_fill(struct synthetic_llm *model)
{
    const size_t query = model->heads * model->head_dim;
    const size_t key = model->kv_heads * model->head_dim;

    add_tensor(model, "model.embed_tokens.weight", model->vocabulary, model->hidden, 2);
    for (size_t i = 0; i < model->blocks; i++) {
        add_block_tensor(model, i, "input_layernorm", 0, model->hidden);
        add_block_tensor(model, i, "self_attn.q_proj", query, model->hidden);
        add_block_tensor(model, i, "self_attn.k_proj", key, model->hidden);
        add_block_tensor(model, i, "self_attn.v_proj", key, model->hidden);
        add_block_tensor(model, i, "self_attn.o_proj", model->hidden, query);
        if (model->qwen3) {
            add_block_tensor(model, i, "self_attn.q_norm", 0, model->head_dim);
            add_block_tensor(model, i, "self_attn.k_norm", 0, model->head_dim);
        }
        add_block_tensor(model, i, "post_attention_layernorm", 0, model->hidden);
        add_block_tensor(model, i, "mlp.gate_proj", model->intermediate, model->hidden);
        add_block_tensor(model, i, "mlp.up_proj", model->intermediate, model->hidden);
        add_block_tensor(model, i, "mlp.down_proj", model->hidden, model->intermediate);
    }
    add_tensor(model, "model.norm.weight", 0, model->hidden, 0);
    if (!model->tied)
        add_tensor(model, "lm_head.weight", model->vocabulary, model->hidden, 1);
}

/* The five rotations turn 10.2, 4.05, 1.62, 0.64 and 0.26 times in the original text: two are left,
 * one is mixed, two are slowed down. */
void synthetic_llama3(struct synthetic_llm *model)
{
    *model = (struct synthetic_llm){.llama3_scaling = true,
                                    .hidden = 24,
                                    .intermediate = 40,
                                    .blocks = 2,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .head_dim = 10,
                                    .vocabulary = 50,
                                    .theta = 100,
                                    .factor = 8,
                                    .low = 1,
                                    .high = 4,
                                    .original = 64};
    synthetic_fill(model);
}

void synthetic_qwen3(struct synthetic_llm *model)
{
    *model = (struct synthetic_llm){.qwen3 = true,
                                    .tied = true,
                                    .hidden = 20,
                                    .intermediate = 36,
                                    .blocks = 2,
                                    .heads = 3,
                                    .kv_heads = 1,
                                    .head_dim = 8,
                                    .vocabulary = 50,
                                    .theta = 1e6};
    synthetic_fill(model);
}

void synthetic_free(struct synthetic_llm *model)
{
    for (size_t i = 0; i < model->count; i++)
        free(model->tensors[i].bits);
}

static FILE *create_file(const char *directory, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    return file;
}

void synthetic_write_config(const struct synthetic_llm *model, const char *directory)
{
    FILE *const file = create_file(directory, "config.json");

    fprintf(file,
            "{\"architectures\":[\"%s\"],\"model_type\":\"%s\",\"hidden_act\":\"silu\","
            "\"hidden_size\":%zu,\"intermediate_size\":%zu,\"num_hidden_layers\":%zu,"
            "\"num_attention_heads\":%zu,\"num_key_value_heads\":%zu,\"head_dim\":%zu,"
            "\"vocab_size\":%zu,\"max_position_embeddings\":512,\"rms_norm_eps\":%g,"
            "\"rope_theta\":%g,\"tie_word_embeddings\":%s,\"attention_bias\":false",
            model->qwen3 ? "Qwen3ForCausalLM" : "LlamaForCausalLM",
            model->qwen3 ? "qwen3" : "llama", model->hidden, model->intermediate, model->blocks,
            model->heads, model->kv_heads, model->head_dim, model->vocabulary, epsilon,
            model->theta, model->tied ? "true" : "false");
    if (model->llama3_scaling)
        fprintf(file,
                ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":%g,\"low_freq_factor\":%g,"
                "\"high_freq_factor\":%g,\"original_max_position_embeddings\":%zu}",
                model->factor, model->low, model->high, model->original);
    fputs("}", file);
    ck_assert_int_eq(fclose(file), 0);
}

size_t synthetic_numbers(const struct synthetic_tensor *tensor)
{
    return (tensor->rows ? tensor->rows : 1) * tensor->columns;
}

void synthetic_write_shard(const struct synthetic_llm *model, const char *directory,
                           const char *name, size_t first, size_t end)
{
    FILE *const file = create_file(directory, name);
    char header[128 * SYNTHETIC_MAX_TENSORS] = "{";
    size_t length = 1;
    size_t offset = 0;

    for (size_t i = first; i < end; i++) {
        const struct synthetic_tensor *const tensor = &model->tensors[i];
        const size_t bytes = 2 * synthetic_numbers(tensor);
        char shape[40];
        if (tensor->rows)
            snprintf(shape, sizeof shape, "%zu,%zu", tensor->rows, tensor->columns);
        else
            snprintf(shape, sizeof shape, "%zu", tensor->columns);
        length += (size_t)snprintf(
            header + length, sizeof header - length,
            "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
            i > first ? "," : "", tensor->name, shape, offset, offset + bytes);
        ck_assert_uint_lt(length, sizeof header - 1);
        offset += bytes;
    }
    header[length++] = '}';
    for (size_t i = 0; i < 8; i++)
        fputc((int)(length >> 8 * i & 0xFF), file);
    fwrite(header, 1, length, file);
    for (size_t i = first; i < end; i++)
        for (size_t j = 0; j < synthetic_numbers(&model->tensors[i]); j++) {
            fputc(model->tensors[i].bits[j] & 0xFF, file);
            fputc(model->tensors[i].bits[j] >> 8, file);
        }
    ck_assert_int_eq(fclose(file), 0);
}

void synthetic_write(const struct synthetic_llm *model, const char *directory)
{
    synthetic_write_config(model, directory);
    synthetic_write_shard(model, directory, "model.safetensors", 0, model->count);
}

void synthetic_text(size_t vocabulary, uint32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tokens[i] = (uint32_t)((i * i + i / 7) % vocabulary);
}

static const struct synthetic_tensor *find(const struct synthetic_llm *model, const char *name)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->tensors[i].name, name) == 0)
            return &model->tensors[i];
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

static const struct synthetic_tensor *find_part(const struct synthetic_llm *model, size_t block,
                                                const char *part)
{
    char name[96];

    snprintf(name, sizeof name, "model.layers.%zu.%s.weight", block, part);
    return find(model, name);
}

double synthetic_value(const struct synthetic_tensor *tensor, size_t index)
{
    return tensor->values ? tensor->values[index] : from_bfloat(tensor->bits[index]);
}

static void apply(const struct synthetic_llm *model, const struct synthetic_tensor *matrix,
                  const double *x, double *y)
{
    if (model->watch)
        model->watch(model->data, matrix, x);
    for (size_t i = 0; i < matrix->rows; i++) {
        y[i] = 0;
        for (size_t j = 0; j < matrix->columns; j++)
            y[i] += synthetic_value(matrix, i * matrix->columns + j) * x[j];
    }
    if (model->shift)
        model->shift(model->data, matrix, y);
}

static void normalise(const struct synthetic_tensor *gains, const double *x, double *y)
{
    double mean = 0;

    for (size_t i = 0; i < gains->columns; i++)
        mean += x[i] * x[i] / (double)gains->columns;
    for (size_t i = 0; i < gains->columns; i++)
        y[i] = from_bfloat(gains->bits[i]) * x[i] / sqrt(mean + epsilon);
}

/* As transformers has it: by wavelengths. */
static double frequency_of(const struct synthetic_llm *model, size_t pair)
{
    const double plain = 1 / pow(model->theta, (double)(2 * pair) / (double)model->head_dim);
    const double wavelength = 2 * 3.14159265358979323846 / plain;
    const double original = (double)model->original;

    if (!model->llama3_scaling || wavelength < original / model->high)
        return plain;
    if (wavelength > original / model->low)
        return plain / model->factor;
    const double smooth = (original / wavelength - model->low) / (model->high - model->low);
    return (1 - smooth) * plain / model->factor + smooth * plain;
}

static void turn(const struct synthetic_llm *model, double *head, size_t position)
{
    const size_t half = model->head_dim / 2;

    for (size_t i = 0; i < half; i++) {
        const double angle = (double)position * frequency_of(model, i);
        const double x = head[i];
        const double y = head[i + half];
        head[i] = x * cos(angle) - y * sin(angle);
        head[i + half] = x * sin(angle) + y * cos(angle);
    }
}

enum { most = 128 }; /* length of any vector, and of the text */

/* What a block keeps of the tokens so far. */
struct cache {
    double keys[most][most];
    double values[most][most];
    double looked_at[most]; /* attention that a token got, over all heads */
};

static void prepare_heads(const struct synthetic_llm *model, size_t block, const char *norm,
                          size_t heads, size_t position, double *vector)
{
    for (size_t h = 0; h < heads; h++) {
        double *const head = vector + h * model->head_dim;
        if (model->qwen3)
            normalise(find_part(model, block, norm), head, head);
        turn(model, head, position);
    }
}

static void attend(const struct synthetic_llm *model, struct cache *cache, size_t position,
                   const double *query, double *mix)
{
    const size_t d = model->head_dim;

    for (size_t h = 0; h < model->heads; h++) {
        const size_t shared = h * model->kv_heads / model->heads * d;
        double weights[most];
        double sum = 0;
        for (size_t i = 0; i < d; i++)
            mix[h * d + i] = 0;
        for (size_t t = 0; t <= position; t++) {
            double score = 0;
            for (size_t i = 0; i < d; i++)
                score += query[h * d + i] * cache->keys[t][shared + i];
            weights[t] = exp(score / sqrt((double)d));
            sum += weights[t];
            for (size_t i = 0; i < d; i++)
                mix[h * d + i] += weights[t] * cache->values[t][shared + i];
        }
        for (size_t t = 0; t <= position; t++)
            cache->looked_at[t] += weights[t] / sum;
        for (size_t i = 0; i < d; i++)
            mix[h * d + i] /= sum;
    }
}

static void run_attention(const struct synthetic_llm *model, size_t block, struct cache *cache,
                          size_t position, double *stream)
{
    double input[most], query[most], mix[most], output[most];

    normalise(find_part(model, block, "input_layernorm"), stream, input);
    apply(model, find_part(model, block, "self_attn.q_proj"), input, query);
    apply(model, find_part(model, block, "self_attn.k_proj"), input, cache->keys[position]);
    apply(model, find_part(model, block, "self_attn.v_proj"), input, cache->values[position]);
    prepare_heads(model, block, "self_attn.q_norm", model->heads, position, query);
    prepare_heads(model, block, "self_attn.k_norm", model->kv_heads, position,
                  cache->keys[position]);
    attend(model, cache, position, query, mix);
    apply(model, find_part(model, block, "self_attn.o_proj"), mix, output);
    for (size_t i = 0; i < model->hidden; i++)
        stream[i] += output[i];
}

static void run_ffn(const struct synthetic_llm *model, size_t block, double *stream)
{
    double input[most], gate[most], up[most], output[most];

    normalise(find_part(model, block, "post_attention_layernorm"), stream, input);
    apply(model, find_part(model, block, "mlp.gate_proj"), input, gate);
    apply(model, find_part(model, block, "mlp.up_proj"), input, up);
    for (size_t i = 0; i < model->intermediate; i++)
        gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    apply(model, find_part(model, block, "mlp.down_proj"), gate, output);
    for (size_t i = 0; i < model->hidden; i++)
        stream[i] += output[i];
}

static struct cache *run_text(const struct synthetic_llm *model, const uint32_t *tokens,
                              size_t count, double *logits)
{
    const struct synthetic_tensor *const embedding = find(model, "model.embed_tokens.weight");
    const struct synthetic_tensor *const head =
        model->tied ? embedding : find(model, "lm_head.weight");
    struct cache *const caches = calloc(model->blocks, sizeof *caches);

    ck_assert_ptr_nonnull(caches);
    for (size_t position = 0; position < count; position++) {
        double stream[most], final[most];
        for (size_t i = 0; i < model->hidden; i++)
            stream[i] = synthetic_value(embedding, tokens[position] * model->hidden + i);
        if (model->shift)
            model->shift(model->data, NULL, stream);
        for (size_t block = 0; block < model->blocks; block++) {
            run_attention(model, block, &caches[block], position, stream);
            run_ffn(model, block, stream);
        }
        normalise(find(model, "model.norm.weight"), stream, final);
        if (logits)
            apply(model, head, final, logits + position * model->vocabulary);
    }
    return caches;
}

void synthetic_logits(const struct synthetic_llm *model, const uint32_t *tokens, size_t count,
                      double *logits)
{
    free(run_text(model, tokens, count, logits));
}

void synthetic_importance(const struct synthetic_llm *model, const uint32_t *tokens, size_t count,
                          size_t block, double *importance)
{
    struct cache *const caches = run_text(model, tokens, count, NULL);

    for (size_t i = 0; i < count; i++)
        importance[i] = caches[block].looked_at[i] / (double)(model->heads * (count - i));
    free(caches);
}
