/* SPDX-License-Identifier: MIT */
#include "llm/run/importance_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    const char *theirs;
    const char *ours;
};

/* Within a block. */
static const struct pair layers[] = {
    {"self_attn.q_proj.weight", "attn_q"},
    {"self_attn.k_proj.weight", "attn_k"},
    {"self_attn.v_proj.weight", "attn_v"},
    {"self_attn.qkv_proj.weight", "attn_qkv"},
    {"self_attn.o_proj.weight", "attn_output"},
    {"mlp.gate_proj.weight", "ffn_gate"},
    {"mlp.up_proj.weight", "ffn_up"},
    {"mlp.gate_up_proj.weight", "ffn_up"},
    {"mlp.down_proj.weight", "ffn_down"},
    {"mlp.gate.weight", "ffn_gate_inp"},
    {"block_sparse_moe.gate.weight", "ffn_gate_inp"},
};

/* Of experts, behind the beginning and the number. */
static const struct pair expert_layers[] = {
    {"gate_proj.weight", "ffn_gate_exps"}, {"up_proj.weight", "ffn_up_exps"},
    {"down_proj.weight", "ffn_down_exps"}, {"w1.weight", "ffn_gate_exps"},
    {"w3.weight", "ffn_up_exps"},          {"w2.weight", "ffn_down_exps"},
};

static const char *find(const struct pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].theirs, name) == 0)
            return pairs[i].ours;
    return NULL;
}

/* Behind a prefix and a number that ends with a dot. */
static const char *behind_number(const char *name, const char *prefix, size_t *number)
{
    const char *const place = strstr(name, prefix);
    char *end;

    if (!place)
        return NULL;
    const char *const digits = place + strlen(prefix);
    *number = (size_t)strtoul(digits, &end, 10);
    return end != digits && *end == '.' ? end + 1 : NULL;
}

bool importance_name(const char *name, char translated[IMPORTANCE_NAME_SIZE], size_t *expert)
{
    const size_t layer_count = sizeof layers / sizeof layers[0];
    const size_t expert_count = sizeof expert_layers / sizeof expert_layers[0];
    size_t block;
    const char *const rest = behind_number(name, "model.layers.", &block);
    const char *found = NULL;

    *expert = 0;
    if (strcmp(name, "lm_head.weight") == 0) {
        snprintf(translated, IMPORTANCE_NAME_SIZE, "output.weight");
        return true;
    }
    if (!rest)
        return false;
    const char *const of_expert = behind_number(rest, ".experts.", expert);
    if (of_expert)
        found = find(expert_layers, expert_count, of_expert);
    else
        found = find(layers, layer_count, rest);
    if (found)
        snprintf(translated, IMPORTANCE_NAME_SIZE, "blk.%zu.%s.weight", block, found);
    return found != NULL;
}
