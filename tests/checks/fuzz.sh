#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzz the readers with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer. Begins with what the library writes
# and with what is kept in tests/fuzz/corpus; keeps what reaches new code in WORK/corpus.
# Usage: fuzz.sh RUNS [TARGET...]   RUNS for each target
# WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

runs=${1:?fuzz.sh: how many runs?}
shift
targets=${*:-archive codes config layer npy safetensors stats tokenizer}

build()
{
    # shellcheck disable=SC2086,SC2046 # words
    CC=clang configure fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbench=disabled \
        -Dbuildtype=debugoptimized -Dc_args='-fsanitize=fuzzer-no-link' &&
        ninja -C "$work/fuzz" tests/fuzz/fuzz_seeds $(printf 'tests/fuzz/fuzz_%s ' $targets)
}

# fuzz TARGET
fuzz()
{
    mkdir -p "$work/corpus/$1" "$work/found" &&
        sh "$root/tests/fuzz/inputs.sh" "$work/fuzz/tests/fuzz/fuzz_seeds" "$1" "$root" "$work/seeds/$1" &&
        "$work/fuzz/tests/fuzz/fuzz_$1" -runs="$runs" -max_len=16384 -timeout=20 -rss_limit_mb=2048 \
            -artifact_prefix="$work/found/$1-" -print_final_stats=1 "$work/corpus/$1" "$work/seeds/$1"
}

check build build
for target in $targets; do
    check "fuzz $target" fuzz "$target"
    sed -n 's/^stat::number_of_executed_units: */  executions: /p; s/^.*\(cov: [0-9]*\).*$/  \1/p' \
        "$work/fuzz-$target.log" | tail -2
done
conclude
