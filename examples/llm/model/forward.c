/* SPDX-License-Identifier: MIT */
#include "llm/model/forward.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/attention.h"
#include "llm/model/product.h"
#include "llm/model/vector.h"

/* Enough rows for BLAS to work at its best, and few enough for the intermediate results to stay
 * small beside the weights. */
enum { batch_tokens = 4096 };

/* Rows that a worker takes at once in elementwise steps. */
enum { strip_rows = 64 };

/* Numbers of the head that are in memory at once where it stays in the checkpoint. */
enum { head_strip_numbers = 1 << 20 };

float *forward_numbers(size_t rows, size_t columns)
{
    return calloc(rows * columns, sizeof(float));
}

size_t forward_capacity(size_t window)
{
    return (window < batch_tokens ? batch_tokens / window : 1) * window;
}

uint64_t forward_memory(const struct config *config, size_t window, size_t tokens)
{
    const size_t capacity = forward_capacity(window);
    const uint64_t count = tokens < capacity ? tokens : capacity;
    const uint64_t query = config->heads * config->head_dim;
    const uint64_t key = config->kv_heads * config->head_dim;
    const uint64_t states =
        config->hidden + 2 * query + 2 * key + 2 * config_largest_intermediate(config);
    const uint64_t of_window = workers_usual() * ATTENTION_STRIP +
                               config->rope[SIGHT_FULL].rotated + config->rope[SIGHT_LOCAL].rotated;

    return (count * states + window * of_window) * sizeof(float) + mixture_memory(config, count);
}

static bool create_rotations(struct rotations *rotations, const struct rope *rope, size_t window)
{
    rotations->pairs = rope->rotated / 2;
    rotations->cosine = forward_numbers(window, rotations->pairs);
    rotations->sine = forward_numbers(window, rotations->pairs);
    return rotations->cosine && rotations->sine;
}

bool forward_create(struct forward *forward, const struct config *config, size_t window,
                    struct failure *failure)
{
    return forward_create_steps(forward, config, window, forward_capacity(window), failure);
}

bool forward_create_steps(struct forward *forward, const struct config *config, size_t window,
                          size_t capacity, struct failure *failure)
{
    const size_t query = config->heads * config->head_dim;
    const size_t key = config->kv_heads * config->head_dim;
    const size_t inner = config_largest_intermediate(config);

    *forward = (struct forward){.config = *config, .window = window, .capacity = capacity};
    forward->workers = workers_usual();
    forward->normed = forward_numbers(capacity, config->hidden);
    forward->query = forward_numbers(capacity, query);
    forward->key = forward_numbers(capacity, key);
    forward->value = forward_numbers(capacity, key);
    forward->mix = forward_numbers(capacity, query);
    forward->up = forward_numbers(capacity, inner);
    forward->product = forward_numbers(capacity, inner);
    forward->scores = forward_numbers(forward->workers * ATTENTION_STRIP, window);
    bool ok = true;
    for (size_t i = 0; i < SIGHTS; i++)
        ok = create_rotations(&forward->rotations[i], &config->rope[i], window) && ok;
    if (!ok || !forward->normed || !forward->query || !forward->key || !forward->value ||
        !forward->mix || !forward->up || !forward->product || !forward->scores) {
        forward_free(forward);
        return refuse(failure, "out of memory for windows of %zu tokens", window);
    }
    if (!mixture_create(&forward->mixture, config, capacity, failure)) {
        forward_free(forward);
        return false;
    }
    attention_fill_rotations(forward);
    return true;
}

void forward_free(struct forward *forward)
{
    free(forward->normed);
    free(forward->query);
    free(forward->key);
    free(forward->value);
    free(forward->mix);
    free(forward->up);
    free(forward->product);
    free(forward->scores);
    mixture_free(&forward->mixture);
    for (size_t i = 0; i < SIGHTS; i++) {
        free(forward->rotations[i].cosine);
        free(forward->rotations[i].sine);
    }
    free(forward->importance);
    *forward = (struct forward){.window = 0};
}

void forward_linear(const struct forward *forward, const struct linear *linear, const float *x,
                    float *out, size_t count, float addition)
{
    struct product product = product_of(linear, x, out);

    product.addition = addition;
    products_run(&product, 1, count, forward->workers);
}

bool forward_embed(const struct model *model, const uint32_t *tokens, size_t count, float *hidden,
                   struct failure *failure)
{
    const size_t length = model->config.hidden;

    for (size_t i = 0; i < count; i++) {
        if (!table_read(&model->embedding, tokens[i], 1, hidden + i * length, failure))
            return false;
        if (model->embedding_factor != 1)
            vector_scale(hidden + i * length, model->embedding_factor, length);
        /* A long text would leave the whole embedding in memory. */
        if ((i + 1) % batch_tokens == 0 || i + 1 == count)
            table_release(&model->embedding);
    }
    return true;
}

struct elementwise {
    const float *in;
    const float *gains;
    float *out;
    size_t count; /* rows */
    size_t length;
    float epsilon;
    void (*gate)(float *gate, const float *up, size_t count);
};

static void rms_norm_strip(void *data, size_t strip, size_t worker)
{
    const struct elementwise *const job = data;
    const size_t end =
        (strip + 1) * strip_rows < job->count ? (strip + 1) * strip_rows : job->count;

    (void)worker;
    for (size_t row = strip * strip_rows; row < end; row++) {
        const float *const in = job->in + row * job->length;
        float *const out = job->out + row * job->length;
        const float energy = vector_dot(in, in, job->length);
        vector_gain(out, in, job->gains, 1 / sqrtf(energy / (float)job->length + job->epsilon),
                    job->length);
    }
}

/* out ← f(out) ∘ in */
static void gate_strip(void *data, size_t strip, size_t worker)
{
    const struct elementwise *const job = data;
    const size_t first = strip * strip_rows;
    const size_t end = first + strip_rows < job->count ? first + strip_rows : job->count;

    (void)worker;
    job->gate(job->out + first * job->length, job->in + first * job->length,
              (end - first) * job->length);
}

static void run_strips(const struct forward *forward, worker_task *task, struct elementwise *job)
{
    workers_run(forward->workers, (job->count + strip_rows - 1) / strip_rows, task, job);
}

struct norm {
    const float *gains;
    size_t length;
};

static void rms_norm(const struct forward *forward, struct norm norm, const float *in, float *out,
                     size_t count)
{
    struct elementwise job = {.in = in,
                              .gains = norm.gains,
                              .out = out,
                              .count = count,
                              .length = norm.length,
                              .epsilon = (float)forward->config.norm_epsilon};

    run_strips(forward, rms_norm_strip, &job);
}

bool forward_check(const struct config *config, size_t block, const float *hidden, size_t count,
                   struct failure *failure)
{
    const double most = sqrt((double)FLT_MAX / (double)config->hidden);

    for (size_t i = 0; i < count * config->hidden; i++)
        if (!(fabs((double)hidden[i]) <= most))
            return refuse(failure,
                          "model.layers.%zu: the state of token %zu behind it has an element %g, "
                          "too large to go on with",
                          block, i / config->hidden, (double)hidden[i]);
    return true;
}

void forward_attention_input(struct forward *forward, const struct block *block,
                             const float *hidden, size_t count)
{
    rms_norm(forward, (struct norm){block->attention_norm, forward->config.hidden}, hidden,
             forward->normed, count);
}

static void norm_heads(const struct forward *forward, const struct block *block, size_t count)
{
    const struct config *const config = &forward->config;

    rms_norm(forward, (struct norm){block->query_norm, config->head_dim}, forward->query,
             forward->query, count * config->heads);
    rms_norm(forward, (struct norm){block->key_norm, config->head_dim}, forward->key, forward->key,
             count * config->kv_heads);
}

void forward_projections(struct forward *forward, const struct block *block, size_t count)
{
    const struct product products[] = {
        product_of(&block->linear[LINEAR_Q], forward->normed, forward->query),
        product_of(&block->linear[LINEAR_K], forward->normed, forward->key),
        product_of(&block->linear[LINEAR_V], forward->normed, forward->value),
    };

    products_run(products, sizeof products / sizeof products[0], count, forward->workers);
}

void forward_attend(struct forward *forward, const struct block *block, size_t count)
{
    if (forward->config.head_norms)
        norm_heads(forward, block, count);
    attention_run(forward, &block->attention, count);
}

void forward_attention_mix(struct forward *forward, const struct block *block, size_t count)
{
    forward_projections(forward, block, count);
    forward_attend(forward, block, count);
}

bool forward_watch_importance(struct forward *forward, struct failure *failure)
{
    forward->importance = forward_numbers(forward->config.heads, forward->capacity);
    return forward->importance || refuse(failure, "out of memory for the importance of tokens");
}

void forward_importance(const struct forward *forward, size_t count, double *importance)
{
    const size_t heads = forward->config.heads;

    for (size_t token = 0; token < count; token++) {
        const size_t place = token % forward->window;
        const size_t left = count - (token - place);
        const size_t lookers = (left < forward->window ? left : forward->window) - place;
        double sum = 0;
        for (size_t head = 0; head < heads; head++)
            sum += (double)forward->importance[head * forward->capacity + token];
        importance[token] = sum / (double)(heads * lookers);
    }
}

void forward_add_output(struct forward *forward, const float *gains, const float *output,
                        float *hidden, size_t count)
{
    const size_t length = forward->config.hidden;
    const float *added = output;

    if (gains) {
        rms_norm(forward, (struct norm){gains, length}, output, forward->normed, count);
        added = forward->normed;
    }
    for (size_t i = 0; i < count * length; i++)
        hidden[i] += added[i];
}

/* hidden += W x, normalised with these gains unless they are NULL */
static void add_output(struct forward *forward, const struct linear *linear, const float *x,
                       const float *gains, float *hidden, size_t count)
{
    if (!gains) {
        forward_linear(forward, linear, x, hidden, count, 1);
        return;
    }
    forward_linear(forward, linear, x, forward->normed, count, 0);
    forward_add_output(forward, gains, forward->normed, hidden, count);
}

void forward_attention_output(struct forward *forward, const struct block *block, float *hidden,
                              size_t count)
{
    add_output(forward, &block->linear[LINEAR_O], forward->mix, block->attention_output_norm,
               hidden, count);
}

void forward_ffn_input(struct forward *forward, const struct block *block, const float *hidden,
                       size_t count)
{
    rms_norm(forward, (struct norm){block->ffn_norm, forward->config.hidden}, hidden,
             forward->normed, count);
}

void forward_gate_and_up(struct forward *forward, const struct block *block, size_t expert,
                         const float *x, float *gate, size_t count)
{
    const struct product products[] = {
        product_of(&block->linear[layers_slot(LINEAR_GATE, expert)], x, gate),
        product_of(&block->linear[layers_slot(LINEAR_UP, expert)], x, forward->up),
    };

    products_run(products, sizeof products / sizeof products[0], count, forward->workers);
}

void forward_gate(struct forward *forward, size_t length, size_t count)
{
    struct elementwise job = {.in = forward->up,
                              .out = forward->product,
                              .count = count,
                              .length = length,
                              .gate = forward->config.activation == ACTIVATION_GELU_TANH
                                          ? vector_gelu_gate
                                          : vector_gate};

    run_strips(forward, gate_strip, &job);
}

void forward_expert_product(struct forward *forward, const struct block *block, size_t expert,
                            const float *x, size_t count)
{
    forward_gate_and_up(forward, block, expert, x, forward->product, count);
    forward_gate(forward, block->linear[layers_slot(LINEAR_GATE, expert)].rows, count);
}

void forward_ffn_product(struct forward *forward, const struct block *block, size_t count)
{
    forward_expert_product(forward, block, 0, forward->normed, count);
}

void forward_ffn_output(struct forward *forward, const struct block *block, float *hidden,
                        size_t count)
{
    add_output(forward, &block->linear[LINEAR_DOWN], forward->product, block->ffn_output_norm,
               hidden, count);
}

void forward_block(struct forward *forward, const struct block *block, float *hidden, size_t count)
{
    forward_attention_input(forward, block, hidden, count);
    forward_attention_mix(forward, block, count);
    forward_attention_output(forward, block, hidden, count);
    forward_ffn_input(forward, block, hidden, count);
    if (block->router) {
        mixture_run(forward, block, hidden, count);
        return;
    }
    forward_ffn_product(forward, block, count);
    forward_ffn_output(forward, block, hidden, count);
}

void forward_head_input(struct forward *forward, const struct model *model, float *hidden,
                        size_t count)
{
    rms_norm(forward, (struct norm){model->norm, forward->config.hidden}, hidden, hidden, count);
}

void forward_cap(const struct config *config, float *logits, size_t count)
{
    if (config->logit_cap > 0)
        vector_cap(logits, (float)config->logit_cap, count);
}

/* c tanh(x / c) has the derivative 1 - tanh². */
float forward_cap_slope(const struct config *config, float logit)
{
    const float part = config->logit_cap > 0 ? logit / (float)config->logit_cap : 0;

    return 1 - part * part;
}

/* Some of the vocabulary's logits. */
static void apply_head_rows(const struct model *model, const float *weights, size_t rows,
                            const float *hidden, size_t count, float *logits)
{
    const struct product product = {.weights = weights,
                                    .rows = rows,
                                    .columns = model->config.hidden,
                                    .x = hidden,
                                    .out = logits,
                                    .out_stride = model->config.vocabulary};

    products_run(&product, 1, count, workers_usual());
}

static bool apply_stored_head(const struct model *model, const float *hidden, size_t count,
                              float *logits, float *strip, size_t strip_length,
                              struct failure *failure)
{
    const struct table *const head = model_head(model);

    for (size_t first = 0; first < head->rows; first += strip_length) {
        const size_t left = head->rows - first;
        const size_t rows = left < strip_length ? left : strip_length;
        if (!table_read(head, first, rows, strip, failure))
            return false;
        table_release(head);
        apply_head_rows(model, strip, rows, hidden, count, logits + first);
    }
    return true;
}

bool forward_logits(const struct model *model, const float *hidden, size_t count, float *logits,
                    struct failure *failure)
{
    const struct table *const head = model_head(model);
    const size_t fitting = head_strip_numbers / head->columns;
    const size_t rows = fitting > 0 ? fitting : 1;

    if (head->values) {
        apply_head_rows(model, head->values, head->rows, hidden, count, logits);
        forward_cap(&model->config, logits, count * head->rows);
        return true;
    }
    float *const strip = forward_numbers(rows, head->columns);
    const bool ok = strip ? apply_stored_head(model, hidden, count, logits, strip, rows, failure)
                          : refuse(failure, "out of memory for a part of the head");
    free(strip);
    if (ok)
        forward_cap(&model->config, logits, count * head->rows);
    return ok;
}
