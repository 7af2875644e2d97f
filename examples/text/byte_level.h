/* SPDX-License-Identifier: MIT */
/* The alphabet of 256 visible characters that byte-level vocabularies write bytes in: those of
 * Latin-1 that can be seen stand for themselves, the other 68 bytes are U+0100 to U+0143. */
#ifndef EXAMPLES_TEXT_BYTE_LEVEL_H
#define EXAMPLES_TEXT_BYTE_LEVEL_H

#include "text/bytes.h"

/* Add the bytes that valid text in this alphabet stands for. Returns false, and adds nothing, if
 * there are other characters in it. */
bool byte_level_add(struct bytes *bytes, const char *text, size_t size, struct failure *failure);

#endif
