/* SPDX-License-Identifier: MIT */
/* What a checkpoint's config.json says of the model. */
#ifndef EXAMPLES_LLM_CONFIG_H
#define EXAMPLES_LLM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* A Llama: RMSNorm, rotary positions, grouped queries, SwiGLU. */
struct config {
    size_t hidden;       /* length of the residual stream */
    size_t intermediate; /* of the feed-forward part */
    size_t blocks;
    size_t heads;
    size_t kv_heads; /* divides heads */
    size_t head_dim; /* even */
    size_t vocabulary;
    size_t positions; /* longest window that the model was trained on */
    double rope_theta;
    double norm_epsilon;
    bool tied; /* the output head is the embedding */
};

/* Read DIRECTORY/config.json. Whatever would make the model compute something else than forward.c
 * does is refused by its name. */
bool config_load(struct config *config, const char *directory, struct failure *failure);

#endif
