#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that has the decoder alone reads kept archives to the weights that were kept beside them.
# Usage: kept_decoder.sh PROGRAM FOLDER
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

program=$1
kept=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# decodes NAME: the floats are those behind the header of the .npy file
decodes()
{
    "$program" "$kept/$1.wsic" >"$work/weights" &&
        tail -c "$(wc -c <"$work/weights")" "$kept/$1.npy" | cmp - "$work/weights" &&
        [ -s "$work/weights" ]
}

for archive in "$kept"/*.wsic; do
    name=${archive##*/}
    try "${name%.wsic}" decodes "${name%.wsic}"
done
finish
