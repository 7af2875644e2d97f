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

# --- going on, with the same tensors and statistics ---------------------------------------------

# again CODE NAME : three matrices of the first block
cp "$families"/gemma2/*.npy .
q=model.layers.0.self_attn.q_proj
k=model.layers.0.self_attn.k_proj
cp "$families/gemma2/$q.covariance.npy" "$k.covariance.npy"
mkdir kept
cp "$families"/gemma2/config.json "$families"/gemma2/model.safetensors kept
again()
{
    code=$1
    name=$2
    run "$code" "$name" quantize --model kept --preset fast --rate 8 \
        --tensors '*.0.*.[qv]_proj.weight,*.0.*.k_proj.weight' --statistics . -o going.wsic
}
again 1 "a matrix without statistics"
says err ': no statistics of "model.layers.0.self_attn.v_proj.weight"' "it is named before the work"
[ ! -e going.wsic ]
report $? "no archive of it"
echo none >model.layers.0.self_attn.v_proj.covariance.npy
again 1 "statistics that are no array"
says err "keeps 2 layers" "what is made is kept"
cp "$q.covariance.npy" model.layers.0.self_attn.v_proj.covariance.npy
cp going.wsic.part part
cp "$k.covariance.npy" before
{ head -c 200 before; printf '\001'; tail -c +202 before; } >"$k.covariance.npy"
again 1 "statistics that have changed since"
says err '"model.layers.0.self_attn.k_proj.weight" was made of other statistics' "they are named"
cp before "$k.covariance.npy"
cmp going.wsic.part part >/dev/null
report $? "the archive stays as it was"
size=$(wc -c <kept/model.safetensors)
cp kept/model.safetensors whole
{ head -c $((size - 1)) whole; printf '\077'; } >kept/model.safetensors
# Nothing of what is made belongs to the last byte of the checkpoint.
again 0 "a mended file, and another tensor that is not asked for"
says out "taken over" "it goes on"

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

# --- stacks of matrices, as experts that are fused --------------------------------------------

# tail_of FILE BYTES: what a restored file ends with
tail_of()
{
    tail -c "$2" "$1/model.safetensors"
}

mkdir stack single mx
header=$(od -An -t u8 -N 8 "$data/tinylm/model.safetensors" | tr -d ' ')
tail -c +$((9 + header)) "$data/tinylm/model.safetensors" | head -c 73728 >numbers
size=24576
safetensors stack/model.safetensors "{\"e.w\":{\"dtype\":\"BF16\",\"shape\":[3,64,192],\"data_offsets\":[0,$((3 * size))]}}" numbers
list=
for i in 0 1 2; do
    list="$list,\"e.w.$i\":{\"dtype\":\"BF16\",\"shape\":[64,192],\"data_offsets\":[$((i * size)),$(((i + 1) * size))]}"
done
safetensors single/model.safetensors "{${list#,}}" numbers
for model in stack single; do
    echo '{"model_type": "of_nobody"}' >$model/config.json
    tensors 0 "a $model" --tensors 'e.*' --data-free -o $model.wsic
    run 0 "pack a $model" pack --model $model --archive $model.wsic -o $model.packed
    run 0 "restore a $model" restore $model.packed -o $model.restored
    tail_of $model.restored $((3 * size)) >$model.numbers
done
cmp -s stack.numbers single.numbers
report $? "a stack becomes what its matrices become"
grep -aq '"shape":\[3,64,192\]' stack.restored/model.safetensors
report $? "and keeps its shape"
! cmp -s stack.numbers numbers && [ "$(wc -c <stack.packed/model.safetensors)" -lt 20000 ]
report $? "coded at 3 bits in between"
sed 's/\[3,64,192\]/[4,48,192]/' stack/model.safetensors >mx/model.safetensors
cp stack/config.json mx
refused 1 'layer "e.w.3" is missing where it belongs' "a stack that has more matrices" \
    pack --model mx --archive stack.wsic -o x
sed 's/"e\.w"/"f.w"/' stack/model.safetensors >mx/model.safetensors
refused 1 'layer "e.w.0" is no tensor of the checkpoint' "matrices of another checkpoint" \
    pack --model mx --archive stack.wsic -o x
[ ! -e x ]
report $? "nothing is left of what was refused"

# MXFP4: blocks of 32 numbers in 16 bytes, with a scale of 2^0 (byte 127) for each
head -c 12288 numbers >blocks
awk 'BEGIN { for (i = 0; i < 768; i++) printf "\177" }' >>blocks
safetensors mx/model.safetensors '{"e.w_blocks":{"dtype":"U8","shape":[2,64,6,16],"data_offsets":[0,12288]},
"e.w_scales":{"dtype":"U8","shape":[2,64,6],"data_offsets":[12288,13056]}}' blocks
model=mx
tensors 0 "MXFP4" --tensors 'e.w' --data-free -o mx.wsic
refused 1 'layer "e.w.0" was made of MXFP4, and the tensors "e.w_blocks" and "e.w_scales"' \
    "MXFP4 in a directory" pack --model mx --archive mx.wsic -o x

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
    safetensors "$2/model.safetensors" "$(cat header)" /dev/null
    truncate -s $((8 + $(wc -c <header) + $1 * 1048576)) "$2/model.safetensors"
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
