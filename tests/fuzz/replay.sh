#!/bin/sh
# SPDX-License-Identifier: MIT
# Replay the inputs of a fuzz target (inputs.sh).
# Usage: replay.sh SEEDS REPLAY TARGET SOURCE_ROOT
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/inputs.sh" "$1" "$3" "$4" "$work"
"$2" "$work"
