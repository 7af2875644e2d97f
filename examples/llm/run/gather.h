/* SPDX-License-Identifier: MIT */
/* Statistics of the inputs of linear layers, from the text on its way through the quantized model
 * and, if the recipe asks for it, through the original one beside it. */
#ifndef EXAMPLES_LLM_RUN_GATHER_H
#define EXAMPLES_LLM_RUN_GATHER_H

#include <watersic/watersic.h>

#include "llm/run/recipe.h"
#include "llm/run/routes.h"
#include "llm/run/stream.h"

struct progress;

struct gatherer {
    const struct recipe *recipe;
    const struct tokens *tokens;
    struct stretch_of_text part; /* of the text, that passes go over; all of it at first */
    struct stream live;          /* through the model as quantized so far */
    struct stream clean;         /* through the original, if the recipe compares the two */
    struct routes routes;        /* of the live stream, in a block with experts */
    float *residual;             /* of a batch: what hidden has lost */
    double *importance;          /* of a batch's tokens; NULL if the recipe does not ask for it */
    struct progress *progress;   /* is told of passes; NULL for none */
};

/* A block on its way from the one to the other. */
struct pair_of_blocks {
    struct block quantized; /* its layers are quantized one after the other */
    struct block original;  /* loaded only if the recipe compares the two */
};

/* What is gathered at a place. */
struct gathered {
    wsic_stats *stats;    /* pairs with drift or residual */
    wsic_stats *weighted; /* the same over weighted tokens; NULL for none */
};

/* Begin with the embedding of the text. The recipe asks for statistics. */
bool gather_begin(struct gatherer *gatherer, const struct model *model,
                  const struct stream_text *text, const struct recipe *recipe,
                  struct failure *failure);
void gather_end(struct gatherer *gatherer);

/* From now on, passes go over a part of the text alone, whole windows, and experts see what they
 * would if that were all of it. */
void gather_narrow(struct gatherer *gatherer, const struct stretch_of_text *part);

/* Go over the text up to a site, in both models at once; gather what is seen there unless gathered
 * is NULL. Experts see the tokens that the quantized model sends them, in both. */
bool gather_pass(struct gatherer *gatherer, const struct pair_of_blocks *blocks,
                 const struct site *site, const struct gathered *gathered, struct failure *failure);

#endif
