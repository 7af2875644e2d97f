/* SPDX-License-Identifier: MIT */
/* What distinguishes the families of models that can be computed. All of them are chains of blocks
 * of attention and a gated feed-forward part; the forward pass (forward.h) asks here for the rest.
 * A family that differs in no other way needs a new entry in family.c alone. */
#ifndef EXAMPLES_LLM_MODEL_FAMILY_H
#define EXAMPLES_LLM_MODEL_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

enum activation { ACTIVATION_SILU, ACTIVATION_GELU_TANH };

/* Which blocks are local: queries see the last keys of "sliding_window" alone. A list "layer_types"
 * in the configuration goes before these rules. */
enum window_rule {
    WINDOW_NEVER,
    WINDOW_ALWAYS,  /* if there is a window */
    WINDOW_LATE,    /* blocks from "max_window_layers" on, with "use_sliding_window" */
    WINDOW_PATTERN, /* all but every n-th, "sliding_window_pattern" */
};

/* Values of keys that a configuration leaves out. 0: the key must be there, unless another meaning
 * is told. */
struct family_defaults {
    size_t hidden;
    size_t intermediate;
    size_t blocks;
    size_t heads;
    size_t kv_heads; /* FAMILY_DERIVED: as many as heads */
    size_t head_dim; /* FAMILY_DERIVED: hidden / heads */
    size_t vocabulary;
    size_t positions;
    size_t window;  /* 0: none */
    size_t pattern; /* of WINDOW_PATTERN */
    size_t original_positions;
    double theta;
    double local_theta; /* of blocks that are local; 0: theta */
    double epsilon;
    double score_scalar; /* 0: the family has none */
    double score_cap;    /* 0: none */
    double logit_cap;
    bool tied;
};

/* How a family has its experts. */
struct family_mixture {
    const char *router;   /* the tensor of the router, behind the block and before "weight" */
    const char *prefix;   /* what layers of experts begin with, before the expert's number */
    const char *parts[3]; /* what gate, up and down end with */
    const char *count_key;
    const char *intermediate_key; /* NULL: an expert is as large as the feed-forward part */
    bool always_normalised;       /* otherwise "norm_topk_prob" says it */
    bool some_blocks; /* "mlp_only_layers" and "decoder_sparse_step" say which blocks have them */
    size_t experts;   /* defaults */
    size_t chosen;
    size_t intermediate;
};

#define FAMILY_DERIVED ((size_t)-1)

struct family {
    const char *architecture; /* "architectures" and "model_type" of config.json */
    const char *type;
    const char *inner_type; /* "model_type" of its "text_config"; NULL: there is none */
    const char *prefix;     /* of the names of tensors */
    const char *activation_keys[2];
    const char *activation_name;
    enum activation activation;
    enum window_rule windows;
    bool query_bias;       /* query, key and value have biases */
    bool bias_keys;        /* "attention_bias" and "mlp_bias" say what has biases */
    bool fused;            /* qkv_proj and gate_up_proj take the place of q, k, v and gate, up */
    bool head_norms;       /* queries and keys are normalised before they are rotated */
    bool offset_norms;     /* gains are stored less 1 */
    bool output_norms;     /* what attention and feed-forward part give is normalised too */
    bool scaled_embedding; /* by the square root of the length of the states */
    bool caps;             /* scores and logits go through c tanh(x / c) */
    bool local_rotations;  /* local blocks turn with a theta of their own, and unscaled */
    const struct family_mixture *mixture; /* NULL: blocks have no experts */
    struct family_defaults defaults;
};

/* NULL if there is none. */
const struct family *family_find(const char *architecture);

/* All of them; NULL beyond the last. */
const struct family *family_at(size_t index);

#endif
