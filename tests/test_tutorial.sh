#!/bin/sh
# SPDX-License-Identifier: MIT
# The commands of docs/tutorial.md do what it says, one after the other.
# Usage: test_tutorial.sh SOURCE_ROOT PROGRAM...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

SOURCE=$1
export SOURCE
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for program in "$@"; do
    PATH=$(cd "${program%/*}" && pwd):$PATH
done
cd "$work" || exit 1

# A piece of code in each file, in the order of their names
awk '/^```sh$/ { code = 1; file = sprintf("piece.%02d", ++pieces); next }
     /^```$/ { code = 0 }
     code { print >file }' "$SOURCE/docs/tutorial.md"
for piece in piece.*; do
    try "$(head -n 1 "$piece")" sh -eu "$piece"
done
try "eval reports the loss" sh -c \
    'watersic-llm eval --model data/tinylm --archive tiny.wsic --tokens data/evaluation.txt --max-tokens 4096 | grep "^KL to original"'
try "weights of one layer were written" test "$(head -c 6 up.npy | tail -c 5)" = NUMPY
try "the ordinary checkpoint is a model" watersic-llm eval --model plain --tokens data/evaluation.txt --max-tokens 512
try "nothing else is left" test "$(echo ./*)" = \
    "./data ./packed $(echo ./piece.*) ./plain ./tiny.wsic ./up.npy"
finish
