/* SPDX-License-Identifier: MIT */
/* The forward pass, in steps that can be stopped between any two linear layers.
 *
 * A batch is a number of tokens: whole windows one after the other, the last one perhaps
 * shorter. Tokens see only what is before them in their own window. The residual stream
 * ("hidden", tokens × hidden) belongs to the caller; what a step hands to the next lies here. */
#ifndef EXAMPLES_LLM_MODEL_FORWARD_H
#define EXAMPLES_LLM_MODEL_FORWARD_H

#include <stddef.h>
#include <stdint.h>

#include "llm/model/mixture.h"
#include "llm/model/model.h"

/* By position and pair. */
struct rotations {
    size_t pairs;
    float *cosine; /* window × pairs */
    float *sine;
};

struct forward {
    struct config config;
    size_t window;
    size_t capacity; /* most tokens in a batch: whole windows */
    size_t workers;
    float *normed; /* input of query, key and value, or of gate and up: tokens × hidden */
    float *query;  /* tokens × heads · head_dim */
    float *key;    /* tokens × kv_heads · head_dim */
    float *value;
    float *mix;     /* input of the output projection: tokens × heads · head_dim */
    float *up;      /* tokens × intermediate, of the block where that is largest */
    float *product; /* input of down, likewise */
    float *scores;  /* of one strip of queries, for each worker */
    struct mixture mixture;
    struct rotations rotations[SIGHTS];
    struct attention_cache *cache; /* of the block, for a text that grows; NULL: whole windows */
    size_t past;                   /* tokens that are in it */
    float *importance; /* heads × capacity: what later tokens look at each; NULL: not watched */
};

/* rows × columns zeros; NULL if memory is short. Release with free(). */
float *forward_numbers(size_t rows, size_t columns);

bool forward_create(struct forward *forward, const struct config *config, size_t window,
                    struct failure *failure);
/* For batches of at most so many tokens of one window, which is read in steps. */
bool forward_create_steps(struct forward *forward, const struct config *config, size_t window,
                          size_t capacity, struct failure *failure);
void forward_free(struct forward *forward);

/* Most tokens in a batch. */
size_t forward_capacity(size_t window);

/* Bytes that this takes with texts of that many tokens. */
uint64_t forward_memory(const struct config *config, size_t window, size_t tokens);

/* out = addition · out + x Wᵀ + bias */
void forward_linear(const struct forward *forward, const struct linear *linear, const float *x,
                    float *out, size_t count, float addition);

/* hidden = rows of the embedding, times its factor */
bool forward_embed(const struct model *model, const uint32_t *tokens, size_t count, float *hidden,
                   struct failure *failure);

/* Refuse states behind a block that are not finite, or whose squares would not be. */
bool forward_check(const struct config *config, size_t block, const float *hidden, size_t count,
                   struct failure *failure);

/* normed = RMSNorm(hidden), the input of query, key and value */
void forward_attention_input(struct forward *forward, const struct block *block,
                             const float *hidden, size_t count);

/* Query, key and value of normed */
void forward_projections(struct forward *forward, const struct block *block, size_t count);

/* mix = attention of query, key and value, which are normalised and rotated in place */
void forward_attend(struct forward *forward, const struct block *block, size_t count);

/* mix = attention of normed, the input of the output projection */
void forward_attention_mix(struct forward *forward, const struct block *block, size_t count);

/* Let forward_attention_mix() sum up what every token is looked at. */
bool forward_watch_importance(struct forward *forward, struct failure *failure);

/* The share of attention that a token gets from itself and those after it, averaged over them and
 * over the heads: one number for every token of the last forward_attention_mix(). */
void forward_importance(const struct forward *forward, size_t count, double *importance);

/* hidden += W_o mix, normalised if the block has a norm for that */
void forward_attention_output(struct forward *forward, const struct block *block, float *hidden,
                              size_t count);

/* hidden += output, normalised with these gains unless they are NULL */
void forward_add_output(struct forward *forward, const float *gains, const float *output,
                        float *hidden, size_t count);

/* normed = RMSNorm(hidden), the input of gate and up, and of a router */
void forward_ffn_input(struct forward *forward, const struct block *block, const float *hidden,
                       size_t count);

/* gate = W_gate x, and up = W_up x, of an expert (0 where there is none) */
void forward_gate_and_up(struct forward *forward, const struct block *block, size_t expert,
                         const float *x, float *gate, size_t count);

/* product = f(product) ∘ up with the activation f of the family; both are count × length */
void forward_gate(struct forward *forward, size_t length, size_t count);

/* product = f(W_gate x) ∘ (W_up x), the input of an expert's down */
void forward_expert_product(struct forward *forward, const struct block *block, size_t expert,
                            const float *x, size_t count);

/* The same of normed, in a block without experts */
void forward_ffn_product(struct forward *forward, const struct block *block, size_t count);

/* hidden += W_down product, normalised if the block has a norm for that; it has no experts */
void forward_ffn_output(struct forward *forward, const struct block *block, float *hidden,
                        size_t count);

/* All steps of one block. */
void forward_block(struct forward *forward, const struct block *block, float *hidden, size_t count);

/* hidden = RMSNorm(hidden), the input of the head */
void forward_head_input(struct forward *forward, const struct model *model, float *hidden,
                        size_t count);

/* logits = W_head hidden, capped if the model caps them, count × vocabulary. Where the head is not
 * in memory it is loaded a few rows at a time, which pays only if there are many tokens at once. */
bool forward_logits(const struct model *model, const float *hidden, size_t count, float *logits,
                    struct failure *failure);

/* Cap numbers that W_head hidden has given, and multiply derivatives by what came out by those of
 * the cap. Both leave the numbers of a model that caps nothing as they are. */
void forward_cap(const struct config *config, float *logits, size_t count);
float forward_cap_slope(const struct config *config, float logit);

#endif
