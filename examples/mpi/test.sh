#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-mpi gives the same bytes at any number of ranks, and goes on with what a rank that died has left.
# Usage: test.sh TESTS_FOLDER WATERSIC_MPI SAMPLE MPIRUN
set -u
# shellcheck source=/dev/null
. "$1/tap.sh"

program=$(realpath "$2")
sample=$(realpath "$3")
mpirun=$4
# shellcheck source=examples/mpi/ranks.sh
. "$(dirname "$0")/ranks.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
TMPDIR=$work
export TMPDIR
cd "$work" || exit 1

mkdir small large
"$sample" small 4 32 && "$sample" large 16 96 || exit 1

# --- the same bytes ---------------------------------------------------------

try "a single process" "$program" small/manifest one rate=3
try "it leaves nothing but its output" nothing_left one.part one.inputs
for number in 2 4; do
    try "$number ranks" ranks $number small/manifest "many$number" rate=3
    try "they give the same bytes" cmp one "many$number"
done

# A layer that cannot be made keeps the statistics, whose sums can be compared: their last bits depend on the
# order of the additions.
sed 's/^layer expert3.weights1 [^ ]*/layer expert3.weights1 absent.npy/' small/manifest >broken
for number in 1 3 7; do
    ranks $number broken "broken$number" rate=3 >out 2>&1
    try "$number ranks: a layer without weights ends the run" grep -q 'absent.npy' out
    try "$number ranks: there is no output" nothing_left "broken$number"
    try "$number ranks: the same sums" cmp "broken1.inputs/input1.stats" "broken$number.inputs/input1.stats"
done

# --- a rank that dies -------------------------------------------------------

"$program" large/manifest whole rate=3 preset=max >/dev/null || exit 1

try "a rank dies while layers are made" kill_one died.part 8000 large/manifest died rate=3 preset=max
try "there is no output yet" nothing_left died
try "but a part of it" test -s died.part
try "another number of ranks goes on" ranks 2 large/manifest died rate=3 preset=max
# shellcheck disable=SC2154 # try sets it
layers=$(echo "$output" | grep -c ' bytes')
try "it has made $layers layers, not all 32" test "$layers" -lt 32
try "the output has the same bytes" cmp whole died

# --- bad input --------------------------------------------------------------

try "no manifest" refused 2 "nowhere: No such file" nowhere out.wsic rate=3
try "an unknown setting" refused 1 "ratio=3" small/manifest out.wsic ratio=3
try "no target" refused 1 "rate" small/manifest out.wsic
printf 'input a small/hidden0.shard0.npy\nlayer x y z\n' >bad
try "an unknown input" refused 1 "line 2: there is no input 'z'" bad out.wsic rate=3
printf 'input a\n' >bad
try "an input without shards" refused 1 "line 1: an input needs" bad out.wsic rate=3
printf 'layers\n' >bad
try "an unknown word" refused 1 "line 1: 'layers' is neither" bad out.wsic rate=3
: >bad
try "an empty manifest" refused 1 "there is no layer" bad out.wsic rate=3
rm -rf out.wsic*
printf 'input a small/hidden0.shard0.npy absent.npy\nlayer x small/expert0.weights0.npy a\n' >bad
try "a shard that is not there" refused 2 "absent.npy" bad out.wsic rate=3
rm -rf out.wsic*
printf 'input a small/hidden0.shard0.npy large/hidden0.shard0.npy\nlayer x small/expert0.weights0.npy a\n' >bad
try "shards of different lengths" refused 1 "input a" bad out.wsic rate=3
try "a run with other settings does not go on" refused 1 "left by a run with other settings" bad out.wsic rate=2
finish
