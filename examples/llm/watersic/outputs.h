/* SPDX-License-Identifier: MIT */
/* What the outputs of linear layers are worth: for every layer
 *
 *     G = E δ δᵀ        δ = ∂ log p / ∂y, a column for every token
 *
 * where y is the output of the layer, and p the likelihood, summed up over a window, of labels that
 * are drawn from the model itself. To second order a change ΔW of the weights costs
 *
 *     ½ tr(G ΔW Σ ΔWᵀ)        Σ = E x xᵀ
 *
 * nats of divergence per token. G is a × a for a layer of a outputs, so that of layers with very
 * many only the diagonal is kept: their rows are weighted, and do not make up for each other's
 * errors. All of it is in memory, or in a directory.
 *
 * Of an expert the tokens that go elsewhere have δ = 0. Where few tokens reach it, what these few
 * say of δ δᵀ is mixed with what others would say if they came with the same weight (backward.h,
 * witnesses): as many as the layer has outputs. That changes the shape of G, and not how much of
 * the text the expert computes; one that nobody reaches counts as if one token did. */
#ifndef EXAMPLES_LLM_WATERSIC_OUTPUTS_H
#define EXAMPLES_LLM_WATERSIC_OUTPUTS_H

#include <limits.h>
#include <watersic/watersic.h>

#include "common/tokens.h"
#include "llm/model/model.h"
#include "llm/run/recipe.h"

struct layer_outputs {
    double *diagonal;  /* of G; NULL: not known, as of layers that are skipped */
    size_t rows;       /* a */
    double mean;       /* of the diagonal */
    double share;      /* part of the tokens that the layer computes; 1 unless it is an expert's */
    wsic_stats *stats; /* of δ over these: G / share; NULL: only the diagonal, or in a file */
    size_t own;        /* while it is collected: tokens that the layer computes, and all that are */
    size_t seen;       /* counted */
};

struct outputs {
    wsic_context *context;
    enum outputs_mode mode;
    size_t most_rows;            /* layers with more have only the diagonal */
    char directory[PATH_MAX];    /* empty: all is in memory */
    const struct config *config; /* of the model; borrowed */
    size_t layers;
    struct layer_outputs *of; /* by number */
    wsic_stats *entry; /* of the states where the first block begins (outputs_ends.h); NULL: not
                          known, or in a file */
    double *readout;   /* E p (1 - p) of every token of the vocabulary; NULL: not known */
    bool known;        /* it has been collected */
};

/* Nothing is known yet. */
bool outputs_create(struct outputs *outputs, wsic_context *context, const struct model *model,
                    const struct recipe *recipe, struct failure *failure);
void outputs_free(struct outputs *outputs);

/* Choose the directory within the one that is given, which is created unless it is there: another
 * one for every model, text, window, and way of collecting, so that nothing is mixed up and nothing
 * lost. NULL: memory. */
bool outputs_choose_directory(struct outputs *outputs, const char *parent,
                              const struct model *model, const struct tokens *tokens, size_t window,
                              struct failure *failure);

/* The name of a file there; NULL where all is in memory. */
const char *outputs_path(const struct outputs *outputs, const char *name, size_t number,
                         char path[PATH_MAX]);

/* Whether all of G is collected of a layer with so many rows. */
bool outputs_are_full(const struct outputs *outputs, size_t rows);

/* Keep what is known of a block's layers: of those that are full, their statistics go over. */
bool outputs_keep(struct outputs *outputs, size_t block, struct failure *failure);

/* Take over what an earlier run has kept of a block; false if there is nothing, or what is there is
 * damaged. */
bool outputs_find(struct outputs *outputs, size_t block);

/* All of G of a layer, named for messages; NULL in stats: only the diagonal is known, or nothing.
 * To be given back before the next one is borrowed. */
bool outputs_borrow(struct outputs *outputs, size_t number, const char *name,
                    const wsic_stats **stats, struct failure *failure);
void outputs_give_back(struct outputs *outputs, size_t number);

/* Tell a problem what the outputs of a layer, named for messages, are worth: all of G, or its
 * diagonal; nothing where all gradients are 0, as of a layer that nothing depends on. To be given
 * back when the problem is gone. */
bool outputs_tell(struct outputs *outputs, size_t number, const char *name, wsic_problem *problem,
                  struct failure *failure);

/* What one squared error at all outputs of a layer alike costs, in bits of divergence per token for
 * each unit of a n D: mean of the diagonal / (2 ln 2). 0 where nothing is known. */
double outputs_sensitivity(const struct outputs *outputs, size_t number);

/* The same for each unit of the a n D that a plan has: where outputs are told what they are worth
 * that is in their metric, in nats twice over, and 1 / (2 ln 2) of it. */
double outputs_sensitivity_in_plan(const struct outputs *outputs, size_t number);

/* Those of all layers, by number. */
void outputs_sensitivities_in_plan(const struct outputs *outputs, double *sensitivities);

#endif
