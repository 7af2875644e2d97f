/* SPDX-License-Identifier: MIT */
#include "llm/model/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "llm/model/checkpoint.h"

uint64_t fingerprint_add(uint64_t fingerprint, const void *data, size_t size)
{
    return XXH3_64bits_withSeed(data, size, fingerprint);
}

uint64_t fingerprint_number(uint64_t fingerprint, double number)
{
    return fingerprint_add(fingerprint, &number, sizeof number);
}

uint64_t fingerprint_text(uint64_t fingerprint, const char *text)
{
    return fingerprint_add(fingerprint, text, strlen(text));
}

uint64_t fingerprint_tokens(uint64_t fingerprint, const struct tokens *tokens)
{
    return fingerprint_add(fingerprint, tokens->values, tokens->count * sizeof *tokens->values);
}

static uint64_t add_rope(uint64_t fingerprint, const struct rope *rope)
{
    const double numbers[] = {rope->kind,   rope->theta,     (double)rope->rotated,
                              rope->factor, rope->low,       rope->high,
                              rope->exact,  rope->amplitude, (double)rope->original};

    fingerprint = fingerprint_add(fingerprint, numbers, sizeof numbers);
    fingerprint = fingerprint_add(fingerprint, rope->short_factors, sizeof rope->short_factors);
    return fingerprint_add(fingerprint, rope->long_factors, sizeof rope->long_factors);
}

static uint64_t add_mixture(uint64_t fingerprint, const struct config *config)
{
    const double numbers[] = {(double)config->mixture.experts, (double)config->mixture.chosen,
                              (double)config->mixture.intermediate, config->mixture.normalised};

    fingerprint = fingerprint_add(fingerprint, numbers, sizeof numbers);
    return fingerprint_add(fingerprint, config->sparse, config->blocks * sizeof *config->sparse);
}

static uint64_t add_config(uint64_t fingerprint, const struct config *config)
{
    const double numbers[] = {
        config->head_norms,
        (double)config->hidden,
        (double)config->intermediate,
        (double)config->blocks,
        (double)config->heads,
        (double)config->kv_heads,
        (double)config->head_dim,
        (double)config->vocabulary,
        (double)config->sight,
        config->score_factor,
        config->score_cap,
        config->logit_cap,
        config->norm_epsilon,
        config->tied,
        (double)config->scale_block[0],
        (double)config->scale_block[1],
    };

    fingerprint = fingerprint_add(fingerprint_text(fingerprint, config->architecture), numbers,
                                  sizeof numbers);
    fingerprint =
        fingerprint_add(fingerprint, config->local, config->blocks * sizeof *config->local);
    for (size_t i = 0; i < SIGHTS; i++)
        fingerprint = add_rope(fingerprint, &config->rope[i]);
    return config->mixture.experts > 0 ? add_mixture(fingerprint, config) : fingerprint;
}

static void add_tensor(void *self, const struct tensor *tensor)
{
    uint64_t *const fingerprint = self;

    *fingerprint = fingerprint_text(*fingerprint, tensor->name);
    *fingerprint = fingerprint_text(*fingerprint, tensor->type);
    *fingerprint =
        fingerprint_add(*fingerprint, tensor->shape, tensor->dimensions * sizeof *tensor->shape);
    *fingerprint = fingerprint_add(*fingerprint, tensor->data, tensor->bytes);
    tensor_release(tensor);
}

static uint64_t add_exclusion(uint64_t fingerprint, const struct exclusion *exclusion)
{
    fingerprint = fingerprint_number(fingerprint, exclusion->skipped);
    return fingerprint_add(fingerprint, exclusion->rows,
                           exclusion->row_count * sizeof *exclusion->rows);
}

uint64_t fingerprint_checkpoint(uint64_t fingerprint, const struct model *model)
{
    fingerprint = add_config(fingerprint, &model->config);
    checkpoint_each_taken(model->checkpoint, add_tensor, &fingerprint);
    return fingerprint;
}

uint64_t fingerprint_model(uint64_t fingerprint, const struct model *model)
{
    fingerprint = fingerprint_checkpoint(fingerprint, model);
    for (size_t i = 0; model->exclusions && i < model->exclusions->layers; i++)
        fingerprint = add_exclusion(fingerprint, &model->exclusions->of[i]);
    return fingerprint;
}

void fingerprint_print(uint64_t fingerprint, char text[FINGERPRINT_SIZE])
{
    snprintf(text, FINGERPRINT_SIZE, "%016" PRIx64, fingerprint);
}
