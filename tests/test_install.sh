#!/bin/sh
# SPDX-License-Identifier: MIT
# Installed libraries serve a program outside the tree, shared and static, also where no package of
# BLAS is installed.
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

# link PROGRAM OUTPUT OPTION... : a program that knows nothing but what pkg-config says
link()
{
    source_file=$1
    output=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # the flags, and the compiler with its, are words
    $compiler "$source_file" $(pkg-config --cflags --libs "$@") -o "$output"
}

# includes PACKAGE: its only folder of headers is ours
includes()
{
    flags=$(pkg-config --cflags "$1") && echo "$flags" &&
        [ "$(echo "$flags" | tr -d ' ')" = "-I$root/include" ]
}

# decodes PROGRAM: it writes the weights of an archive, each of four bytes
decodes()
{
    ./"$1" made.wsic >weights && [ -s weights ] && [ $(($(wc -c <weights) % 4)) = 0 ]
}

try "meson install" "$meson" install -C "$build" --no-rebuild --destdir "$work/stage"
prefix=$(find "$work/stage" -name watersic.pc -exec sed -n 's/^prefix=//p' {} \;)
pc=$(find "$work/stage" -name watersic.pc)
decoder_pc=${pc%/*}/watersic-decoder.pc
root=$work/stage$prefix
for file in include/watersic/watersic.h include/watersic/layer.h bin/watersic \
    share/man/man1/watersic.1 share/doc/watersic/COPYING; do
    try "$file is installed" test -f "$root/$file"
done

# use_cmake TARGET VERSION FILE: a project of CMake that links a target, which must be of a version
use_cmake()
{
    mkdir -p "cmake-$1" && cat >"cmake-$1/CMakeLists.txt" <<CMAKE && cd "cmake-$1" || return
cmake_minimum_required(VERSION 3.13)
project(host C)
find_package(watersic $2 REQUIRED CONFIG)
add_executable(host ../$3)
target_link_libraries(host PRIVATE watersic::$1)
CMAKE
    cmake -DCMAKE_PREFIX_PATH="$root" . && cmake --build .
}

# refused_by_cmake TARGET VERSION FILE: such a version is not found
refused_by_cmake()
{
    use_cmake "$@" 2>&1 | grep 'compatible with requested version'
}

# documented: what the headers name as docs/NAME.md is installed, and nothing else is named
documented()
{
    cat "$root"/include/watersic/*.h | grep -o 'docs/[a-z]*\.md' | sort -u >named
    [ -s named ] && while read -r name; do
        [ -f "$root/share/doc/watersic/${name#docs/}" ] || { echo "$name" && return 1; }
    done <named
}

# As if it had been configured with this prefix.
sed -i "s|^prefix=.*|prefix=$root|" "$pc" "$decoder_pc"
# No other packages than these two, nor headers of theirs that come without being asked for.
PKG_CONFIG_LIBDIR=${pc%/*}
unset PKG_CONFIG_PATH
libraries=${pc%/pkgconfig/*}
export PKG_CONFIG_LIBDIR
compiler=$*

cd "$work" || exit 1
cp "$source/examples/01_quantize_matrix.c" "$source/tests/decoder.c" .
if command -v cmake >/dev/null; then
    CC=$compiler
    export CC
    for target in watersic watersic_static; do
        try "CMake links $target" use_cmake $target 0.1 01_quantize_matrix.c
        try "run with it" "cmake-$target/host"
    done
    for target in decoder decoder_static; do
        try "CMake links $target" use_cmake $target 0.1.0 decoder.c
    done
    try "CMake refuses another minor version" refused_by_cmake watersic 0.0.9 01_quantize_matrix.c
    try "CMake refuses a later version" refused_by_cmake watersic 0.1.9 01_quantize_matrix.c
    unset CC
fi
try "the documents that headers refer to are installed" documented
if command -v doxygen >/dev/null; then
    try "a function has a manual page" grep -q 'man3/watersic_layer.h.3' "$root/share/man/man3/wsic_layer_get_codes.3"
    try "which is there" test -s "$root/share/man/man3/watersic_layer.h.3"
fi
try "no package of BLAS is there" sh -c '! pkg-config --exists blas'
for package in watersic watersic-decoder; do
    try "$package brings no folder of headers but ours" includes "$package"
    try "$package is $(pkg-config --modversion watersic)" \
        pkg-config --exact-version="$(pkg-config --modversion watersic)" "$package"
done
try "link with the shared library" link 01_quantize_matrix.c shared watersic
try "run with it" env LD_LIBRARY_PATH="$libraries" ./shared
try "the installed program finds it" env LD_LIBRARY_PATH="$libraries" "$root/bin/watersic" --version

try "link with the decoder" link decoder.c decoder watersic-decoder
try "link the same with the whole library" link decoder.c whole watersic
try "make a matrix" "$build/tests/cli_data" make
try "quantize" env LD_LIBRARY_PATH="$libraries" "$root/bin/watersic" quantize -w w.npy -s s.npy \
    -r 3 -o made.wsic
LD_LIBRARY_PATH=$libraries
export LD_LIBRARY_PATH
try "the decoder decodes it" decodes decoder
mv weights expected
try "the whole library decodes it" decodes whole
try "and they agree" cmp weights expected
mv "$libraries"/libwatersic.so* .
try "the decoder decodes without the library" decodes decoder
unset LD_LIBRARY_PATH

rm -f "$libraries"/libwatersic-decoder.so*
try "link with the static library" link 01_quantize_matrix.c static --static watersic
try "run with it" ./static
try "link with the static decoder" link decoder.c static-decoder --static watersic-decoder
try "it decodes" decodes static-decoder
finish
