#!/bin/sh
# SPDX-License-Identifier: MIT
# The SONAME follows the interface version. The functions that the headers declare are those that
# the version script lists and those that the library exports. The library calls nothing that prints, ends the process
# or depends on the locale.
# Usage: test_abi.sh SOURCE_ROOT SHARED_LIBRARY STATIC_LIBRARY
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
shared=$2
static=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# empty FILE: the file, which says what is wrong, is empty
empty()
{
    cat "$1"
    [ ! -s "$1" ]
}

cat "$root"/include/watersic/*.h | tr '\n' ' ' | grep -o 'WSIC_API [^;(]*(' |
    sed -n 's/.*[ *]\(wsic_[a-z0-9_]*\) *($/\1/p' | sort >"$work/declared"
sed -n 's/^ *\(wsic_[a-z0-9_]*\);$/\1/p' "$root/lib/libwatersic.map" >"$work/listed"
nm -D --defined-only "$shared" | sed -n 's/^[0-9a-f]* [TWDBRVi] \([^@]*\).*$/\1/p' |
    sort >"$work/exported"
nm --defined-only --extern-only "$static" | sed -n 's/^[0-9a-f]* [A-Z] \(.*\)$/\1/p' |
    sort -u >"$work/static"
readelf -d "$shared" | grep SONAME >"$work/dynamic"
nm --undefined-only "$static" | sed -n 's/^ *U \(.*\)$/\1/p' | sort -u >"$work/called"

# number NAME: WSIC_API_VERSION_NAME
number()
{
    sed -n "s/^#define WSIC_API_VERSION_$1 //p" "$root/include/watersic/version.h"
}

# While MAJOR is 0, MINOR may break programs and has to be part of the SONAME.
soname=libwatersic.so.$(number MAJOR)
[ "$(number MAJOR)" != 0 ] || soname=$soname.$(number MINOR)
try "the SONAME is $soname" grep -qF "[$soname]" "$work/dynamic"

try "the headers declare functions" test -s "$work/declared"
sort -u "$work/declared" | comm -3 "$work/declared" - >"$work/result"
try "no function is declared twice" empty "$work/result"
sort "$work/listed" | diff "$work/listed" - >"$work/result"
try "the version script is sorted" empty "$work/result"
diff "$work/declared" "$work/listed" >"$work/result"
try "the version script lists what is declared" empty "$work/result"
diff "$work/declared" "$work/exported" >"$work/result"
try "the shared library exports what is declared" empty "$work/result"
# AddressSanitizer adds names of its own.
grep -vE '^(wsic_|__odr_asan\.wsic_)' "$work/static" >"$work/result"
try "all symbols of the static library begin with wsic_" empty "$work/result"
grep -xE '(abort|_?exit|_Exit|quick_exit|atexit|v?f?printf|v?dprintf|puts|putchar|fputs|perror|__assert_fail|setlocale|signal|sigaction|srand|rand|getenv|setenv|std(out|err|in)|__v?f?printf_chk)' \
    "$work/called" >"$work/result"
try "the library neither prints nor ends the process nor reads the environment" empty "$work/result"
cat "$root"/include/watersic/*.h | sed -n 's/^ *\(WSIC_[A-Z0-9_]*\) = .*/\1/p' | sort >"$work/constants"
sed -n 's/^ *CONSTANT(\(WSIC_[A-Z0-9_]*\), .*/\1/p' "$root/tests/test_abi_layout.c" | sort |
    diff "$work/constants" - >"$work/result"
try "the headers define constants" test -s "$work/constants"
try "test_abi_layout.c pins each of them" empty "$work/result"
finish
