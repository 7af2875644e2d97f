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
edit 's/"rope_scaling": null/"rope_scaling": {"type": "dynamic"}/'
bad "an unsupported rotation" "model/config.json: \"type\" is \"dynamic\""
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

# What stands in its place is named.
copy
# other FILE KIND: the checkpoint is this text, an archive of that kind
other()
{
    printf '%b' "$1" >model/model.safetensors
    bad "$2" "model/model.safetensors: is not a safetensors file but $2"
}
other 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n' "a Git LFS pointer"
other '<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n' "an HTML page"
other '\0200\0002}q\0000(X\0005\0000\0000\0000hello' "a pickle"
other 'PK\0003\0004aaaaaaaaaaaaaaaaaaaaaaaaaa' "a zip archive"

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

# --- outputs that are inputs ----------------------------------------------------------------

# spared OUTPUT INPUT NAME: an output of that name is refused, and what is read stays
spared()
{
    before=$(cat model/* text | cksum)
    refused 1 "$1: is not written, as it is $2, which is read" "$3" quantize --model model \
        --tokens text --max-tokens 512 --rate 2 --preset fast --plan none -o "$1"
    [ "$(cat model/* text | cksum)" = "$before" ] && [ ! -e "$1.part" ]
    report $? "$3: what is read stays"
}
copy
head -c 2000 "$data/calibration.txt" >text
ln -s text link
ln -s model there
spared model/model.safetensors model/model.safetensors "onto the checkpoint"
spared ./model/../model/config.json model/config.json "onto the configuration"
spared text text "onto the text"
spared link text "onto the text, through a link"
spared there/model.safetensors model/model.safetensors "onto the checkpoint, through a link"
cp text x.part
refused 1 "x.part: is not written, as it is x.part" "the unfinished archive onto the text" quantize \
    --model model --tokens x.part --max-tokens 512 --rate 2 -o x
mkdir run
cp text run/sensitivities.json
refused 1 "run/sensitivities.json: is not written" "sensitivities onto the text" compare \
    --model model --tokens text --eval run/sensitivities.json --rates 2 --run run
rm -r run x.part link there

# --- an archive of another checkpoint ---------------------------------------------------------

run 0 "an archive" quantize --model model --tokens text --max-tokens 512 --rate 2 --preset fast \
    --plan none --recipe plain --skip '*.0.mlp.*' -o x.wsic
run 0 "an archive and its checkpoint" eval --model model --archive x.wsic --tokens text
[ ! -s err ]
report $? "an archive and its checkpoint: nothing to say"
spoil 600000 2 075
refused 1 "x.wsic: was made from another checkpoint than model" "another checkpoint, eval" eval \
    --model model --archive x.wsic --tokens text
says err "--other-checkpoint" "another checkpoint, eval: the way on is named"
refused 1 "x.wsic: was made from another checkpoint than model" "another checkpoint, finetune" \
    finetune --model model --archive x.wsic --tokens text -o y.wsic
[ ! -e y.wsic ]
report $? "another checkpoint, finetune: no archive"
run 0 "another checkpoint that is meant" eval --model model --archive x.wsic --tokens text \
    --other-checkpoint
says err "warning: x.wsic: was made from another checkpoint" "another checkpoint that is meant: told"
copy
refused 1 "model/config.json: is not written" "tuning onto the configuration" finetune \
    --model model --archive x.wsic --tokens text -o model/config.json
run 0 "tuning an archive onto itself" finetune --model model --archive x.wsic --tokens text \
    -o x.wsic
rm x.wsic text

# --- what is worth a warning -------------------------------------------------------------------

# place NAME: where the numbers of a tensor begin in model/model.safetensors, and how many bytes
place()
{
    length=$(head -c 8 model/model.safetensors | od -An -tu1 |
        awk '{ print $1 + 256 * $2 + 65536 * $3 }')
    head -c $((length + 8)) model/model.safetensors | tail -c "$length" | tr '}' '\n' |
        sed -n "s/.*\"$1\".*\"data_offsets\":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/p" |
        awk -v start=$((length + 8)) '{ print start + $1, $2 - $1 }'
}

# warned NAME TEXT OPTION... : quantize says this on one line, and goes on
warned()
{
    name=$1
    text=$2
    shift 2
    rm -f x.wsic
    run 0 "$name" quantize --model model --rate 2 --preset fast --plan none --recipe plain \
        -o x.wsic "$@"
    says err "watersic-llm: warning: $text" "$name: is told"
    [ "$(wc -l <err)" = 1 ]
    report $? "$name: one line"
}
copy
for number in 1 2 10; do
    warned "$number tokens to calibrate on" "calibration tokens: $number, fewer than the 512 " \
        --tokens "$data/calibration.txt" --max-tokens "$number"
done
edit 's/"hidden_size": 192/"moon_phase": 0.5, "hidden_size": 192/'
warned "a key that nobody knows" "model/config.json: not known and not used: moon_phase" \
    --tokens "$data/calibration.txt" --max-tokens 512
copy
place model.layers.2.self_attn.q_proj.weight >span
read -r offset bytes <span
yes ab | tr -d '\n' | tr ab '\001\000' | head -c "$bytes" |
    dd of=model/model.safetensors bs=1 seek="$offset" conv=notrunc 2>/dev/null
warned "a matrix of subnormals" \
    "model.layers.2.self_attn.q_proj.weight: stored as zeros: all its weights are subnormal" \
    --tokens "$data/calibration.txt" --max-tokens 512
rm -f x.wsic

no_rest "bad input"
echo "1..$count"
