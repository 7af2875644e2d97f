#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokens a second and memory of `watersic-llm generate` for every form of the layers, beside floats, on
# one thread and on more.
# usage: generate.sh WATERSIC_LLM QUANTIZED_DIRECTORY [TOKENS [THREADS...]]
# THREADS: numbers of processors, which taskset gives the program (default: 1 and all)
# A directory of any size: build/bench/synthetic_model --hidden 2048 --blocks 20 --output DIR
set -eu

[ $# -ge 2 ] || { sed -n 's/^# usage/usage/p' "$0" >&2 && exit 2; }
program=$1
model=$2
tokens=${3:-32}
shift $(($# < 3 ? $# : 3))
processors=$(nproc)
if [ $# = 0 ]; then
    set -- 1
    [ "$processors" = 1 ] || set -- 1 "$processors"
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# number KEY
number()
{
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*\$/\1/p" "$report"
}

sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *//; s/ /x /'
printf '%-8s %-9s %14s %14s %12s %12s %12s\n' threads resident 'prompt tok/s' 'tokens/s' 'layers MiB' \
    'tables MiB' 'to f32'
for threads in "$@"; do
    for form in f32 int8 coded; do
        taskset -c "0-$((threads - 1))" "$program" generate --model "$model" --resident "$form" \
            --max-new-tokens "$tokens" --json \
            --prompt 'It is a truth universally acknowledged, that a single man in possession of' >"$report"
        speed=$(number tokens_per_second)
        [ "$form" != f32 ] || floats=$speed
        awk -v threads="$threads" -v form="$form" -v prompt="$(number prompt_tokens_per_second)" \
            -v speed="$speed" -v layers="$(number layers)" -v tables="$(number tables)" -v floats="$floats" 'BEGIN {
            printf "%-8d %-9s %14.1f %14.2f %12.1f %12.1f %12.2f\n", threads, form, prompt, speed,
                layers / 1048576, tables / 1048576, speed / floats }'
    done
done
