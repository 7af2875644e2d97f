/* SPDX-License-Identifier: MIT */
/* Pieces of SVG that every drawing is made of. */
#ifndef EXAMPLES_SVG_H
#define EXAMPLES_SVG_H

#include <stdio.h>

/* Text as the content or a quoted attribute of an element, for SVG and HTML alike: what would be
 * read as markup becomes an entity. Bytes that are no UTF-8, and control characters, become U+FFFD:
 * no name can make the document invalid. */
void svg_escape(FILE *file, const char *text);

/* A line of text; attributes are written as they are. */
void svg_text(FILE *file, double x, double y, const char *attributes, const char *text);

#endif
