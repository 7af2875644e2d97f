#!/bin/sh
# SPDX-License-Identifier: MIT
# The header compiles without a warning as C++17 and C++20, with every compiler that is there,
# and twice in a row.
# It uses each function of C, but for those that programs call as they are.
# Usage: test_header.sh INCLUDE_DIRECTORY FILE... : files that use the header
set -u
here=${0%/*}
# shellcheck source=/dev/null
. "$here/../../tests/tap.sh"

include=$1
shift

# unused: functions that the headers declare, without variants (..._flat), ends and messages of handles, which a
# macro names, and those that programs call as they are: they need no object, are for engines, or
# do less than one that is used
unused()
{
    cat "$include"/watersic/*.h | tr '\n' ' ' | grep -o 'WSIC_API [^;(]*(' |
        sed -n 's/.*[ *]\(wsic_[a-z0-9_]*\) *($/\1/p' |
        grep -v -e '_flat$' -e '_destroy$' -e '_message$' -e '^wsic_archive_close$' \
            -e version -e '^wsic_dtype_' -e '^wsic_preset_' -e '^wsic_processors$' -e '^wsic_kernels_name$' \
            -e '^wsic_parameter_find$' -e '^wsic_parameter_get_choice$' \
            -e '^wsic_context_set_runner$' -e '^wsic_layer_visit' -e workspace_size \
            -e '^wsic_layer_get_codes$' -e '^wsic_layer_dequantize$' -e '^wsic_layer_matvec$' \
            -e '^wsic_stats_get_covariance$' |
        while read -r name; do
            grep -qw "$name" "$here/watersic.hpp" || echo "$name"
        done
}

missing=$(unused)
try "functions that it does not use:${missing:+ }$missing" test -z "$missing"
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
