#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm-mpi quantizes a model from its text, with the same bytes at any number of ranks, and goes on with
# what a rank that died has left.
# Usage: test.sh TESTS_FOLDER WATERSIC_LLM_MPI WATERSIC_LLM EXAMPLES_DATA MPIRUN ESTIMATE
set -u
# shellcheck source=/dev/null
. "$1/tap.sh"
# shellcheck source=examples/mpi/ranks.sh
. "$(dirname "$0")/../ranks.sh"

tests=$(realpath "$1")
program=$(realpath "$2")
llm=$(realpath "$3")
data=$(realpath "$4")
mpirun=$5
estimate=$(realpath "$6")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
TMPDIR=$work
export TMPDIR
cd "$work" || exit 1
sh "$tests/small_mixture.sh" "$data" model || exit 1

# quantize RANKS OPTION... : five shards, so that no number of ranks divides them
options="--model model --tokens $data/calibration.txt --rate 3 --preset fast --max-tokens 2048
    --outputs-tokens 640 --shards 5"
quantize()
{
    wanted=$1
    shift
    # shellcheck disable=SC2086 # these are words
    ranks "$wanted" $options "$@"
}

# value FILE KEY: a number of a report
value()
{
    sed -n "s/^ *\"$2\": \\(.*[^,]\\),*\$/\\1/p" "$1" | head -n 1
}

holds()
{
    echo "$1"
    awk "BEGIN { exit !($1) }" </dev/null
}

evaluate()
{
    "$llm" eval --model model --tokens "$data/evaluation.txt" --max-tokens 1024 --json --archive "$1"
}

# --- one output at any number of ranks ---------------------------------------------

try "a single process" quantize 1 --output one
try "it leaves nothing but its output" nothing_left one.part one.inputs
weights=$((2 * (2 * 64 * 64 + 2 * 32 * 64) + 3 * 96 * 64 + 12 * 48 * 64))
bytes=$(wc -c <one)
try "the archive has the size that was asked for" \
    holds "$bytes <= 1.005 * 3 * $weights / 8 && $bytes > 0.97 * 3 * $weights / 8"
evaluate one >report
try "it is a model of all 23 layers" holds "$(value report quantized_layers) == 23"
try "which predicts as the original" holds "$(value report kl_bits) > 0 && $(value report kl_bits) < 0.01"

try "more ranks than shards, and a directory" quantize 7 --directory directory
try "there is no archive beside it" nothing_left directory.wsic directory.wsic.part directory.wsic.inputs
"$llm" pack --model model --archive one -o packed >/dev/null
try "it is what the single process has made" diff -r packed directory

# --- a rank that dies ---------------------------------------------------------------

# shellcheck disable=SC2086
try "a rank dies while the text goes through the model" \
    kill_one died.inputs/input0.stats 0 $options --output died
try "there is no output yet" nothing_left died died.part
# shellcheck disable=SC2086
try "a rank dies while layers are made" kill_one died.part 12000 $options --output died
try "there is no output yet" nothing_left died
try "but a part of it" test -s died.part
# shellcheck disable=SC2086
try "a run with other settings does not go on" \
    refused 1 "left by a run with other settings" $options --shards 4 --output died
try "another number of ranks goes on" quantize 2 --output died
# shellcheck disable=SC2154 # try sets it
layers=$(echo "$output" | grep -c '^model.* bytes')
try "it has made $layers layers, not all 23" test "$layers" -lt 23
try "the output has the same bytes" cmp one died

# --- bad input ----------------------------------------------------------------------

try "help" ranks 1 --help
try "no model" refused 2 "nowhere" --model nowhere --text x --rate 3 --output x
try "no text" refused 1 "one of --tokens and --text" --model model --rate 3 --output x
try "no rate" refused 1 "--rate is missing" --model model --text x --output x
try "no output" refused 1 "one of --output and --directory" --model model --text x --rate 3
try "an option of nothing" refused 1 "watersic-llm-mpi: --drift is no option" --drift
try "a word too many" refused 1 "'more' is no option" more
try "a number that is none" refused 1 "--shards: 'x' is no positive number" --shards x
try "a window that is too long" refused 1 "--window: 4096 is more than the model's 128" \
    --model model --tokens "$data/calibration.txt" --rate 3 --output x --window 4096
# shellcheck disable=SC2086
try "a directory that is there" refused 1 "packed: " $options --directory packed
try "an output that is the text" refused 1 "which is read" --model model --text model/config.json --rate 3 \
    --output model/config.json

# --- the estimate --------------------------------------------------------------------

# What it measures takes longer than all of this.
# refuses PART ARGUMENT... : the estimate fails with a message that has this part
refuses()
{
    part=$1
    shift
    ! "$estimate" "$@" >out 2>&1 && grep -qF -- "$part" out
}
try "an estimate refuses what is no number" refuses "'x' is no number of ranks" model 2 x
try "and what is no model" refuses "nowhere" nowhere 2
try "and no ranks" refuses "usage" model
finish
