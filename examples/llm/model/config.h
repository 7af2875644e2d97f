/* SPDX-License-Identifier: MIT */
/* What a checkpoint's config.json says of the model. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_H
#define EXAMPLES_LLM_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* Of positions, which are only counted. */
#define CONFIG_MAX_POSITIONS ((size_t)1 << 40)

/* How Llama 3.1 and later stretch the rotations for texts longer than those of the first training:
 * turns that take long are slowed down by the factor, short ones are left, and those between are
 * mixed of both. */
struct rope_scaling {
    bool on;
    double factor;
    double low;      /* a rotation that turns fewer times than this in the text is slowed down */
    double high;     /* one that turns more often is left; above low */
    size_t original; /* length of that text */
};

/* A Llama, or a Qwen3: RMSNorm, rotary positions, grouped queries, SwiGLU. */
struct config {
    const char *architecture; /* as in the file */
    bool head_norms;          /* RMSNorm of every query and key before they are rotated */
    size_t hidden;            /* length of the residual stream */
    size_t intermediate;      /* of the feed-forward part */
    size_t blocks;
    size_t heads;
    size_t kv_heads; /* divides heads */
    size_t head_dim; /* even */
    size_t vocabulary;
    size_t positions; /* longest window that the model was trained on */
    double rope_theta;
    struct rope_scaling rope_scaling;
    double norm_epsilon;
    bool tied;              /* the output head is the embedding */
    char unknown_keys[256]; /* of the file, that are not used; for a warning (config_keys.h) */
};

/* Read DIRECTORY/config.json. Whatever would make the model compute something else than forward.c
 * does is refused by its name. */
bool config_load(struct config *config, const char *directory, struct failure *failure);

#endif
