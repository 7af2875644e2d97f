#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that reads archives needs nothing beyond the static library but libc: neither BLAS nor
# LAPACK nor the mathematical library.
# Usage: test_decoder.sh SOURCE_ROOT STATIC_LIBRARY COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
library=$2
shift 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# kept NAME: the weights of an archive are those that were kept beside it, behind a header
kept()
{
    "$work/decoder" "$root/tests/data/kept/$1.wsic" >"$work/weights" &&
        tail -c "$(wc -c <"$work/weights")" "$root/tests/data/kept/$1.npy" | cmp - "$work/weights" &&
        [ -s "$work/weights" ]
}

# Every function that docs/abi.md says so of, whether the program calls it or not
functions=$(sed -n 's/^ *\(wsic_[a-z0-9_]*\);$/-Wl,-u,\1/p' "$root/lib/libwatersic.map" |
    grep -vE 'wsic_(encoder|parameter|plan|problem|stats|waterfill)|wsic_layer_with_scales')
# shellcheck disable=SC2086 # one word for each function
try "a decoder links with libc alone" "$@" -std=c99 -I"$root/include" "$root/tests/decoder.c" \
    $functions "$library" -pthread -o "$work/decoder"
readelf -d "$work/decoder" | grep NEEDED | grep -vE '\[(libc|libpthread|ld-linux.*)\.so' >"$work/needed"
try "and needs nothing else to run" test ! -s "$work/needed"
try "it decodes scalar codes" kept v1
try "it decodes trellises" kept trellis
finish
