#!/bin/sh
# SPDX-License-Identifier: MIT
# clang for builds with sanitizers, but without them in vector kernels, whose unrolled loops it takes minutes to instrument.
# gcc instruments these files (sanitizers.sh), and tests let them read beside pages that nobody may touch.
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
esac
exec clang "$@"
