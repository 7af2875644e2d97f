#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm on models and texts that cannot be used: one line that names the file and what is
# wrong in it, exit code 1, and no archive.
# Usage: test_llm_bad_input.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
good=$data/tinylm

# copy: make the directory "model", a copy that can be spoiled
copy()
{
    rm -rf model
    mkdir model
    cp "$good/config.json" "$good/model.safetensors" model
}

# spoil OFFSET COUNT OCTAL: overwrite bytes of model/model.safetensors, which holds numbers of type
# BF16: 177 makes them 3e38, 377 NaN
spoil()
{
    head -c "$2" /dev/zero | tr '\0' "\\$3" |
        dd of=model/model.safetensors bs=1 seek="$1" conv=notrunc 2>/dev/null
}

# edit EXPRESSION: change model/config.json
edit()
{
    sed "$1" "$good/config.json" >model/config.json
    ! cmp -s "$good/config.json" model/config.json
    report $? "the edit $1 changes something"
}

# bad NAME TEXT... : quantize and eval refuse the model, and the line holds all texts
bad()
{
    name=$1
    shift
    for command in quantize eval; do
        first=$1
        if [ "$command" = quantize ]; then
            refused 1 "$first" "$name, $command" quantize --model model \
                --tokens "$data/calibration.txt" --max-tokens 512 --rate 2 --preset fast --plan none -o x.wsic
        else
            refused 1 "$first" "$name, $command" eval --model model \
                --tokens "$data/calibration.txt" --max-tokens 512
        fi
        for text in "$@"; do
            says err "$text" "$name, $command: says '$text'"
        done
        [ ! -e x.wsic ]
        report $? "$name, $command: no archive"
        rm -f x.wsic.part
    done
}

# --- the configuration ------------------------------------------------------------------

copy
edit 's/"num_hidden_layers": 4/"num_hidden_layers": 5/'
bad "missing tensors" "model/model.safetensors: tensor \"model.layers.4." "is missing"
edit 's/"intermediate_size": 512/"intermediate_size": 500/'
bad "wrong shapes" "model/model.safetensors: tensor \"model.layers.0.mlp." "shape is not [500, 192]"
edit 's/"num_hidden_layers": 4/"num_hidden_layers": 3/'
bad "a tensor too many" "model/model.safetensors: tensor \"model.layers.3." "is no part of a"
edit 's/"rope_scaling": null/"rope_scaling": {"type": "linear"}/'
bad "an unsupported rotation" "model/config.json: \"type\" is \"linear\""
edit 's/LlamaForCausalLM/GPT2LMHeadModel/'
bad "an unsupported architecture" "model/config.json: " "GPT2LMHeadModel"
edit 's/"hidden_size": 192/"quantization_config": {}, "hidden_size": 192/'
bad "an unsupported key" "model/config.json: " "\"quantization_config\""
edit 's/"hidden_size": 192/"hidden_size": "192"/'
bad "a key of the wrong type" "model/config.json: \"hidden_size\""
edit 's/}$//'
bad "a cut configuration" "model/config.json: line "
rm model/config.json
bad "no configuration" "model/config.json: " "No such file"

# --- the checkpoint -----------------------------------------------------------------------

copy
head -c 2000000 "$good/model.safetensors" >model/model.safetensors
bad "a truncated checkpoint" "model/model.safetensors: "
mv model/model.safetensors model/part.safetensors
echo '{"weight_map": {"model.norm.weight": "part.safetensors"}}' >model/model.safetensors.index.json
bad "a truncated shard" "model/part.safetensors: "
rm model/part.safetensors
bad "a missing shard" "model/part.safetensors: No such file"
rm model/model.safetensors.index.json
bad "no checkpoint" "model/model.safetensors: No such file"

copy
spoil 600000 2 377
bad "weights that are not finite" "model/model.safetensors: tensor \"model.layers.0.mlp.up_proj" \
    "is not finite"

# Weights that are finite, but not what is made of them.
copy
spoil 600000 600 177
for command in quantize eval; do
    case $command in
    quantize) set -- --rate 2 --preset fast --plan none -o x.wsic ;;
    eval) set -- ;;
    esac
    refused 1 "model.layers.0" "activations that are not finite, $command" "$command" \
        --model model --tokens "$data/calibration.txt" --max-tokens 512 "$@"
    [ ! -e x.wsic ]
    report $? "activations that are not finite, $command: no archive"
done
rm -f x.wsic.part

# --- the text -----------------------------------------------------------------------------

copy
printf '\001\000\377\000\000\001\002\000' >high.u16
printf '\001\000\377' >odd.u16
: >empty.txt
for command in quantize eval; do
    case $command in
    quantize) set -- --rate 2 -o x.wsic ;;
    eval) set -- ;;
    esac
    refused 1 "high.u16: token 2 is 256" "a token outside the vocabulary, $command" "$command" \
        --model model --tokens high.u16 "$@"
    refused 1 "odd.u16: " "half a token, $command" "$command" --model model --tokens odd.u16 "$@"
    refused 1 "empty.txt: " "an empty text, $command" "$command" --model model \
        --tokens empty.txt "$@"
    refused 1 "none.txt: No such file" "no text, $command" "$command" --model model \
        --tokens none.txt "$@"
done
[ ! -e x.wsic ]
report $? "texts that cannot be used: no archive"

no_rest "bad input"
echo "1..$count"
