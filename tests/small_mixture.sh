#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a small mixture of experts, of a real model's numbers: two blocks, of which the second has four experts.
# Usage: small_mixture.sh EXAMPLES_DATA FOLDER
set -eu
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$1
model=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The matrices in the order of the file: name, rows, columns
matrices()
{
    echo model.embed_tokens 256 64
    for block in 0 1; do
        layer=model.layers.$block
        echo "$layer.self_attn.q_proj" 64 64
        echo "$layer.self_attn.k_proj" 32 64
        echo "$layer.self_attn.v_proj" 32 64
        echo "$layer.self_attn.o_proj" 64 64
        if [ $block = 0 ]; then
            feed_forward $layer.mlp 96
        else
            echo "$layer.mlp.gate" 4 64
            for expert in 0 1 2 3; do
                feed_forward $layer.mlp.experts.$expert 48
            done
        fi
    done
}

# feed_forward NAME LENGTH
feed_forward()
{
    echo "$1.gate_proj" "$2" 64
    echo "$1.up_proj" "$2" 64
    echo "$1.down_proj" 64 "$2"
}

# And the vectors behind them, which are ones
vectors()
{
    echo model.norm 64
    for block in 0 1; do
        layer=model.layers.$block
        echo "$layer.input_layernorm" 64
        echo "$layer.post_attention_layernorm" 64
        echo "$layer.self_attn.q_norm" 32
        echo "$layer.self_attn.k_norm" 32
    done
}

# Numbers of the matrices are those of a real model.
mkdir "$model"
{ matrices && vectors; } | awk '{
    size = 2 * $2 * (NF == 3 ? $3 : 1)
    shape = NF == 3 ? $2 "," $3 : $2
    printf "%s\"%s.weight\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
        NR == 1 ? "{" : ",", $1, shape, offset, offset + size
    offset += size
} END { printf "}" }' >"$work/header"
length=$(od -An -t u8 -N 8 "$data/tinylm/model.safetensors" | tr -d ' ')
size=$(matrices | awk '{ sum += 2 * $2 * $3 } END { print sum }')
tail -c +$((9 + length)) "$data/tinylm/model.safetensors" | head -c "$size" >"$work/numbers"
vectors | awk '{ for (i = 0; i < $2; i++) printf "\200?" }' >>"$work/numbers"
safetensors "$model/model.safetensors" "$(cat "$work/header")" "$work/numbers"
cat >"$model/config.json" <<'END'
{"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_act": "silu",
 "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
 "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 256, "max_position_embeddings": 128,
 "rope_theta": 10000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "num_experts": 4,
 "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": true,
 "mlp_only_layers": [0], "decoder_sparse_step": 1}
END
