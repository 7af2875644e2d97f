#!/bin/sh
# SPDX-License-Identifier: MIT
# clang for builds with sanitizers, but
# - without them in vector kernels, whose unrolled loops it takes minutes to instrument. gcc instruments these files
#   (sanitizers.sh), and tests let them read beside pages that nobody may touch;
# - for fuzzing without a look at both sides of each comparison in the loops over codes, which takes two thirds of the time and
#   tells nothing about how bytes are to be changed.
# Usage: clang.sh ARGUMENT...   those of clang
case $* in
*/x86/*_avx*.c*)
    for argument; do
        shift
        case $argument in
        -fsanitize* | -fno-sanitize*) ;;
        *) set -- "$@" "$argument" ;;
        esac
    done
    ;;
*-fsanitize=fuzzer*/coding/stream_*.c | *-fsanitize=fuzzer*/coding/trellis.c | *-fsanitize=fuzzer*/coding/code_tiles.c | \
    *-fsanitize=fuzzer*/base/transpose.c | *-fsanitize=fuzzer*/decode/*.c | *-fsanitize=fuzzer*/tests/plain_*.c)
    set -- "$@" -fno-sanitize-coverage=trace-cmp
    ;;
esac
exec clang "$@"
