#!/bin/sh
# SPDX-License-Identifier: MIT
# The header compiles without a warning as C++17 and C++20, with every compiler that is there,
# and twice in a row.
# Usage: test_header.sh INCLUDE_DIRECTORY FILE... : files that use the header
set -u
here=${0%/*}
# shellcheck source=/dev/null
. "$here/../../tests/tap.sh"

include=$1
shift

for compiler in g++ clang++; do
    command -v $compiler >/dev/null || continue
    for standard in c++17 c++20; do
        for file in "$@"; do
            try "${file##*/} as $standard by $compiler" $compiler -fsyntax-only -std=$standard \
                -Wall -Wextra -Wpedantic -Werror -I"$here" -I"$include" \
                -include watersic.hpp "$file"
        done
    done
done
finish
