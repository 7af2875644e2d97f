#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests in builds of other kinds: compilers, build types, the decoder alone, another BLAS, other processors.
# Usage: builds.sh [SUITE...]   names of tests; without any, all of the first build and all but scripts of the others
# PARTS is a pattern for the lines of the table that shall run. WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

suites=$*

# with FOLDER COMPILER OPTION... : build and run
# shellcheck disable=SC2086 # the suites are words
with()
{
    folder=$1
    compiler=$2
    shift 2
    CC=$compiler configure "$folder" -Dbench=disabled "$@" && OPENBLAS_NUM_THREADS=1 CK_TIMEOUT_MULTIPLIER=10 \
        meson test -C "$work/$folder" -t 10 ${suites:-$without}
}

# The decoder alone has tests of its own: what was kept decodes to the bits that were kept.
decoder_alone()
{
    CC=$2 configure "$1" -Dencoder=disabled && meson test -C "$work/$1"
}

# musl has no LAPACK in Debian: the decoder alone, static, on kept archives. The folder of xxhash.h has nothing else, as headers
# of another libc stand beside the one that is installed.
musl()
{
    xxhash=$work/xxhash
    mkdir -p "$xxhash" && cp "$(pkg-config --variable=includedir libxxhash)/xxhash.h" "$xxhash" &&
        printf 'includedir=%s\nName: libxxhash\nDescription: its header\nVersion: 0.8\n' "$xxhash" >"$xxhash/libxxhash.pc" &&
        CC=musl-gcc PKG_CONFIG_PATH=$xxhash configure musl -Dencoder=disabled -Ddefault_library=static &&
        meson test -C "$work/musl"
}

# swap FOLDER : the tests as they are built, with the BLAS of another folder under the same names
# shellcheck disable=SC2086 # the suites are words
swap()
{
    CC=gcc configure release -Dbench=disabled && ninja -C "$work/release" &&
        LD_LIBRARY_PATH=$1 meson test -C "$work/release" --no-suite scripts $suites
}

without=
check "gcc, release" with release gcc
without='--no-suite scripts'
check "gcc, debug" with debug gcc -Dbuildtype=debug
check "gcc, static library" with static gcc -Ddefault_library=static
if have clang; then
    check "clang, release" with clang clang
else
    skip "clang" "not installed"
fi
check "decoder alone, gcc" decoder_alone decoder gcc
if have clang; then
    check "decoder alone, clang" decoder_alone decoder-clang clang
else
    skip "decoder alone, clang" "not installed"
fi
if have musl-gcc; then
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
