#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that reads archives needs nothing beyond the static library, or the decoder's, but libc:
# neither BLAS nor LAPACK nor the mathematical library. Both shared libraries can be in one process.
# Usage: test_decoder.sh SOURCE_ROOT STATIC_LIBRARY SHARED_LIBRARY SHARED_DECODER COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"
# shellcheck source=/dev/null
. "${0%/*}/kept_weights.sh"

root=$1
library=$2
shared=$3
decoder=$4
shift 4
LD_LIBRARY_PATH=$(cd "${shared%/*}" && pwd):$(cd "${decoder%/*}" && pwd)
OPENBLAS_NUM_THREADS=1
export LD_LIBRARY_PATH OPENBLAS_NUM_THREADS
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# kept PROGRAM NAME: the weights of an archive are those that were kept beside it
kept()
{
    decodes_kept "$work/$1" "$root/tests/data/kept" "$2" "$work/weights"
}

# needs PROGRAM LIBRARY... : the program wants each of these shared libraries
needs()
{
    program=$1
    shift
    for name in "$@"; do
        readelf -d "$work/$program" | grep NEEDED | grep -qE "\[$name\.so" || return 1
    done
}

# needs_only PROGRAM LIBRARY... : no other shared library than these, which are patterns
needs_only()
{
    program=$1
    shift
    pattern=$(printf '|%s' "$@")
    readelf -d "$(cd "$work" && readlink -f "$program")" | grep NEEDED |
        grep -vE "\[(${pattern#|})\.so" >"$work/needed"
    cat "$work/needed"
    [ ! -s "$work/needed" ]
}

# in_work COMMAND... : there, where it can leave files
in_work()
{
    (cd "$work" && "$@")
}

# Every function that docs/abi.md says so of, whether the program calls it or not
functions=$(sed -n 's/^ *\(wsic_[a-z0-9_]*\);$/-Wl,-u,\1/p' "$root/lib/libwatersic.map" |
    grep -vE 'wsic_(encoder|parameter|plan|preset|problem|stats|waterfill)|wsic_layer_create_with_scales')
# shellcheck disable=SC2086 # one word for each function
try "a decoder links with libc alone" "$@" -std=c99 -I"$root/include" "$root/tests/decoder.c" \
    $functions "$library" -pthread -o "$work/decoder"
try "and needs nothing else to run" needs_only decoder libc libpthread 'ld-linux.*'
try "it decodes scalar codes" kept decoder v2
try "it decodes trellises" kept decoder trellis

try "a decoder links with the decoder's library" "$@" -std=c99 -I"$root/include" \
    "$root/tests/decoder.c" "$decoder" -o "$work/small"
try "and needs nothing else to run" \
    needs_only small libc libpthread 'ld-linux.*' libwatersic-decoder
try "nor does that library" needs_only "$decoder" libc libpthread 'ld-linux.*'
try "it decodes scalar codes" kept small v2
try "it decodes trellises" kept small trellis

# The example encodes, writes, reads and decodes: where both libraries are there, each call finds
# what the other one made, in whichever order they are named.
for order in "$shared $decoder" "$decoder $shared"; do
    # shellcheck disable=SC2086 # two words
    try "a program links with both libraries" "$@" -std=c11 -I"$root/include" \
        -I"$root/examples" "$root/examples/03_decode.c" "$root/examples/common/synthetic.c" \
        -Wl,--no-as-needed $order -lm -o "$work/both"
    try "and needs both" needs both libwatersic libwatersic-decoder
    try "and works" in_work ./both
done
finish
