#!/bin/sh
# SPDX-License-Identifier: MIT
# The inputs that a fuzz target begins with, in a folder: what the library writes today, files of the tests, and what
# fuzzing has kept.
# Usage: inputs.sh SEEDS TARGET SOURCE_ROOT FOLDER
set -eu

seeds=$1
target=$2
root=$3
folder=$4

mkdir -p "$folder"
case $target in
config)
    for family in "$root"/tests/data/families/*; do
        cp "$family/config.json" "$folder/${family##*/}"
    done
    ;;
tokenizer)
    for file in "$root"/tests/tokenizer/golden/*.json; do
        case $file in
        *.cases.json) ;;
        *) cp "$file" "$folder" ;;
        esac
    done
    ;;
*) OPENBLAS_NUM_THREADS=1 "$seeds" "$folder" "$target" ;;
esac
corpus=$root/tests/fuzz/corpus/$target
if [ -d "$corpus" ]; then
    cp "$corpus"/* "$folder"
fi
