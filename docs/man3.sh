#!/bin/sh
# SPDX-License-Identifier: MIT
# Manual pages of section 3 from the headers, by doxygen: watersic_HEADER.h.3 for each header, to
# which the names of its functions, structs and constants lead.
# Usage: man3.sh SOURCE_ROOT OUTPUT_DIRECTORY
set -eu

DOC_SOURCE=$1
DOC_OUTPUT=$2
export DOC_SOURCE DOC_OUTPUT
pages=$2/man3

rm -rf "$pages"
(cat "$1/docs/Doxyfile" && echo 'GENERATE_HTML = NO
GENERATE_MAN = YES
MAN_LINKS = YES
MAN_OUTPUT = .
WARN_AS_ERROR = NO
WARNINGS = NO') | doxygen -

cd "$pages"
# A word in quotes that begins a line is no request to groff.
sed -i "s/^'\([a-z]\)/\\\\\&'\1/" ./*.3
for page in *.3; do
    case $page in
    *.h.3)
        mv "$page" "watersic_$page"
        ;;
    [Ww][Ss][Ii][Cc]_*)
        sed -i 's|^\.so man3/\([a-z]*\.h\.3\)$|.so man3/watersic_\1|' "$page"
        ;;
    *) # members of structs, whose names are anybody's
        rm "$page"
        ;;
    esac
done
