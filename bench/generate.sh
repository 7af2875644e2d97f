#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokens a second and memory of `watersic-llm generate` for every form of the layers, beside floats.
# usage: generate.sh WATERSIC_LLM QUANTIZED_DIRECTORY [TOKENS]
# A directory of any size: build/bench/synthetic_model --hidden 2048 --blocks 20 --output DIR
set -eu

[ $# -ge 2 ] || { sed -n 's/^# usage/usage/p' "$0" >&2 && exit 2; }
program=$1
model=$2
tokens=${3:-32}
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# number KEY
number()
{
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*\$/\1/p" "$report"
}

sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *//; s/ /x /'
printf '%-9s %14s %14s %12s %12s %12s\n' resident 'prompt tok/s' 'tokens/s' 'layers MiB' \
    'tables MiB' 'to f32'
for form in f32 int8 coded; do
    "$program" generate --model "$model" --resident "$form" --max-new-tokens "$tokens" --json \
        --prompt 'It is a truth universally acknowledged, that a single man in possession of' >"$report"
    speed=$(number tokens_per_second)
    [ "$form" != f32 ] || floats=$speed
    awk -v form="$form" -v prompt="$(number prompt_tokens_per_second)" -v speed="$speed" \
        -v layers="$(number layers)" -v tables="$(number tables)" -v floats="$floats" 'BEGIN {
        printf "%-9s %14.1f %14.2f %12.1f %12.1f %12.2f\n", form, prompt, speed, layers / 1048576,
            tables / 1048576, speed / floats }'
done
