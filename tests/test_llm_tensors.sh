#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm quantize --tensors: matrices by their names, with statistics of others or none.
# Usage: test_llm_tensors.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
families=$(absolute "$(dirname "$0")/data/families")
begin "$1"
model=$data/tinylm

# tensors CODE NAME OPTION... : at 3 bits, quickly
tensors()
{
    code=$1
    name=$2
    shift 2
    run "$code" "$name" quantize --model "$model" --preset fast --rate 3 "$@"
}

# --- the command line -----------------------------------------------------------------------

tensors 2 "neither statistics nor none" --tensors '*' -o x.wsic
says err "--tensors needs one of --statistics and --data-free" "neither: says so"
tensors 2 "both" --tensors '*' --data-free --statistics . -o x.wsic
tensors 2 "statistics without tensors" --statistics . -o x.wsic --tokens "$data/calibration.txt"
says err "--statistics goes with --tensors" "statistics without tensors: says so"
tensors 2 "a text" --tensors '*' --data-free --tokens "$data/calibration.txt" -o x.wsic
says err "--tokens does not go with --tensors" "a text: says so"
tensors 2 "importance alone" --tensors '*' --importance x.dat -o x.wsic
tensors 1 "no such matrix" --tensors '*.conv.weight' --data-free -o x.wsic
says err "'*.conv.weight' names no matrix" "no such matrix: says so"
tensors 1 "no such statistics" --tensors '*.0.*q_proj*' --statistics . -o x.wsic
says err ": no statistics of \"model.layers.0.self_attn.q_proj.weight\"" "no such statistics: says so"
cp "$model"/* .
tensors 1 "the checkpoint as the output" --model . --tensors '*q_proj*' --data-free -o model.safetensors
says err "is not written, as it is" "the checkpoint as the output: says so"
rm -f ./*.wsic* ./*.json ./*.safetensors

# --- archives -------------------------------------------------------------------------------

tensors 0 "no statistics" --tensors '*.layers.0.*,*.1.mlp.*' --data-free --json -o x.wsic
says err "without statistics all inputs count alike" "no statistics: the cost is told"
holds "$(value out matrices) == 10" "matrices of two patterns are there"
holds "$(value out untouched_vectors) == 2" "vectors are counted"
holds "$(value out weights) == 2 * 192 * 192 + 2 * 96 * 192 + 6 * 512 * 192" "weights are counted"
holds "($(value out bits_per_weight) - 3) ^ 2 < 0.05 ^ 2" "the rate is met"
cp x.wsic first.wsic
tensors 0 "once more" --tensors '*.layers.0.*,*.1.mlp.*' --data-free -o x.wsic
cmp x.wsic first.wsic >/dev/null
report $? "the same archive"

# All linear layers: an archive of the whole model, which eval takes.
tensors 0 "a whole model" --tensors '*_proj.weight' --data-free -o whole.wsic
run 0 "its evaluation" eval --model "$model" --archive whole.wsic --tokens "$data/evaluation.txt" \
    --max-tokens 2048 --json
holds "$(value out kl_bits) > 0 && $(value out kl_bits) < 0.2" "it predicts nearly as the original"

# Of a checkpoint of another family, with the statistics of a hook.
model=$families/gemma2
tensors 0 "statistics of a hook" --tensors '*.2.mlp.down*' --statistics "$families/gemma2" -o h.wsic
says out "in 1 matrices" "statistics of a hook: one matrix"
tensors 1 "statistics that lack one" --tensors '*down*' --statistics "$families/gemma2" -o i.wsic
says err "no statistics of \"model.layers.0.mlp.down_proj.weight\"" "the one that is lacking is named"

# --- any number of layers in the same memory -------------------------------------------------

# make_large LAYERS DIRECTORY: a sparse file of zeros, 1 MiB to a layer
make_large()
{
    mkdir "$2"
    awk -v layers="$1" 'BEGIN {
        printf "{"
        for (i = 0; i < layers; i++)
            printf "%s\"h.%d.w\":{\"dtype\":\"F32\",\"shape\":[512,512],\"data_offsets\":[%d,%d]}",
                i ? "," : "", i, i * 1048576, (i + 1) * 1048576
        printf "}" }' >header
    length=$(wc -c <header)
    awk -v n="$length" 'BEGIN { for (i = 0; i < 8; i++) { printf "%03o\n", n % 256; n = int(n / 256) } }' |
        while read -r byte; do printf '%b' "\\0$byte"; done >"$2/model.safetensors"
    cat header >>"$2/model.safetensors"
    truncate -s $((8 + length + $1 * 1048576)) "$2/model.safetensors"
}
make_large 2 small
make_large 100 large
for model in small large; do
    tensors 0 "the $model checkpoint" --tensors 'h.*' --data-free --json -o "$model.wsic"
    value out peak_bytes >"$model.peak"
done
holds "$(value out matrices) == 100" "all matrices of the large one"
holds "$(cat large.peak) < $(cat small.peak) + 8 * 2 ^ 20" "they take no more memory than two"

echo "1..$count"
