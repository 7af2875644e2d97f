#!/bin/sh
# SPDX-License-Identifier: MIT
# Within another meson project the library keeps to itself: it is linked as default_library
# says, and brings neither programs nor tests, and installs nothing unless asked. The decoder can be built alone.
# Usage: test_subproject.sh MESON SOURCE_ROOT COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

meson=$1
source=$2
shift 2
CC=$*
export CC
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# without FILE PATTERN: no line of the file has it
without()
{
    ! grep "$2" "$1"
}

mkdir -p "$work/host/subprojects"
ln -s "$source" "$work/host/subprojects/watersic"
cp "$source/examples/01_quantize_matrix.c" "$work/host/host.c"
cat >"$work/host/meson.build" <<EOF
project('host', 'c', default_options: ['default_library=static', 'buildtype=plain'])
executable('host', 'host.c', dependencies: dependency('watersic', fallback: 'watersic'))
EOF

build=$work/build
try "configure" "$meson" setup -Dforce_fallback_for=watersic "$build" "$work/host"
"$meson" introspect --installed "$build" >"$work/installed"
try "nothing is installed" grep -qx '{}' "$work/installed"
"$meson" introspect --tests "$build" >"$work/tests"
"$meson" introspect --targets "$build" | tr '{' '\n' >"$work/targets"
try "no tests" grep -qx '\[\]' "$work/tests"
try "the host's program is there" grep -q '"executable"' "$work/targets"
grep '"executable"' "$work/targets" | grep -v '"name": "host"' >"$work/programs"
try "no program but the host's" without "$work/programs" .
try "ask for it" "$meson" setup --reconfigure -Dwatersic:install=enabled "$build" "$work/host"
"$meson" introspect --installed "$build" >"$work/installed"
try "the library is installed if asked for" grep -q 'libwatersic' "$work/installed"
try "build the host" "$meson" compile -C "$build" -j 2 host
try "run it" "$build/host"
readelf -d "$build/host" >"$work/dynamic"
try "it needs no shared library of ours" without "$work/dynamic" libwatersic

try "configure the decoder alone" "$meson" setup -Dencoder=disabled "$work/decoder" "$source"
"$meson" introspect --installed "$work/decoder" >"$work/installed"
try "it is installed" grep -q 'libwatersic-decoder' "$work/installed"
try "and no library that encodes" without "$work/installed" 'libwatersic[.]'
finish
