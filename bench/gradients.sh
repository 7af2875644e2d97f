#!/bin/sh
# SPDX-License-Identifier: MIT
# Where the gradients at the outputs come from: the same quantization with gradients of the original
# model on the text that the layers are calibrated on, on another text, and of the quantized model.
# In the second and third row the files that --run keeps are replaced. The settings are in runs.sh.
#
# usage: gradients.sh WATERSIC-LLM MODEL CALIBRATION EVALUATION OTHER-TEXT RATE...
set -eu

least=6
# shellcheck source=bench/runs.sh
. "$(dirname "$0")/runs.sh"
other=$1
shift
base=$work

# kept MODEL TEXT DIRECTORY: collects gradients and keeps them there
kept()
{
    [ -d "$3" ] && return
    "$program" plan --model "$1" --tokens "$2" --rates 2 --preset fast \
        --max-tokens "${MAX_TOKENS:-65536}" --run "$3.new" >/dev/null
    mv "$3.new" "$3"
}

# replaced DIRECTORY FROM: a run directory that looks like the first, with gradients of the second
replaced()
{
    for place in "$base"/own/outputs-*; do
        mkdir -p "$1/$(basename "$place")"
        cp "$2"/outputs-*/* "$1/$(basename "$place")/"
    done
}

# restored FILE DIRECTORY: the checkpoint with the weights that the archive holds
restored()
{
    [ -d "$2" ] && return
    "$program" pack --model "$model" --archive "$1" -o "$2.packed" >/dev/null
    "$program" restore "$2.packed" --type f32 -o "$2" >/dev/null
    rm -rf "$2.packed"
}

# row RATE NAME: quantizes with the gradients in $work
row()
{
    file=$(archive "$1" sides)
    quantized "$1" "$file" --rescalers --drift --residual --plan waterfill --outputs full
    report=$(evaluated "$file" "$evaluation")
    printf '| %s | %s | %.4f | %.3f | %.4f |\n' "$1" "$2" "$(echo "$report" | value kl_bits)" \
        "$(echo "$report" | value perplexity)" "$(echo "$report" | value predicted_kl_bits)"
}

kept "$model" "$calibration" "$base/own"
kept "$model" "$other" "$base/other"
replaced "$base/swapped" "$base/other"

echo '| rate | gradients | KL, bits | perplexity | predicted |'
echo '|---|---|---|---|---|'
for rate in "$@"; do
    work=$base/own
    row "$rate" 'original model, same text'
    restored "$(archive "$rate" sides)" "$base/model-$rate"
    kept "$base/model-$rate" "$calibration" "$base/quantized-$rate"
    replaced "$base/requantized-$rate" "$base/quantized-$rate"
    work=$base/swapped
    row "$rate" 'original model, another text'
    work=$base/requantized-$rate
    row "$rate" 'quantized model, same text'
done
