#!/bin/sh
# SPDX-License-Identifier: MIT
# The functions that the headers declare are those that the version script lists and
# those that the library exports. The library calls nothing that prints, ends the process
# or depends on the locale.
# Usage: test_abi.sh SOURCE_ROOT SHARED_LIBRARY STATIC_LIBRARY
set -u
LC_ALL=C
export LC_ALL

root=$1
shared=$2
static=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0

# check NAME FILE: the file, which says what is wrong, is empty
check()
{
    count=$((count + 1))
    if [ -s "$2" ]; then
        echo "not ok $count - $1"
        sed 's/^/# /' "$2"
    else
        echo "ok $count - $1"
    fi
}

cat "$root"/include/watersic/*.h | tr '\n' ' ' | grep -o 'WSIC_API [^;(]*(' |
    sed -n 's/.*[ *]\(wsic_[a-z0-9_]*\) *($/\1/p' | sort >"$work/declared"
sed -n 's/^ *\(wsic_[a-z0-9_]*\);$/\1/p' "$root/lib/libwatersic.map" >"$work/listed"
nm -D --defined-only "$shared" | sed -n 's/^[0-9a-f]* [TWDBRVi] \([^@]*\).*$/\1/p' |
    sort >"$work/exported"
nm --defined-only --extern-only "$static" | sed -n 's/^[0-9a-f]* [A-Z] \(.*\)$/\1/p' |
    sort -u >"$work/static"
nm --undefined-only "$static" | sed -n 's/^ *U \(.*\)$/\1/p' | sort -u >"$work/called"

[ -s "$work/declared" ] || echo "no function was found" >"$work/none"
: >>"$work/none"
check "the headers declare functions" "$work/none"
sort -u "$work/declared" | comm -3 "$work/declared" - >"$work/result"
check "no function is declared twice" "$work/result"
sort "$work/listed" | diff "$work/listed" - >"$work/result"
check "the version script is sorted" "$work/result"
diff "$work/declared" "$work/listed" >"$work/result"
check "the version script lists what is declared" "$work/result"
diff "$work/declared" "$work/exported" >"$work/result"
check "the shared library exports what is declared" "$work/result"
grep -v '^wsic_' "$work/static" >"$work/result"
check "all symbols of the static library begin with wsic_" "$work/result"
grep -xE '(abort|_?exit|_Exit|quick_exit|atexit|v?f?printf|v?dprintf|puts|putchar|fputs|perror|__assert_fail|setlocale|signal|sigaction|srand|rand|getenv|setenv|std(out|err|in)|__v?f?printf_chk)' \
    "$work/called" >"$work/result"
check "the library neither prints nor ends the process nor reads the environment" "$work/result"
echo "1..$count"
