#!/bin/sh
# SPDX-License-Identifier: MIT
# Kernels on other machines: builds what they need with Debian's cross compilers, those of streams with
# tests/stream_main.c, those of products and weights with tests/decode_main.c, and runs both under
# qemu-user. Results must be the same as on this machine.
# Usage: cross.sh SOURCE_ROOT
# Exit status 77, which means skipped, where none of the compilers is there.
set -eu

root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ran=0
failed=0

compile() { # compiler and options, program, sources
    compiler=$1
    out=$2
    shift 2
    # shellcheck disable=SC2086 # a compiler with its options
    $compiler -O2 -std=c11 -Wno-psabi -D_POSIX_C_SOURCE=200809L -ffp-contract=off \
        -I"$root/include" -I"$root/lib" -static -o "$out" "$@" "$root/lib/base/cpu.c" "$root/lib/base/transpose.c" \
        "$root/lib/base/arm/transpose_neon.c" "$root/lib/base/x86/transpose_sse2.c"
}

build() { # compiler and options, first part of the programs' names
    compile "$1" "$2-decode" "$root/tests/decode_main.c" "$root/tests/decode_cases.c" "$root/lib/base/half.c" \
        "$root/lib/decode/fused.c" "$root/lib/decode/product.c" "$root/lib/decode/product_c.c" \
        "$root/lib/decode/weights.c" "$root/lib/decode/arm/product_neon.c" "$root/lib/decode/arm/weights_neon.c" \
        "$root/lib/decode/x86/product_avx2.c" "$root/lib/decode/x86/product_avx512.c" \
        "$root/lib/decode/x86/weights_avx2.c" "$root/lib/decode/x86/weights_avx512.c"
    compile "$1" "$2-stream" "$root/tests/stream_main.c" "$root/tests/stream_cases.c" \
        "$root/lib/coding/form.c" "$root/lib/coding/trellis.c" \
        "$root/lib/coding/stream_decode.c" "$root/lib/coding/stream_escapes.c" "$root/lib/coding/stream_kernels.c" \
        "$root/lib/coding/stream_plain.c" "$root/lib/coding/stream_widen.c" \
        "$root/lib/coding/x86/stream_avx2.c" "$root/lib/coding/x86/stream_avx512.c" \
        "$root/lib/coding/arm/stream_neon.c"
}

run() { # first part of the programs' names, emulator
    ${2:+"$2"} "$1-stream" && ${2:+"$2"} "$1-decode"
}

# Lines "C..." of both must be equal, and no kernel may have failed.
compare() { # name, emulator
    if ! run "$scratch/$1" "$2" >"$scratch/$1.txt"; then
        echo "$1: failed" && cat "$scratch/$1.txt" && failed=1
        return
    fi
    ran=$((ran + 1))
    sed "s/^/$1: /" "$scratch/$1.txt"
    grep '^C' "$scratch/$1.txt" >"$scratch/theirs"
    grep '^C' "$scratch/native.txt" >"$scratch/ours"
    cmp -s "$scratch/ours" "$scratch/theirs" || { echo "$1: other codes than here" && failed=1; }
}

cross() { # name, compiler, emulator, options
    if ! command -v "$2" >/dev/null || ! command -v "$3" >/dev/null; then
        echo "$1: skipped, as $2 or $3 is missing"
        return
    fi
    build "$2 $4" "$scratch/$1"
    compare "$1" "$3"
}

build "${CC:-cc}" "$scratch/native"
run "$scratch/native" '' >"$scratch/native.txt"
cross arm64 aarch64-linux-gnu-gcc qemu-aarch64 ''
# Strict C takes floats for doubles there, which the library refuses.
cross s390x s390x-linux-gnu-gcc qemu-s390x '-fexcess-precision=fast'
cross i386 i686-linux-gnu-gcc qemu-i386 '-msse2 -mfpmath=sse'
[ "$failed" = 0 ] || exit 1
[ "$ran" != 0 ] || exit 77
