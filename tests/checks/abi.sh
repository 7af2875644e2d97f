#!/bin/sh
# SPDX-License-Identifier: MIT
# The binary interface of this build against the one that is kept in tests/data/abi.
# Usage: abi.sh compare|update
#   compare: fails where something was removed or changed; additions are listed
#   update:  keep what is built now (docs/abi.md says when)
# WORK is the folder for builds and logs.
set -u
# shellcheck source=tests/checks/table.sh
. "$(dirname "$0")/table.sh"

kept=$root/tests/data/abi
have abidw abidiff || {
    echo "abi.sh: abidw and abidiff are not installed (Debian: abigail-tools)" >&2
    exit 1
}

build()
{
    configure abi -Dbuildtype=debugoptimized -Dbench=disabled -Dtests=disabled -Dexamples=disabled &&
        ninja -C "$work/abi"
}

# Only what headers show: types of the library alone are nobody's business. Paths are those within the repository.
describe()
{
    abidw --headers-dir "$root/include" --drop-private-types --no-show-locs --no-corpus-path --no-comp-dir-path \
        --no-elf-needed --drop-undefined-syms "$work/abi/lib/$1.so" >"$work/$1.raw" &&
        sed "s:='[^']*/lib/:='lib/:" "$work/$1.raw" >"$2"
}

compare()
{
    describe "$1" "$work/$1.abi" && abidiff --no-added-syms "$kept/$1.abi" "$work/$1.abi"
}

check build build
for library in libwatersic libwatersic-decoder; do
    case ${1:-compare} in
    update) check "keep $library" describe "$library" "$kept/$library.abi" ;;
    *) check "$library" compare "$library" ;;
    esac
done
conclude
