#!/bin/sh
# SPDX-License-Identifier: MIT
# Replay the inputs of a fuzz target: what the library writes today, files of the tests, and what fuzzing has kept.
# Usage: replay.sh SEEDS REPLAY TARGET SOURCE_ROOT
set -eu

seeds=$1
replay=$2
target=$3
root=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/$target"
case $target in
config)
    for family in "$root"/tests/data/families/*; do
        cp "$family/config.json" "$work/config/${family##*/}"
    done
    ;;
tokenizer)
    for file in "$root"/tests/tokenizer/golden/*.json; do
        case $file in
        *.cases.json) ;;
        *) cp "$file" "$work/tokenizer" ;;
        esac
    done
    ;;
*) OPENBLAS_NUM_THREADS=1 "$seeds" "$work" "$target" ;;
esac
corpus=$root/tests/fuzz/corpus/$target
if [ -d "$corpus" ]; then
    cp "$corpus"/* "$work/$target"
fi
"$replay" "$work/$target"
