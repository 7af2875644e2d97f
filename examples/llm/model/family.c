/* SPDX-License-Identifier: MIT */
#include "llm/model/family.h"

#include <string.h>

#define SILU                                                                                       \
    .activation_keys = {"hidden_act"}, .activation_name = "silu", .activation = ACTIVATION_SILU

#define GELU_TANH                                                                                  \
    .activation_keys = {"hidden_activation", "hidden_act"},                                        \
    .activation_name = "gelu_pytorch_tanh", .activation = ACTIVATION_GELU_TANH

#define GEMMA3                                                                                     \
    GELU_TANH, .windows = WINDOW_PATTERN, .head_norms = true, .offset_norms = true,                \
               .output_norms = true, .scaled_embedding = true, .caps = true,                       \
               .local_rotations = true,                                                            \
               .defaults = {.hidden = 2304,                                                        \
                            .intermediate = 9216,                                                  \
                            .blocks = 26,                                                          \
                            .heads = 8,                                                            \
                            .kv_heads = 4,                                                         \
                            .head_dim = 256,                                                       \
                            .vocabulary = 262208,                                                  \
                            .positions = 131072,                                                   \
                            .window = 4096,                                                        \
                            .pattern = 6,                                                          \
                            .theta = 1e6,                                                          \
                            .local_theta = 1e4,                                                    \
                            .epsilon = 1e-6,                                                       \
                            .score_scalar = 256,                                                   \
                            .tied = true}

static const struct family_mixture mixtral = {
    .router = "block_sparse_moe.gate",
    .prefix = "block_sparse_moe.experts",
    .parts = {"w1", "w3", "w2"},
    .count_key = "num_local_experts",
    .always_normalised = true,
    .experts = 8,
    .chosen = 2,
};

static const struct family_mixture qwen3_moe = {
    .router = "mlp.gate",
    .prefix = "mlp.experts",
    .parts = {"gate_proj", "up_proj", "down_proj"},
    .count_key = "num_experts",
    .intermediate_key = "moe_intermediate_size",
    .some_blocks = true,
    .experts = 128,
    .chosen = 8,
    .intermediate = 768,
};

/* Defaults are those of transformers, but for numbers that belong to one model of a family and fit
 * no other: those must be there. Files of Gemma 3 leave out what is as in transformers. */
static const struct family families[] = {
    {"LlamaForCausalLM", "llama", SILU, .bias_keys = true,
     .defaults =
         {.kv_heads = FAMILY_DERIVED, .head_dim = FAMILY_DERIVED, .theta = 1e4, .epsilon = 1e-6}},
    {"MistralForCausalLM", "mistral", SILU, .windows = WINDOW_ALWAYS,
     .defaults = {.head_dim = FAMILY_DERIVED, .window = 4096, .theta = 1e4, .epsilon = 1e-6}},
    {"Qwen2ForCausalLM", "qwen2", SILU, .windows = WINDOW_LATE, .query_bias = true,
     .defaults = {.head_dim = FAMILY_DERIVED, .window = 4096, .theta = 1e4, .epsilon = 1e-6}},
    {"Qwen3ForCausalLM", "qwen3", SILU, .windows = WINDOW_LATE, .bias_keys = true,
     .head_norms = true, .defaults = {.window = 4096, .theta = 1e4, .epsilon = 1e-6}},
    {"MixtralForCausalLM", "mixtral", SILU, .windows = WINDOW_ALWAYS, .mixture = &mixtral,
     .defaults = {.kv_heads = 8, .head_dim = FAMILY_DERIVED, .theta = 1e6, .epsilon = 1e-5}},
    {"Qwen3MoeForCausalLM", "qwen3_moe", SILU, .bias_keys = true, .head_norms = true,
     .mixture = &qwen3_moe,
     .defaults = {.kv_heads = 4, .head_dim = FAMILY_DERIVED, .theta = 1e4, .epsilon = 1e-6}},
    {"Phi3ForCausalLM", "phi3", SILU, .windows = WINDOW_ALWAYS, .fused = true,
     .defaults = {.kv_heads = FAMILY_DERIVED,
                  .head_dim = FAMILY_DERIVED,
                  .original_positions = 4096,
                  .theta = 1e4,
                  .epsilon = 1e-5}},
    {"Gemma2ForCausalLM", "gemma2", GELU_TANH, .windows = WINDOW_PATTERN, .offset_norms = true,
     .output_norms = true, .scaled_embedding = true, .caps = true,
     .defaults = {.head_dim = 256,
                  .window = 4096,
                  .pattern = 2,
                  .theta = 1e4,
                  .epsilon = 1e-6,
                  .score_scalar = 256,
                  .score_cap = 50,
                  .logit_cap = 30,
                  .tied = true}},
    {"Gemma3ForCausalLM", "gemma3_text", GEMMA3},
    {"Gemma3ForConditionalGeneration", "gemma3", "gemma3_text", "language_model.", GEMMA3},
};

enum { FAMILIES = sizeof families / sizeof families[0] };

const struct family *family_find(const char *architecture)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (strcmp(architecture, families[i].architecture) == 0)
            return &families[i];
    return NULL;
}

const struct family *family_at(size_t index)
{
    return index < FAMILIES ? &families[index] : NULL;
}
