# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What the tables of runs share; to be sourced with the number of arguments that there must be in
# $least. The first four are taken: program, checkpoint, and the texts to calibrate and to evaluate
# on.
#
# From the environment: PRESET (default), MAX_TOKENS (65536) to calibrate on, EVAL_TOKENS (32768),
# and WORK, a directory that keeps the archives; without it they are thrown away.

if [ $# -lt "$least" ]; then
    sed -n 's/^# usage/usage/p' "$0" >&2
    exit 2
fi
program=$1
model=$2
calibration=$3
# shellcheck disable=SC2034 # the tables use it
evaluation=$4
shift 4

if [ -n "${WORK:-}" ]; then
    work=$WORK
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

# archive RATE NAME: its file, for these settings
archive()
{
    echo "$work/$(basename "$model")-${PRESET:-default}-${MAX_TOKENS:-65536}-$1-$2.wsic"
}

# quantized RATE FILE OPTION...: makes the archive if it is not there
quantized()
{
    [ -f "$2" ] && return
    rate=$1
    file=$2
    shift 2
    "$program" quantize --model "$model" --tokens "$calibration" --rate "$rate" \
        --max-tokens "${MAX_TOKENS:-65536}" --preset "${PRESET:-default}" --run "$work" \
        --recipe plain "$@" -o "$file" >"$file.txt"
}

# evaluated FILE TEXT: the report
evaluated()
{
    "$program" eval --model "$model" --archive "$1" --tokens "$2" \
        --max-tokens "${EVAL_TOKENS:-32768}" --json
}

# value NAME: of the report on standard input
value()
{
    sed -n "s/^ *\"$1\": \\([^,]*\\),*\$/\\1/p" | head -n 1
}
