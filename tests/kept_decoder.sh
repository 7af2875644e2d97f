#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that has the decoder alone reads kept archives to the weights that were kept beside them.
# Usage: kept_decoder.sh PROGRAM FOLDER
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"
# shellcheck source=/dev/null
. "${0%/*}/kept_weights.sh"

program=$1
kept=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

for archive in "$kept"/*.wsic; do
    name=${archive##*/}
    try "${name%.wsic}" decodes_kept "$program" "$kept" "${name%.wsic}" "$work/weights"
done
finish
