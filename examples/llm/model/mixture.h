/* SPDX-License-Identifier: MIT */
/* Blocks whose feed-forward part is a mixture of experts. A router gives each token probabilities
 * of all experts,
 *
 *     p = softmax(R x)        x = RMSNorm(state),
 *
 * and the token goes to those few that have the largest ones (of equal ones the first). What they
 * make of x is added to the state, weighted by p, which is divided before by the sum of those that
 * were chosen if the family normalises it. */
#ifndef EXAMPLES_LLM_MODEL_MIXTURE_H
#define EXAMPLES_LLM_MODEL_MIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "llm/model/block.h"

struct forward;

/* What was chosen for some tokens: for each the same number of experts. */
struct routing {
    size_t chosen;     /* that number */
    uint32_t *experts; /* tokens × chosen, the likeliest first */
    float *weights;    /* tokens × chosen */
};

bool routing_create(struct routing *routing, const struct config *config, size_t tokens,
                    struct failure *failure);
void routing_free(struct routing *routing);

/* What lies behind so many tokens. */
struct routing routing_from(const struct routing *routing, size_t tokens);

/* Some tokens of a batch, in ascending order, and the weights that an expert has there. */
struct routed {
    uint32_t *tokens;
    float *weights;
    size_t count;
};

/* Room for a batch; empty where no block has experts. */
struct mixture {
    float *probabilities;   /* tokens × experts */
    struct routing routing; /* of the batch */
    struct routed routed;   /* of the present expert */
    float *gathered;        /* inputs of its tokens: tokens × hidden */
    float *output;          /* what it makes of them: tokens × hidden */
};

bool mixture_create(struct mixture *mixture, const struct config *config, size_t tokens,
                    struct failure *failure);
void mixture_free(struct mixture *mixture);
uint64_t mixture_memory(const struct config *config, size_t tokens);

/* Route the tokens of normed. */
void mixture_route(struct forward *forward, const struct block *block, size_t count);

/* The tokens of a batch that go to an expert. */
void mixture_select(struct routed *routed, const struct routing *routing, size_t expert,
                    size_t count);

/* Whether a token that goes elsewhere, behind `before` others that do, is one of the witnesses that
 * an expert is shown beside its own tokens: `wanted` of all `others`, as evenly spread as whole
 * numbers allow. */
bool mixture_is_witness(size_t before, size_t wanted, size_t others);

/* Rows of some tokens, one below the other. */
void mixture_gather(const struct routed *routed, const float *rows, size_t length, float *out);

/* hidden += weight · output, for an expert's tokens */
void mixture_add(const struct routed *routed, const float *output, size_t length, float *hidden);

/* All of it: normed is routed, and hidden += what the experts make of it. */
void mixture_run(struct forward *forward, const struct block *block, float *hidden, size_t count);

#endif
