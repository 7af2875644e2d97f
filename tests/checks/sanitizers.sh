#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests under AddressSanitizer, UndefinedBehaviorSanitizer, ThreadSanitizer, MemorySanitizer and valgrind.
# Usage: sanitizers.sh [SUITE...]   the names of tests; without any, all but scripts, and for the two slow ones those below
# WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

suites=$*
# ThreadSanitizer is for what uses threads. Valgrind takes many times as long: it is for what reads bytes of others.
threaded='archive_threads cancel context encoder_input layer_outputs layer_products stats zsic'
decoding='codes codes_hostile decode_kernels layer layer_bytes layer_view layer_visit scales stream_kernels'

# shellcheck disable=SC2086 # the suites are words
address()
{
    CC=$1 configure "asan-$1" -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
        -Dc_args="$2" -Dbench=disabled &&
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 meson test -C "$work/asan-$1" -t 5 ${suites:---no-suite scripts}
}

# BLAS was built without it, and it does not see how BLAS synchronises its threads: one of them.
# shellcheck disable=SC2086
thread()
{
    configure tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized -Dbench=disabled &&
        OPENBLAS_NUM_THREADS=1 meson test -C "$work/tsan" -t 5 ${suites:-$threaded}
}

# It knows only memory that was written by code it has compiled: the decoder alone, which needs libc.
# shellcheck disable=SC2046 # the files are words
memory()
{
    clang -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=memory -fno-omit-frame-pointer -ffp-contract=off \
        -I"$root/include" -I"$root/lib" -I"$root/tests" -I"$(pkg-config --variable=includedir libxxhash)" \
        -o "$work/msan" "$root/tests/decoder.c" \
        $(sed -n "/^decoder_sources/,/^)/s/^ *'\(.*\)',$/\1/p" "$root/lib/meson.build" | sed "s:^:$root/lib/:") \
        -lpthread || return 1
    for archive in "$root"/tests/data/kept/*.wsic; do
        "$work/msan" "$archive" || return 1
    done
}

# shellcheck disable=SC2086
valgrind_tests()
{
    configure valgrind -Dbuildtype=debugoptimized -Dbench=disabled &&
        meson test -C "$work/valgrind" --setup valgrind ${suites:-$decoding}
}

check "gcc: address, undefined" address gcc ""
if have clang; then
    check "clang: address, undefined, float-cast-overflow" address clang -fsanitize=float-cast-overflow
    check "clang: memory, decoder alone" memory
else
    skip "clang: address, undefined, memory" "no clang"
fi
check "gcc: thread" thread
if have valgrind; then
    check "valgrind" valgrind_tests
else
    skip valgrind "not installed"
fi
conclude
