#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public header compiles on its own, twice in a row, as C99, C11 and C++, without a
# warning.
# Usage: test_headers.sh INCLUDE_DIRECTORY COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

include=$1
shift

# compile COMPILER... : with $text as the program
compile()
{
    "$@" -fsyntax-only -I"$include" -Wall -Wextra -Wpedantic -Werror - <<EOF
$text
EOF
}

for path in "$include"/watersic/*.h; do
    header=watersic/${path##*/}
    text="#include <$header>
#include <$header>
extern int not_empty;"
    for standard in c99 c11; do
        try "$header as $standard" compile "$@" -x c -std=$standard -Wstrict-prototypes
    done
    if command -v c++ >/dev/null; then
        try "$header as C++" compile c++ -x c++ -std=c++11
    fi
done
finish
