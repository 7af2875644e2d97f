#!/bin/sh
# SPDX-License-Identifier: MIT
# The folders of lib/ lean on each other in one direction (CONTRIBUTING.md, "Layers"), in what they
# include and in what they call; and no two files call each other.
# Usage: test_layers.sh SOURCE_ROOT STATIC_LIBRARY
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
static=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# From the ground up: a folder may use those before it, and itself.
order="base linalg coding waterfill format decode quant api"

# empty FILE: the file, which says what is wrong, is empty
empty()
{
    cat "$1"
    [ ! -s "$1" ]
}

# upwards: of the pairs "user used" on standard input, with a folder before each name, those that
# go against the order or name a folder that it does not know
upwards()
{
    awk -v order="$order" '
        BEGIN { count = split(order, name, " "); for (i = 1; i <= count; i++) rank[name[i]] = i }
        {
            split($1, user, "/"); split($2, used, "/")
            if (!(user[1] in rank) || !(used[1] in rank) || rank[used[1]] > rank[user[1]]) print
        }'
}

(cd "$root/lib" && grep -rn --include='*.[ch]' --include='*.def' '^#include "[a-z]*/' .) |
    sed 's|^\./\([^:]*\):[0-9]*:#include "\([^"]*\)".*|\1 \2|' |
    grep -v ' watersic/' >"$work/includes"

# Objects are called folder_file.c.o, where "_" stands for "/" too.
(cd "$root/lib" && find . -name '*.c' | sed 's|^\./||') |
    while read -r path; do
        echo "$(echo "$path" | tr / _).o $path"
    done >"$work/objects"
nm -A --defined-only --extern-only "$static" | sed -n 's/^[^ ]*:\([^: ]*\):[0-9a-f ]* [A-Z] \(.*\)/\1 \2/p' >"$work/defined"
nm -A --undefined-only "$static" | sed -n 's/^[^ ]*:\([^: ]*\): *U \(wsic_.*\)/\1 \2/p' >"$work/undefined"
awk '
    FILENAME == ARGV[1] { path[$1] = $2; next }
    FILENAME == ARGV[2] { home[$2] = path[$1]; next }
    $2 in home && home[$2] != path[$1] { print path[$1], home[$2] }' \
    "$work/objects" "$work/defined" "$work/undefined" | sort -u >"$work/calls"

try "files include each other" test -s "$work/includes"
upwards <"$work/includes" >"$work/result"
try "folders include what lies below them" empty "$work/result"
try "files call each other" test -s "$work/calls"
upwards <"$work/calls" >"$work/result"
try "folders call what lies below them" empty "$work/result"
awk '{ if (($2, $1) in seen) print $1, "and", $2; seen[$1, $2] = 1 }' "$work/calls" >"$work/result"
try "no two files call each other" empty "$work/result"
finish
