#!/bin/sh
# SPDX-License-Identifier: MIT
# The C example of the README compiles as shown, without a warning, and runs; it is as short
# as promised; and what .ci/run calls is what the README says.
# Usage: test_readme.sh SOURCE_ROOT SHARED_LIBRARY COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
library=$2
shift 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2016 # no expansions are meant
sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$work/example.c"
try "the README holds an example" grep -q wsic_encoder_run "$work/example.c"
statements=$(grep -c . "$work/example.c")
try "it is about 30 lines long" test "$statements" -le 36
try "it compiles as shown" "$@" -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$root/include" \
    "$work/example.c" "$library" -o "$work/example"
try "it runs" env LD_LIBRARY_PATH="${library%/*}" "$work/example"

test_command='sh .ci/setup && meson setup build && meson test -C build'
try "the README holds the test command" grep -qxF "$test_command" "$root/README.md"
try ".ci/run calls it" grep -qF "$test_command" "$root/.ci/run"
finish
