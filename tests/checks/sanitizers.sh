#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests under AddressSanitizer, UndefinedBehaviorSanitizer, ThreadSanitizer, MemorySanitizer and valgrind.
# Usage: sanitizers.sh [SUITE...]   the names of tests; without any, those that each part names below
# PARTS is a pattern for the lines of the table that shall run. WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

suites=$*
# clang repeats what gcc has done, and adds the conversion of numbers out of range to integers: it is for what converts
# numbers, and for what reads bytes and files of others.
converting='allocate budget bytes corrections decimal encoder_extremes encoder_input half hostile_numbers kbest model npy
    params plan plan_budget quantizer scales stats stats_file trellis waterfill zsic
    llm_config llm_files llm_packed llm_stored tokenizer tokenizer_refused
    fuzz_archive fuzz_codes fuzz_config fuzz_layer fuzz_npy fuzz_safetensors fuzz_stats fuzz_tokenizer'
# ThreadSanitizer is for what uses threads, but for `fork`: it does not support threads that a child starts.
threaded='archive_threads cancel cholesky code_kernels codes context eigenvalues encoder_input kbest layer layer_outputs
    layer_products llm_generate outputs_same stats stats_accuracy zsic'
# valgrind takes many times as long: it is for what reads bytes of others, in the release build (that of builds.sh).
decoding='archive archive_hostile archive_view codes codes_hostile decode_kernels kept layer layer_bytes layer_decoder layer_view
    layer_visit scales stream_kernels'

# BLAS has no part in what is looked for, and one thread of it is faster where all else is slow. It was built without
# ThreadSanitizer, too, which does not see how its threads synchronise.
OPENBLAS_NUM_THREADS=1
CK_TIMEOUT_MULTIPLIER=20
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export OPENBLAS_NUM_THREADS CK_TIMEOUT_MULTIPLIER UBSAN_OPTIONS

# instrumented FOLDER SANITIZERS SUITE... : build with gcc and run
instrumented()
{
    folder=$1
    CC=gcc configure "$folder" -Db_sanitize="$2" -Db_lundef=false -Dbuildtype=debugoptimized -Doptimization=1 \
        -Dbench=disabled || return 1
    shift 2
    meson test -C "$work/$folder" -t 20 "$@"
}

# shellcheck disable=SC2086 # the suites are words
address_gcc()
{
    instrumented asan-gcc address,undefined ${suites:---no-suite scripts}
}

# shellcheck disable=SC2086
address_clang()
{
    configure_clang_sanitized && meson test -C "$work/fuzz" -t 20 ${suites:-$converting}
}

# shellcheck disable=SC2086
thread()
{
    instrumented tsan thread ${suites:-$threaded}
}

# memory_program NAME SOURCE... : with the decoder's files
# shellcheck disable=SC2046 # the files are words
memory_program()
{
    program=$work/msan-$1
    shift
    clang -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=memory -fno-omit-frame-pointer -ffp-contract=off \
        -I"$root/include" -I"$root/lib" -I"$root/tests" -I"$(pkg-config --variable=includedir libxxhash)" \
        -o "$program" "$@" "$work"/msan/*.o -lpthread
}

# MemorySanitizer knows only memory that was written by code it has compiled: the decoder alone, which needs libc. It decodes
# what earlier versions wrote, and the inputs of fuzzing, with bytes changed.
# shellcheck disable=SC2046
memory()
{
    fuzz=$root/tests/fuzz
    mkdir -p "$work/msan"
    (cd "$work/msan" && clang -c -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=memory -fno-omit-frame-pointer \
        -ffp-contract=off -I"$root/include" -I"$root/lib" -I"$(pkg-config --variable=includedir libxxhash)" \
        $(sed -n "/^decoder_sources/,/^)/s/^ *'\(.*\)',$/\1/p" "$root/lib/meson.build" | sed "s:^:$root/lib/:")) &&
        memory_program decoder "$root/tests/decoder.c" || return 1
    for archive in "$root"/tests/data/kept/*.wsic; do
        "$work/msan-decoder" "$archive" >"$work/msan.weights" || return 1
    done
    for target in archive codes layer; do
        plain=
        [ $target = codes ] && plain=$(printf "$root/tests/plain_%s.c " arrays decoder models scales)
        # shellcheck disable=SC2086 # the files are words
        memory_program $target "$fuzz/$target.c" "$fuzz"/replay.c "$fuzz"/common.c "$fuzz"/decode_layer.c "$fuzz"/seal.c $plain &&
            "$work/msan-$target" "$fuzz/corpus/$target" || return 1
    done
}

# shellcheck disable=SC2086
valgrind_tests()
{
    CC=gcc configure release -Dbench=disabled && meson test -C "$work/release" --setup valgrind ${suites:-$decoding}
}

if have clang; then
    check "clang: memory, decoder alone" memory
else
    skip "clang: memory" "no clang"
fi
check "gcc: address, undefined" address_gcc
check "gcc: thread" thread
if have valgrind; then
    check "valgrind" valgrind_tests
else
    skip valgrind "not installed"
fi
if have clang; then
    check "clang: address, undefined, float-cast-overflow" address_clang
else
    skip "clang: address, undefined" "no clang"
fi
conclude
