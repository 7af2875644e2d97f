#!/bin/sh
# SPDX-License-Identifier: MIT
# Write calibration.txt and evaluation.txt anew from the project's own files: the first lines of
# each, every fourth file of its kind for evaluation, all others for calibration, so that all kinds
# are in both and no file is. Run from anywhere; needs git.
set -eu
lines=64

cd "$(dirname "$0")"
data=$PWD
cd "$(git rev-parse --show-toplevel)"
: >"$data/calibration.txt"
: >"$data/evaluation.txt"

# take PATTERN... : the files of one kind
take()
{
    git ls-files "$@" | LC_ALL=C sort | awk '{ print (NR % 4 ? "calibration" : "evaluation"), $0 }' |
        while read -r text file; do
            sed "${lines}q" "$file" >>"$data/$text.txt"
        done
}

take '*.c'
take '*.h'
take '*.md' docs/man
take '*.sh' .ci
take '*meson.build' meson_options.txt
