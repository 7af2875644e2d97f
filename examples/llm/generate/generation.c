/* SPDX-License-Identifier: MIT */
#include "llm/generate/generation.h"

#include <stdlib.h>

#include "common/interrupt.h"
#include "common/workers.h"

/* Have a layer of the package in its form. */
static bool take_layer(const struct package *package, enum resident_form form, size_t index,
                       struct resident *resident, struct failure *failure)
{
    wsic_layer *const layer = package_layer(package, index, failure);

    return layer && resident_take(resident, form, layer, package_name(package, index), failure);
}

static bool take_linear(struct generation *generation, const struct package *package,
                        enum resident_form form, size_t block, size_t slot, struct failure *failure)
{
    const struct config *const config = &generation->model->config;
    const size_t number = layers_before(config, block) + slot;
    struct linear *const linear = &generation->blocks[block].linear[slot];
    struct resident *const resident = &generation->residents[number];
    char name[MODEL_NAME_SIZE];
    size_t index;

    layers_name(config, number, name);
    if (linear->weights) {
        *resident = resident_floats(linear->weights, linear->rows, linear->columns);
    } else {
        if (!package_find(package, name, &index) ||
            !take_layer(package, form, index, resident, failure))
            return false;
        if (resident->rows != linear->rows || resident->columns != linear->columns)
            return refuse(failure, "layer \"%s\" is %zu x %zu, but the model's is %zu x %zu", name,
                          resident->rows, resident->columns, linear->rows, linear->columns);
    }
    linear->resident = resident;
    linear->work = &generation->work;
    return true;
}

static bool is_packed(const void *package, const char *layer)
{
    size_t index;

    return package_find(package, layer, &index);
}

static bool take_block(struct generation *generation, const struct package *package,
                       enum resident_form form, size_t number, struct failure *failure)
{
    const struct model_absence absence = {is_packed, package};
    const bool floats = form == RESIDENT_F32 || !package;

    if (!model_load_block_without(generation->model, number, floats ? NULL : &absence,
                                  &generation->blocks[number], failure))
        return false;
    for (size_t slot = 0; slot < generation->blocks[number].layers; slot++)
        if (!take_linear(generation, package, form, number, slot, failure))
            return false;
    return attention_cache_create(&generation->caches[number], &generation->model->config,
                                  generation->capacity, failure);
}

static bool allocate(struct generation *generation, struct failure *failure)
{
    const struct config *const config = &generation->model->config;

    generation->blocks = calloc(config->blocks, sizeof *generation->blocks);
    generation->residents = calloc(layers_count(config), sizeof *generation->residents);
    generation->caches = calloc(config->blocks, sizeof *generation->caches);
    generation->hidden = forward_numbers(GENERATION_STEP, config->hidden);
    generation->logits = forward_numbers(1, config->vocabulary);
    return (generation->blocks && generation->residents && generation->caches &&
            generation->hidden && generation->logits) ||
           refuse(failure, "out of memory for %zu blocks", config->blocks);
}

bool generation_create(struct generation *generation, struct model *model,
                       const struct package *package, enum resident_form form,
                       wsic_context *context, size_t capacity, struct failure *failure)
{
    *generation = (struct generation){.model = model,
                                      .capacity = capacity,
                                      .work = {.context = context, .workers = workers_usual()}};
    bool ok =
        allocate(generation, failure) && forward_create_steps(&generation->forward, &model->config,
                                                              capacity, GENERATION_STEP, failure);

    for (size_t i = 0; ok && i < model->config.blocks; i++)
        ok = take_block(generation, package, form, i, failure);
    if (!ok)
        generation_free(generation);
    return ok;
}

void generation_free(struct generation *generation)
{
    const size_t blocks = generation->model ? generation->model->config.blocks : 0;
    const size_t layers = generation->residents ? layers_count(&generation->model->config) : 0;

    for (size_t i = 0; i < layers; i++)
        resident_free(&generation->residents[i]);
    for (size_t i = 0; generation->caches && i < blocks; i++)
        attention_cache_free(&generation->caches[i]);
    for (size_t i = 0; generation->blocks && i < blocks; i++)
        block_free(&generation->blocks[i]);
    free(generation->blocks);
    free(generation->residents);
    free(generation->caches);
    free(generation->hidden);
    free(generation->logits);
    resident_work_free(&generation->work);
    forward_free(&generation->forward);
    *generation = (struct generation){.past = 0};
}

struct generation_memory generation_memory(const struct generation *generation)
{
    const struct model *const model = generation->model;
    const struct config *const config = &model->config;
    const uint64_t width = config->kv_heads * config->head_dim;
    const uint64_t table = (uint64_t)config->vocabulary * config->hidden * sizeof(float);
    struct generation_memory memory = {
        .tables = (model->embedding.values ? table : 0) + (model->head.values ? table : 0),
        .cache = 2 * (uint64_t)config->blocks * generation->capacity * width * sizeof(float)};

    for (size_t i = 0; i < layers_count(config); i++)
        memory.layers += generation->residents[i].bytes;
    return memory;
}

bool generation_takes(const struct generation *generation, const uint32_t *tokens, size_t count,
                      struct failure *failure)
{
    const size_t vocabulary = generation->model->config.vocabulary;

    if (count > generation->capacity - generation->past)
        return refuse(failure, "the window of %zu tokens is full: %zu are read, and %zu more come",
                      generation->capacity, generation->past, count);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] >= vocabulary)
            return refuse(failure, "token %zu is %lu, but the vocabulary has %zu", i,
                          (unsigned long)tokens[i], vocabulary);
    return true;
}

static void compute_logits(struct generation *generation, const float *hidden)
{
    const struct model *const model = generation->model;
    const struct table *const head = model_head(model);
    const struct resident matrix = resident_floats(head->values, head->rows, head->columns);

    resident_multiply(&matrix, &generation->work, hidden, 1, generation->logits, head->rows, 0);
    forward_cap(&model->config, generation->logits, head->rows);
}

/* At most GENERATION_STEP tokens through all blocks. */
static bool read_step(struct generation *generation, const uint32_t *tokens, size_t count,
                      struct failure *failure)
{
    const struct model *const model = generation->model;
    struct forward *const forward = &generation->forward;

    if (!forward_embed(model, tokens, count, generation->hidden, failure))
        return false;
    forward->past = generation->past;
    for (size_t i = 0; i < model->config.blocks; i++) {
        if (!interrupt_none(failure))
            return false;
        forward->cache = &generation->caches[i];
        forward_block(forward, &generation->blocks[i], generation->hidden, count);
        if (generation->work.failure.text[0] != '\0')
            return refuse(failure, "%s", generation->work.failure.text);
        if (!forward_check(&model->config, i, generation->hidden, count, failure))
            return false;
    }
    generation->past += count;
    return true;
}

bool generation_read(struct generation *generation, const uint32_t *tokens, size_t count,
                     struct failure *failure)
{
    const struct model *const model = generation->model;
    size_t last = 0;

    if (!generation_takes(generation, tokens, count, failure))
        return false;
    for (size_t first = 0; first < count; first += GENERATION_STEP) {
        const size_t left = count - first;
        const size_t step = left < GENERATION_STEP ? left : GENERATION_STEP;
        if (!read_step(generation, tokens + first, step, failure))
            return false;
        last = step - 1;
    }
    float *const hidden = generation->hidden + last * model->config.hidden;
    forward_head_input(&generation->forward, model, hidden, 1);
    compute_logits(generation, hidden);
    return generation->work.failure.text[0] == '\0' ||
           refuse(failure, "%s", generation->work.failure.text);
}
