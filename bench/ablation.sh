#!/bin/sh
# SPDX-License-Identifier: MIT
# What each ingredient of a recipe is worth on a checkpoint: a table of bits per weight from the
# bytes on disk, perplexity and KL divergence to the original. One ingredient is added after the
# other up to residuals; what follows is compared with these, and fine-tuning comes on top of the
# plan.
#
# usage: ablation.sh WATERSIC-LLM MODEL CALIBRATION EVALUATION RATE...
#
# PRESET (default), MAX_TOKENS (65536) and EVAL_TOKENS (32768) are taken from the environment, and
# WORK, a directory that keeps the archives; without it they are thrown away.
set -eu

if [ $# -lt 5 ]; then
    sed -n 's/^# usage/usage/p' "$0" >&2
    exit 2
fi
program=$1
model=$2
calibration=$3
evaluation=$4
shift 4

if [ -n "${WORK:-}" ]; then
    work=$WORK
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

# value NAME: of the report on standard input
value()
{
    sed -n "s/^ *\"$1\": \\([^,]*\\),*\$/\\1/p" | head -n 1
}

# row RATE NAME ARCHIVE
row()
{
    report=$("$program" eval --model "$model" --archive "$3" --tokens "$evaluation" \
        --max-tokens "${EVAL_TOKENS:-32768}" --json)
    printf '| %s | %s | %.4f | %.4f | %.4f |\n' "$1" "$2" \
        "$(echo "$report" | value bits_per_weight)" "$(echo "$report" | value perplexity)" \
        "$(echo "$report" | value kl_bits)"
}

# quantized RATE NAME FILE OPTION...
quantized()
{
    rate=$1
    name=$2
    file=$work/$rate-$3.wsic
    shift 3
    [ -f "$file" ] ||
        "$program" quantize --model "$model" --tokens "$calibration" --rate "$rate" \
            --max-tokens "${MAX_TOKENS:-65536}" --preset "${PRESET:-default}" --run "$work" \
            --recipe plain "$@" -o "$file" >"$file.txt"
    row "$rate" "$name" "$file"
}

echo '| rate | recipe | bits per weight | perplexity | KL, bits |'
echo '|---|---|---|---|---|'
for rate in "$@"; do
    quantized "$rate" 'plain' plain
    set -- --rescalers
    quantized "$rate" '+ rescalers' rescalers "$@"
    set -- "$@" --drift
    quantized "$rate" '+ drift' drift "$@"
    set -- "$@" --residual
    quantized "$rate" '+ residual' residual "$@"
    quantized "$rate" 'residual, attention' attention "$@" --attention "${ATTENTION:-0.1}"
    quantized "$rate" 'residual, mixing' mixing "$@" --attention "${ATTENTION:-0.1}" --mixing
    quantized "$rate" 'residual, waterfill' plan "$@" --plan waterfill
    tuned=$work/$rate-tuned.wsic
    [ -f "$tuned" ] ||
        "$program" finetune --model "$model" --archive "$work/$rate-plan.wsic" \
            --tokens "$calibration" --max-tokens "${MAX_TOKENS:-65536}" -o "$tuned" >"$tuned.txt"
    row "$rate" 'residual, waterfill, fine-tuning' "$tuned"
done
