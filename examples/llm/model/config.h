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

/* How a block sees. */
enum block_sight config_sight(const struct config *config, size_t block);

#endif
