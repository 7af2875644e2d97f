/* SPDX-License-Identifier: MIT */
/* What a checkpoint's config.json says of the model. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_H
#define EXAMPLES_LLM_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"
#include "llm/model/family.h"
#include "llm/model/rope.h"

/* Of positions, which are only counted. */
#define CONFIG_MAX_POSITIONS ((size_t)1 << 40)

enum { CONFIG_MAX_BLOCKS = 1024 };

/* Blocks see all that is before a token, or the last part of it alone. */
enum block_sight { SIGHT_FULL, SIGHT_LOCAL, SIGHTS };

/* Of blocks whose feed-forward part is a mixture of experts: a router chooses some of them for each
 * token. */
struct config_mixture {
    size_t experts;      /* of a block that has any; 0: no block has */
    size_t chosen;       /* of them, for a token */
    size_t intermediate; /* of an expert */
    bool normalised;     /* weights of those that are chosen sum to 1 */
    bool stacked;        /* the checkpoint keeps all of a block in one tensor (tensors.h) */
};

/* A chain of blocks of attention and a gated feed-forward part, with RMSNorm, rotary positions and
 * grouped queries; what else it has, its family tells. */
struct config {
    const struct family *family;
    const char *architecture; /* as in the file */
    bool head_norms;          /* RMSNorm of every query and key before they are rotated */
    size_t hidden;            /* length of the residual stream */
    size_t intermediate;      /* of the feed-forward part */
    size_t blocks;
    size_t heads;
    size_t kv_heads; /* divides heads */
    size_t head_dim;
    size_t vocabulary;
    size_t positions; /* longest window that the model was trained on */
    size_t sight;     /* keys that a query of a local block sees, its own included; 0: no block is
                         local */
    bool local[CONFIG_MAX_BLOCKS];
    struct config_mixture mixture;
    bool sparse[CONFIG_MAX_BLOCKS]; /* blocks that have experts */
    struct rope rope[SIGHTS];
    enum activation activation;
    double score_factor; /* of query times key */
    double score_cap;    /* c of c tanh(score / c); 0: none */
    double logit_cap;
    double norm_epsilon;
    bool query_bias; /* of query, key and value */
    bool output_bias;
    bool ffn_bias;          /* of gate, up and down */
    size_t scale_block[2];  /* rows and columns of FP8 that share a scale (stored.h) */
    bool tied;              /* the output head is the embedding */
    char unknown_keys[256]; /* of the file, that are not used; for a warning (config_keys.h) */
};

/* Read DIRECTORY/config.json. Whatever would make the model compute something else than forward.c
 * does is refused by its name. */
bool config_load(struct config *config, const char *directory, struct failure *failure);

/* Of a model of any architecture: the rows and columns of FP8 that share a scale (stored.h). A
 * directory without a config.json has the usual ones. */
bool config_load_scale_block(size_t block[2], const char *directory, struct failure *failure);

/* How many tokens see each other: as wanted, or if that is 0 as many as the model was trained on,
 * but at most 2048. Attention costs more with every token of a window, so that longer ones have to
 * be asked for. More than the model was trained on are refused. */
bool config_window(const struct config *config, size_t wanted, size_t *window,
                   struct failure *failure);

/* Experts of a block; 0: it has none. */
size_t config_experts(const struct config *config, size_t block);

/* Inner length of a block's feed-forward part, or of one of its experts; and the largest of all
 * blocks. */
size_t config_intermediate(const struct config *config, size_t block);
size_t config_largest_intermediate(const struct config *config);

/* How a block sees. */
enum block_sight config_sight(const struct config *config, size_t block);

#endif
