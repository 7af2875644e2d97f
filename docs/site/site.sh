#!/bin/sh
# SPDX-License-Identifier: MIT
# All documents as one site of HTML, by doxygen; then every link within it must lead
# somewhere.
# Usage: site.sh SOURCE_ROOT OUTPUT_DIRECTORY
set -eu

DOC_SOURCE=$1
DOC_OUTPUT=$2
# What documents refer to lies beside the pages.
DOC_EXTRA="$DOC_SOURCE/docs/gap.svg $DOC_SOURCE/COPYING $DOC_SOURCE/docs/man/watersic.1 \
$DOC_SOURCE/docs/man/watersic-llm.1 $DOC_SOURCE/examples/llm/hook.py $(echo "$DOC_SOURCE"/examples/0*.c)"
DOC_PAGES=$(echo "$DOC_SOURCE"/examples/*/*.md)
export DOC_SOURCE DOC_OUTPUT DOC_EXTRA DOC_PAGES

rm -rf "$DOC_OUTPUT/site"
doxygen "$DOC_SOURCE/docs/site/Doxyfile"

cd "$DOC_OUTPUT/site"
dead=$(grep -o '\(href\|src\)="[^"#:]*["#]' ./*.html | sed 's/:[a-z]*="/ /; s/["#]$//' | sort -u |
    while read -r page address; do
        [ -z "$address" ] || [ -e "$address" ] || echo "$page leads to $address, which is not there"
    done)
[ -z "$dead" ] || { echo "$dead" && exit 1; }
! grep -n '[@\\]ref ' ./md_*.html index.html # links that doxygen has not understood
