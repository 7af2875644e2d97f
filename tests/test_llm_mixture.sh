#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm on a mixture of experts, from quantizing to generating.
# Usage: test_llm_mixture.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
calibration=$data/calibration.txt
evaluation=$data/evaluation.txt

# --- a mixture: two blocks, of which the second has four experts -----------------------

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
mkdir model
{ matrices && vectors; } | awk '{
    size = 2 * $2 * (NF == 3 ? $3 : 1)
    shape = NF == 3 ? $2 "," $3 : $2
    printf "%s\"%s.weight\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
        NR == 1 ? "{" : ",", $1, shape, offset, offset + size
    offset += size
} END { printf "}" }' >header
header=$(od -An -t u8 -N 8 "$data/tinylm/model.safetensors" | tr -d ' ')
size=$(matrices | awk '{ sum += 2 * $2 * $3 } END { print sum }')
tail -c +$((9 + header)) "$data/tinylm/model.safetensors" | head -c "$size" >numbers
vectors | awk '{ for (i = 0; i < $2; i++) printf "\200?" }' >>numbers
safetensors model/model.safetensors "$(cat header)" numbers
cat >model/config.json <<'END'
{"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_act": "silu",
 "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
 "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 256, "max_position_embeddings": 128,
 "rope_theta": 10000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "num_experts": 4,
 "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": true,
 "mlp_only_layers": [0], "decoder_sparse_step": 1}
END
experts=12
layers=$((2 * 4 + 3 + experts))
weights=$((2 * (2 * 64 * 64 + 2 * 32 * 64) + 3 * 96 * 64 + experts * 48 * 64))

# sum FILE KEY PATTERN: of the key's numbers in layers with such names
sum()
{
    awk -v key="\"$2\":" -v pattern="$3" '$1 == "\"name\":" { counts = $2 ~ pattern }
        $1 == key && counts { sum += $2; counts = 0 } END { print sum + 0 }' "$1"
}

# --- quantizing: one budget for all experts -------------------------------------------------------

run 0 "quantize" quantize --model model --preset fast --rate 3 --outputs none \
    --tokens "$calibration" --max-tokens 4096 --json -o x.wsic
cp out quantized
holds "$(grep -c '"name":' quantized) == $layers" "every layer is there"
holds "$(grep -c '"name":.*experts\.[0-3]\.' quantized) == $experts" "and those of every expert"
holds "$(value quantized weights) == $weights" "all their weights are counted"
holds "$(value quantized bytes) == $(wc -c <x.wsic)" "all their bytes are counted"
holds "$(wc -c <x.wsic) <= 1.01 * 3 * $weights / 8" "the archive keeps to the rate"
holds "$(wc -c <x.wsic) > 0.97 * 3 * $weights / 8" "and uses it"
holds "$(sum quantized bytes experts) > 0.1 * $(wc -c <x.wsic)" "experts have a part of it"
! grep -q 'no token of the text' err
report $? "tokens went to every expert"

printf 'aaaaaaaa' >few
run 0 "few tokens" quantize --model model --preset fast --rate 3 --recipe plain --tokens few \
    -o few.wsic
says err "model.layers.1: no token of the text goes to 2 of its 4 experts" \
    "experts that no token reached are told"

refused 1 "'drafts' does not work on a model with experts: 'outputs' does" \
    "sensitivities of drafts" quantize --model model --preset fast --rate 3 \
    --tokens "$calibration" --max-tokens 4096 --sensitivity drafts -o drafts.wsic
[ ! -e drafts.wsic ]
report $? "nothing is written of them"

# --- the archive, the directory and the restored checkpoint are the same model --------------------

# evaluate MODEL OPTION... : the cross entropy goes to MODEL.entropy
evaluate()
{
    model=$1
    shift
    run 0 "evaluation of the $model" eval --tokens "$evaluation" --max-tokens 1024 --json "$@"
    value out cross_entropy >"$model.entropy"
}

evaluate original --model model
evaluate archive --model model --archive x.wsic
holds "$(value out quantized_layers) == $layers" "every layer comes from the archive"
holds "$(value out quantized_weights) == $weights" "with all weights"
holds "$(value out kl_bits) > 0 && $(value out kl_bits) < 0.01" "it predicts as the original"
run 0 "pack" pack --model model --archive x.wsic -o packed
evaluate directory --model packed
run 0 "restore" restore packed --type f32 -o restored
evaluate restored --model restored
entropy=$(cat archive.entropy)
holds "$entropy != $(cat original.entropy)" "the archive is not the original"
holds "($(cat directory.entropy) - $entropy) ^ 2 < 1e-10" "the directory is the archive"
holds "($(cat restored.entropy) - $entropy) ^ 2 < 1e-10" "the restored checkpoint is the archive"

# --- a plan, and what methods lose ----------------------------------------------------------------

run 0 "plan" plan --model model --preset fast --rates 3 --outputs none --tokens "$calibration" \
    --max-tokens 4096 --json
holds "$(grep -c '"name":.*experts' out) == $experts" "the plan has every expert"
holds "($(value out bytes) - 3 * $weights / 8) ^ 2 <= 1" "it spends the bytes of all weights"
holds "$(value out predicted_kl_bits) > 0 && $(value out predicted_kl_bits) < 0.01" \
    "it predicts what little is lost"

run 0 "compare" compare --model model --preset fast --rates 3 --recipe plain --json \
    --tokens "$calibration" --max-tokens 4096 --eval "$evaluation" --eval-tokens 512
holds "$(grep -c '"method":' out) == 6" "compare: every method is there"
awk '$1 == "\"kl_bits\":" { kl = $2 + 0 } /"method": "(RTN|GPTQ)"/ && kl > most { most = kl }
    /"method": "WaterSIC"/ { ours = kl } END { exit !(ours > 0 && ours < most) }' out
report $? "compare: less is lost than by rounding"

# --- text ----------------------------------------------------------------------------------------

# generate MODEL OPTION... : what it says goes to MODEL.text
generate()
{
    model=$1
    shift
    run 0 "text of the $model" generate --prompt "The " --max-new-tokens 6 --json "$@"
    holds "$(value out tokens) == 6" "text of the $model: six tokens"
    value out text >"$model.text"
}

generate archive --model model --archive x.wsic
generate directory --model packed
generate restored --model restored
cmp -s archive.text directory.text && cmp -s archive.text restored.text
report $? "all three say the same"

echo "1..$count"
