#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public header compiles on its own, twice in a row, as C99, C11 and C++, without a
# warning.
# Usage: test_headers.sh INCLUDE_DIRECTORY COMPILER...
set -u

include=$1
shift
count=0

# try NAME COMPILER... : compile $text
try()
{
    name=$1
    shift
    count=$((count + 1))
    if output=$("$@" -fsyntax-only -I"$include" -Wall -Wextra -Wpedantic -Werror - 2>&1 <<EOF
$text
EOF
    ); then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        echo "$output" | sed 's/^/# /'
    fi
}

for path in "$include"/watersic/*.h; do
    header=watersic/${path##*/}
    text="#include <$header>
#include <$header>"
    for standard in c99 c11; do
        try "$header as $standard" "$@" -x c -std=$standard -Wstrict-prototypes
    done
    if command -v c++ >/dev/null; then
        try "$header as C++" c++ -x c++ -std=c++11
    fi
done
echo "1..$count"
