/* SPDX-License-Identifier: MIT */
/* One block backwards: from the derivatives of a loss by the residual stream after it to those by
 * the residual stream before it, and by the scales of its linear layers.
 *
 * What the block computes on its way forward is not kept but computed again from its input, so that
 * of a model only the inputs of the blocks have to be held. */
#ifndef EXAMPLES_LLM_MODEL_BACKWARD_H
#define EXAMPLES_LLM_MODEL_BACKWARD_H

#include "llm/model/forward.h"
#include "llm/model/linear_backward.h"

/* Sees the derivatives by the output of the layer in a slot of the block: count × rows. The first
 * `own` of these rows are of tokens that the layer computes, the others of witnesses. */
typedef void backward_watch(void *watcher, size_t slot, const float *u, size_t count, size_t own);

struct backward {
    struct forward *forward; /* its results are overwritten */
    backward_watch *watch;   /* is called once for every layer of a block; NULL for none */
    size_t witnesses; /* most further tokens of a batch, spread over those that the router has sent
                         elsewhere, that an expert is shown beside its own (mixture_backward.c):
                         for watch alone, and only where no gradients are asked for */
    void *watcher;    /* its own */
    /* What the forward pass does not leave there: tokens × rows of the layer in question */
    float *raw_query; /* W_q x, neither normalised nor rotated */
    float *raw_key;
    float *attended; /* W_o mix */
    float *middle;   /* residual stream between the two parts: tokens × hidden */
    float *gate;     /* W_gate x */
    float *down;     /* W_down product */
    /* Derivatives by what has these names in struct forward */
    float *normed;
    float *query;
    float *key;
    float *value;
    float *mix;
    float *product;
    float *part;   /* of normed, from one of the layers that have it as input */
    float *scores; /* of two strips of queries, for each worker */
    /* Of an expert's tokens, where there are experts: */
    float *expert_normed; /* derivatives by its input */
    float *expert_u;      /* derivatives by its output */
    float *by_weights;    /* tokens × chosen: derivatives by the weights of the router */
};

/* forward must live as long. */
bool backward_create(struct backward *backward, struct forward *forward, struct failure *failure);
void backward_free(struct backward *backward);

/* Bytes that this and its forward take with texts of that many tokens. */
uint64_t backward_memory(const struct config *config, size_t window, size_t tokens);

/* input: the residual stream before the block, count × hidden, at most as many tokens as a batch of
 * forward's holds. stream: the derivatives by the residual stream after the block, which become
 * those by input. The derivatives by scales are added to gradients, by slot; NULL: they are not
 * asked for. */
void backward_block(struct backward *backward, const struct block *block, const float *input,
                    float *stream, size_t count, const struct scale_gradient *gradients);

/* stream: the derivatives by what forward_head_input() makes of hidden, which become those by
 * hidden. */
void backward_head_input(const struct forward *forward, const struct model *model,
                         const float *hidden, float *stream, size_t count);

/* One feed-forward part, or one expert of it, backwards. */
struct expert_pass {
    size_t expert;
    const float *x; /* its input: tokens × hidden */
    const float *u; /* derivatives by its output */
    size_t count;   /* tokens */
    size_t own;     /* those that are no witnesses */
};

/* What it computes of x: forward's up and product, and gate and down here. */
void backward_compute_expert(struct backward *backward, const struct block *block, size_t expert,
                             const float *x, size_t count);

/* After that: x_back = the derivatives by x. */
void backward_expert(struct backward *backward, const struct block *block,
                     const struct expert_pass *pass, const struct scale_gradient *gradients,
                     float *x_back);

#endif
