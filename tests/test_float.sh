#!/bin/sh
# SPDX-License-Identifier: MIT
# The library does not compile with options that break what its arithmetic relies on.
# Usage: test_float.sh SOURCE_ROOT COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
shift

# compile OPTION COMPILER...: a source that sees lib/base/env.h, as every stage does
compile()
{
    option=$1
    shift
    "$@" -std=c11 -D_POSIX_C_SOURCE=200809L "$option" -fsyntax-only -I"$root/include" \
        -I"$root/lib" "$root/lib/base/message.c"
}

# refuse OPTION COMPILER...: it fails, and says why
refuse()
{
    if message=$(compile "$@" 2>&1); then
        return 1
    fi
    echo "$message" | grep 'libwatersic needs IEEE arithmetic'
}

try "it compiles" compile -O2 "$@"
try "not with -ffast-math" refuse -ffast-math "$@"
try "not with -ffinite-math-only" refuse -ffinite-math-only "$@"
# Where the processor has arithmetic that keeps more digits than a type has
if echo 'int x;' | "$@" -mfpmath=387 -fsyntax-only -x c - 2>/dev/null; then
    try "not with -mfpmath=387" refuse -mfpmath=387 "$@"
fi
finish
