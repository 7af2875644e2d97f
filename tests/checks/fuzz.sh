#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzz the readers with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer. Begins with what the library writes
# and with what is kept in tests/fuzz/corpus; keeps what reaches new code in WORK/corpus.
# Usage: fuzz.sh RUNS [TARGET...]       RUNS for each target
#        fuzz.sh coverage [TARGET...]   lines and branches of the readers that all inputs of WORK/corpus reach
# SECONDS_EACH ends each target after so many seconds. WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

runs=${1:?fuzz.sh: how many runs, or coverage?}
shift
targets=${*:-archive codes config layer npy safetensors stats tokenizer}

build()
{
    # shellcheck disable=SC2086,SC2046 # words
    configure_clang_sanitized &&
        ninja -C "$work/fuzz" tests/fuzz/fuzz_seeds $(printf 'tests/fuzz/fuzz_%s ' $targets)
}

# longest TARGET : bytes of an input. A run costs what its bytes cost, and what is longer reaches no more.
longest()
{
    case $1 in
    npy | safetensors) echo 1024 ;;
    config | codes) echo 2048 ;;
    *) echo 4096 ;;
    esac
}

# fuzz TARGET
fuzz()
{
    mkdir -p "$work/corpus/$1" "$work/found" &&
        sh "$root/tests/fuzz/inputs.sh" "$work/fuzz/tests/fuzz/fuzz_seeds" "$1" "$root" "$work/seeds/$1" &&
        "$work/fuzz/tests/fuzz/fuzz_$1" -runs="$runs" -max_total_time="${SECONDS_EACH:-0}" -max_len="$(longest "$1")" \
            -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$work/found/$1-" -print_final_stats=1 \
            "$work/corpus/$1" "$work/seeds/$1"
}

readers='lib/format/.*read.*[.]c
lib/format/(archive|stats)_format[.]c
lib/coding/(code_reader.*|int_array_decode|form|model_tables|scales|stream_decode|stream_escapes|stream_plain)[.]c
lib/api/(layer|archive|layer_view)[.]c
examples/common/(npy.*|safetensors|coded_tensors)[.]c
examples/llm/model/config.*[.]c
examples/text/(tokenizer|.*json).*[.]c'

# The program that writes the first inputs runs in the same build, but calls few of the readers.
# shellcheck disable=SC2046,SC2086 # words
coverage()
{
    configure fuzz-coverage -Db_coverage=true -Dbuildtype=debug -Db_ndebug=true -Dbench=disabled &&
        ninja -C "$work/fuzz-coverage" tests/fuzz/fuzz_seeds $(printf 'tests/fuzz/fuzz_replay_%s ' $targets) || return 1
    find "$work/fuzz-coverage" -name '*.gcda' -delete
    for target in $targets; do
        mkdir -p "$work/corpus/$target"
        sh "$root/tests/fuzz/inputs.sh" "$work/fuzz-coverage/tests/fuzz/fuzz_seeds" "$target" "$root" "$work/seeds/$target" &&
            "$work/fuzz-coverage/tests/fuzz/fuzz_replay_$target" "$work/corpus/$target" "$work/seeds/$target" || return 1
    done
    gcovr --root "$root" --object-directory "$work/fuzz-coverage" $(echo "$readers" | sed "s:^:--filter $root/:") \
        --exclude-throw-branches --print-summary --txt "$work/fuzz-coverage.txt"
}

if [ "$runs" = coverage ]; then
    check "coverage of the readers" coverage
    sed -n 's/^\(lines\|branches\): */\1 /p' "$work/coverage-of-the-readers.log"
    conclude
    exit
fi
check build build
for target in $targets; do
    check "fuzz $target" fuzz "$target"
    sed -n 's/^stat::number_of_executed_units: */  executions: /p; s/^.*\(cov: [0-9]*\).*$/  \1/p' \
        "$work/fuzz-$target.log" | tail -2
done
conclude
