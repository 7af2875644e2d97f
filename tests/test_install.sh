#!/bin/sh
# SPDX-License-Identifier: MIT
# An installed library serves a program outside the tree, shared and static.
# Usage: test_install.sh MESON BUILD_ROOT SOURCE_ROOT COMPILER...
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

meson=$1
build=$2
source=$3
shift 3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# link OUTPUT OPTION... : a program that knows nothing but what pkg-config says
link()
{
    output=$1
    shift
    # shellcheck disable=SC2046,SC2086 # the flags, and the compiler with its, are words
    $compiler 01_quantize_matrix.c $(pkg-config "$@" --cflags --libs watersic) -o "$output"
}

try "meson install" "$meson" install -C "$build" --no-rebuild --destdir "$work/stage"
prefix=$(find "$work/stage" -name watersic.pc -exec sed -n 's/^prefix=//p' {} \;)
pc=$(find "$work/stage" -name watersic.pc)
root=$work/stage$prefix
for file in include/watersic/watersic.h include/watersic/layer.h bin/watersic \
    share/man/man1/watersic.1; do
    try "$file is installed" test -f "$root/$file"
done

# As if it had been configured with this prefix.
sed -i "s|^prefix=.*|prefix=$root|" "$pc"
PKG_CONFIG_PATH=${pc%/*}
libraries=${pc%/pkgconfig/*}
export PKG_CONFIG_PATH
compiler=$*

cd "$work" || exit 1
cp "$source/examples/01_quantize_matrix.c" .
try "link with the shared library" link shared
try "run with it" env LD_LIBRARY_PATH="$libraries" ./shared
try "the installed program finds it" env LD_LIBRARY_PATH="$libraries" "$root/bin/watersic" --version

rm -f "$libraries"/libwatersic.so*
try "link with the static library" link static --static
try "run with it" ./static
finish
