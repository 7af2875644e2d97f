#!/bin/sh
# SPDX-License-Identifier: MIT
# lintian finds nothing in Debian packages that are made of an installed tree: two libraries,
# what programs are built with, and the programs.
# Usage: test_package.sh MESON BUILD_ROOT SOURCE_ROOT [FOLDER] : the packages stay in the folder
set -u
# shellcheck source=/dev/null
. "${0%/*}/tap.sh"

meson=$1
build=$2
source=$3
for tool in lintian dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "1..0 # SKIP no $tool" && exit 0; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
results=${4:-$work}
umask 022

# installed: the tree under $work/tree, as if it had been configured for /usr
installed()
{
    "$meson" install -C "$build" --no-rebuild --strip --destdir "$work/stage" || return
    pc=$(find "$work/stage" -name watersic.pc) || return
    prefix=$(sed -n 's/^prefix=//p' "$pc")
    mv "$work/stage$prefix" "$work/tree" &&
        sed -i 's|^prefix=.*|prefix=/usr|' "$work"/tree/lib/*/pkgconfig/*.pc &&
        find "$work/tree/share/man" -type f -exec gzip -9n {} + &&
        links_to_pages
}

# links_to_pages: pages that only lead to another one have its new name
links_to_pages()
{
    find "$work/tree/share/man" -name '*.gz' -size -1024c | while read -r page; do
        target=$(zcat "$page" | sed -n '1s/^\.so man3\///p')
        [ -z "$target" ] || ln -sf "$target.gz" "$page"
    done
}

# control PACKAGE SECTION DEPENDS DESCRIPTION
control()
{
    cat >"$work/$1/DEBIAN/control" <<CONTROL
Package: $1
Source: watersic
Version: $version
Architecture: $architecture
Section: $2
Priority: optional
Maintainer: libwatersic maintainers <maintainers@example.org>
Depends: $3
Description: $4
 WaterSIC quantizes the weights of language models to 1 to 4 bits with little
 loss: spacing by waterfilling, successive interference cancellation and
 entropy coding.
CONTROL
}

# papers PACKAGE: what each package has of documents
papers()
{
    papers=$work/$1/usr/share/doc/$1
    mkdir -p "$papers" && { cat <<COPYRIGHT && sed 's/^$/./; s/^/ /' "$source/COPYING"; } >"$papers/copyright" &&
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' "$source/COPYING")
License: Expat

License: Expat
COPYRIGHT
        printf 'watersic (%s) unstable; urgency=medium\n\n  * Built from the source tree.\n\n -- %s  %s\n' \
            "$version" 'libwatersic maintainers <maintainers@example.org>' "$(date -R)" |
        gzip -9n >"$papers/changelog.gz"
}

# needs FILE... : packages of the shared libraries that these need
needs()
{
    (cd "$work" && mkdir -p debian && printf 'Source: watersic\n\nPackage: watersic\nArchitecture: any\n' >debian/control &&
        dpkg-shlibdeps -O -S"libwatersic$soversion" "$@") | sed -n 's/^shlibs:Depends=//p'
}

# take PACKAGE FILE... : move files of the tree into the package
take()
{
    package=$1
    shift
    for file in "$@"; do
        to=$work/$package/usr/${file%/*}
        mkdir -p "$work/$package/DEBIAN" "$to" && mv "$work/tree/$file" "$to/" || return
    done
}

# library NAME: the package of a shared library
library()
{
    package=lib$1$soversion
    # shellcheck disable=SC2046 # names without spaces
    take "$package" $(cd "$work/tree" && ls lib/*/lib"$1".so."$soversion"*) && papers "$package" || return
    echo "lib$1 $soversion $package (>= $version)" >"$work/$package/DEBIAN/shlibs"
    echo 'activate-noawait ldconfig' >"$work/$package/DEBIAN/triggers"
    control "$package" libs "$(needs "$work/$package"/usr/lib/*/lib"$1".so."$soversion")" "$2"
}

# development: the package with which programs are built
development()
{
    # shellcheck disable=SC2046
    take libwatersic-dev $(cd "$work/tree" && ls -d include/watersic lib/*/*.so lib/*/*.a lib/*/pkgconfig lib/*/cmake share/man/man3) &&
        papers libwatersic-dev &&
        control libwatersic-dev libdevel \
            "libwatersic$soversion (= $version), libwatersic-decoder$soversion (= $version), libblas-dev, liblapack-dev" \
            "quantization of language models, for development"
}

# programs: the package of the programs, with the documents
programs()
{
    rm -f "$work/tree/share/doc/watersic/COPYING" # papers has it
    take watersic bin/watersic bin/watersic-llm share/man/man1 share/doc/watersic share/bash-completion share/zsh share/fish &&
        papers watersic &&
        control watersic utils "$(needs "$work"/watersic/usr/bin/*)" \
            "quantization of language models, programs"
}

# package NAME: the file of a package, of which lintian has nothing to say
package()
{
    find "$work/$1" -type d -exec chmod 755 {} + && find "$work/$1" -name '*.so.*' -type f -exec chmod 644 {} + &&
        (cd "$work/$1" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums) &&
        dpkg-deb --root-owner-group --build "$work/$1" "$results/$1.deb" >/dev/null || return
    lintian --allow-root --no-cfg --suppress-tags "$ignored" "$results/$1.deb" >"$work/remarks" 2>&1
    status=$?
    cat "$work/remarks"
    [ $status = 0 ] && [ ! -s "$work/remarks" ]
}

# Of packages that nobody uploads: no bug of Debian is closed by them. The address is nobody's.
ignored=initial-upload-closes-no-bugs,bogus-mail-host

version=$(sed -n 's/^#define WSIC_VERSION "\(.*\)"$/\1/p' "$source/include/watersic/version.h")
architecture=$(dpkg --print-architecture)
try "install" installed
soversion=$(basename "$(find "$work/tree" -name 'libwatersic.so.*' -type l)" | sed 's/libwatersic\.so\.//')

try "library" library watersic "quantization of language models, library"
try "decoder" library watersic-decoder "quantization of language models, decoder"
try "development" development
try "programs" programs
try "nothing is left" sh -c "find '$work/tree' -type f -o -type l | grep . && exit 1 || exit 0"
for name in "libwatersic$soversion" "libwatersic-decoder$soversion" libwatersic-dev watersic; do
    try "lintian: $name" package "$name"
done
finish
