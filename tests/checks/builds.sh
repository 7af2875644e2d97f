#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests in builds of other kinds: compilers, build types, the decoder alone, another BLAS, other processors.
# Usage: builds.sh [SUITE...]   names of tests; without any, all that a build has
# WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

suites=$*

# tests FOLDER : build and run
# shellcheck disable=SC2086 # the suites are words
tests()
{
    meson test -C "$work/$1" $suites
}

# with FOLDER COMPILER OPTION...
with()
{
    folder=$1
    CC=$2
    export CC
    shift 2
    configure "$folder" "$@" && tests "$folder"
}

# The decoder alone has tests of its own.
decoder_alone()
{
    configure decoder -Dencoder=disabled && meson test -C "$work/decoder"
}

# musl has no LAPACK in Debian: the decoder alone, static, on kept archives.
musl()
{
    CC=musl-gcc configure musl -Dencoder=disabled -Ddefault_library=static \
        -Dc_args="-I$work/xxhash" && meson test -C "$work/musl"
}

# swap FOLDER : the tests as they are built, with the BLAS of another folder under the same names
# shellcheck disable=SC2086 # the suites are words
swap()
{
    configure release && ninja -C "$work/release" &&
        LD_LIBRARY_PATH=$1 meson test -C "$work/release" --no-suite scripts $suites
}

check "gcc, release" with release gcc
check "gcc, debug" with debug gcc -Dbuildtype=debug
check "gcc, static library" with static gcc -Ddefault_library=static
if have clang; then
    check "clang, release" with clang clang
else
    skip "clang" "not installed"
fi
check "decoder alone" decoder_alone
if have musl-gcc; then
    mkdir -p "$work/xxhash"
    cp "$(pkg-config --variable=includedir libxxhash)/xxhash.h" "$work/xxhash"
    check "musl, decoder alone" musl
else
    skip musl "no musl-gcc"
fi
libraries=/usr/lib/$(gcc -print-multiarch)
for blas in blas blis-pthread blis-serial openblas-serial; do
    folder=$libraries/$blas
    [ "$blas" = blas ] && lapack=$libraries/lapack || lapack=
    if [ -d "$folder" ]; then
        check "BLAS of $blas at run time" swap "$folder${lapack:+:$lapack}"
    else
        skip "BLAS of $blas" "not installed"
    fi
done
if have qemu-aarch64; then
    check "aarch64, s390x, i386 under qemu-user: kernels" sh "$root/tests/cross.sh" "$root"
else
    skip "other processors" "no qemu-user"
fi
conclude
