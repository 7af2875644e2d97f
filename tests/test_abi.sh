#!/bin/sh
# SPDX-License-Identifier: MIT
# The SONAME follows the interface version. The functions that the headers declare are those that
# the version script lists and those that the library exports. The library calls nothing that prints, ends the process
# or depends on the locale.
# The decoder exports those of them that read and decode.
# Usage: test_abi.sh SOURCE_ROOT SHARED_LIBRARY STATIC_LIBRARY SHARED_DECODER
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

root=$1
shared=$2
static=$3
decoder=$4
headers=$root/include/watersic
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# empty FILE: the file, which says what is wrong, is empty
empty()
{
    cat "$1"
    [ ! -s "$1" ]
}

# declared HEADER... : functions of these headers
declared()
{
    cat "$@" | tr '\n' ' ' | grep -o 'WSIC_API [^;(]*(' |
        sed -n 's/.*[ *]\(wsic_[a-z0-9_]*\) *($/\1/p' | sort
}

# listed SCRIPT: functions of a version script, in its order
listed()
{
    sed -n 's/^ *\(wsic_[a-z0-9_]*\);$/\1/p' "$root/lib/$1"
}

# nodes SCRIPT: the names of its nodes
nodes()
{
    sed -n 's/^\(WATERSIC_[A-Z0-9_.]*\) .*/\1/p' "$root/lib/$1"
}

# exported LIBRARY: functions and their versions
exported()
{
    nm -D --defined-only "$1" | sed -n 's/^[0-9a-f]* [TWDBRVi] \(wsic.*\)$/\1/p' | sort
}

declared "$headers"/*.h >"$work/declared"
listed libwatersic.map >"$work/listed"
exported "$shared" | sed 's/@.*//' >"$work/exported"
nm --defined-only --extern-only "$static" | sed -n 's/^[0-9a-f]* [A-Z] \(.*\)$/\1/p' |
    sort -u >"$work/static"
readelf -d "$shared" "$decoder" | grep SONAME >"$work/dynamic"
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
soname=libwatersic-decoder${soname#libwatersic}
try "that of the decoder is $soname" grep -qF "[$soname]" "$work/dynamic"

try "the headers declare functions" test -s "$work/declared"
sort -u "$work/declared" | comm -3 "$work/declared" - >"$work/result"
try "no function is declared twice" empty "$work/result"
sort "$work/listed" | diff "$work/listed" - >"$work/result"
try "the version script is sorted" empty "$work/result"
diff "$work/declared" "$work/listed" >"$work/result"
try "the version script lists what is declared" empty "$work/result"
diff "$work/declared" "$work/exported" >"$work/result"
try "the shared library exports what is declared" empty "$work/result"

# The decoder: all of these headers but what writes and encodes.
declared "$headers/base.h" "$headers/version.h" "$headers/context.h" "$headers/layer.h" \
    "$headers/archive.h" "$headers/decode.h" |
    grep -vE '^wsic_(archive_writer_.*|layer_create_with_scales)$' >"$work/decoding"
listed libwatersic-decoder.map >"$work/decoder_listed"
exported "$decoder" >"$work/decoder_versions"
diff "$work/decoding" "$work/decoder_listed" >"$work/result"
try "the version script of the decoder lists what reads and decodes, sorted" empty "$work/result"
sed 's/@.*//' "$work/decoder_versions" | diff "$work/decoding" - >"$work/result"
try "the decoder exports just that" empty "$work/result"
nodes libwatersic.map | sed 's/^WATERSIC_/WATERSIC_DECODER_/' >"$work/nodes"
nodes libwatersic-decoder.map | diff "$work/nodes" - >"$work/result"
try "its nodes are those of the library by other names" empty "$work/result"
grep -v '@@WATERSIC_DECODER_' "$work/decoder_versions" >"$work/result"
try "all its functions have such a version" empty "$work/result"

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
