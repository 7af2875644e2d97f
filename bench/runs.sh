# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What the tables of runs share; to be sourced with the program in $program, the checkpoint in
# $model and the text to calibrate on in $calibration.
#
# From the environment: PRESET (default), MAX_TOKENS (65536) to calibrate on, EVAL_TOKENS (32768),
# and WORK, a directory that keeps the archives; without it they are thrown away.

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
