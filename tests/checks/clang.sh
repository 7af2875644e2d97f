#!/bin/sh
# SPDX-License-Identifier: MIT
# clang for builds with sanitizers, but without them where it takes minutes to instrument inner loops that are unrolled. gcc
# instruments these files (sanitizers.sh), and tests/test_stream_kernels.c lets them read beside pages that nobody may touch.
# Usage: clang.sh ARGUMENT...   those of clang
case $* in
*/coding/x86/stream_avx*.c*)
    for argument; do
        shift
        case $argument in
        -fsanitize* | -fno-sanitize*) ;;
        *) set -- "$@" "$argument" ;;
        esac
    done
    ;;
esac
exec clang "$@"
