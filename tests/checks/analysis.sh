#!/bin/sh
# SPDX-License-Identifier: MIT
# Static analysis: every finding is mended or has its reason beside it in the code. cppcheck, gcc and clang-tidy look at
# lib/, codespell and shellcheck at everything.
# Usage: analysis.sh
# WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

# Prints findings, if there are any; fails then. .clang-tidy says which checks there are. One file at a time: clang 14 takes
# every va_list but that of the first file for one that nobody has set.
clang_tidy()
{
    CC=clang configure tidy -Dbench=disabled -Dtests=disabled -Dexamples=disabled >/dev/null &&
        find "$root/lib" -name '*.c' ! -path '*/arm/*' | sort |
        xargs -n 1 -P "$(nproc)" clang-tidy -p "$work/tidy" --quiet --warnings-as-errors='*'
}

# Not asked for, since what they find is meant:
# - internalAstError: its parser does not know compound literals behind "?".
# - invalidPointerCast: one allocation is divided into arrays of several types.
# - shiftTooManyBitsSigned: the sign of an integer as a mask; all compilers for IEEE machines shift it in.
cpp_check()
{
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
        --suppress=missingIncludeSystem --suppress=internalAstError --suppress=invalidPointerCast \
        --suppress=shiftTooManyBitsSigned -I "$root/include" -I "$root/lib" -D_POSIX_C_SOURCE=200809L \
        -j "$(nproc)" "$root/lib"
}

# Prints what is not in analyzer_known.txt; fails then.
analyzer()
{
    CC=gcc configure analyzer -Dbench=disabled -Dtests=disabled -Dexamples=disabled -Db_ndebug=false \
        -Doptimization=1 -Dc_args=-fanalyzer && ninja -C "$work/analyzer" -t clean && ninja -C "$work/analyzer" >"$work/analyzer.txt" || return 1
    sed -n "s:^[./]*.*/\(lib/[^:]*\)\:[0-9]*\:[0-9]*\: warning\: .*\[-W\(analyzer[a-z-]*\)\]\$:\1 \2:p" "$work/analyzer.txt" |
        sort -u >"$work/analyzer.found"
    sed -n 's/^\(lib[^ ]* analyzer[^ ]*\) .*/\1/p' "$root/tests/checks/analyzer_known.txt" | sort -u |
        comm -23 "$work/analyzer.found" - >"$work/analyzer.new"
    cat "$work/analyzer.new"
    [ ! -s "$work/analyzer.new" ]
}

# Words that it takes for misspelled: names of variables and of mathematics.
spelling()
{
    (cd "$root" && git ls-files '*.c' '*.h' '*.md' '*.sh' '*.py' '*.build' |
        grep -v 'tests/tokenizer/' |
        xargs codespell --ignore-words-list=ans,fo,te,nd,ba,hist,indx,ment,ot,tha,vie,inout,mis,numer,statics,crate,sensitiv)
}

shell()
{
    (cd "$root" && git ls-files '*.sh' .ci/run .ci/setup | xargs shellcheck -x)
}

# try TOOL FUNCTION
try()
{
    if have "$1"; then
        check "$1" "$2"
    else
        skip "$1" "not installed"
    fi
}

try codespell spelling
try shellcheck shell
try cppcheck cpp_check
try gcc analyzer
try clang-tidy clang_tidy
conclude
