/* SPDX-License-Identifier: MIT */
/* From tokens back to text: "decoder" of tokenizer.json. */
#ifndef EXAMPLES_TEXT_DECODER_H
#define EXAMPLES_TEXT_DECODER_H

#include <jansson.h>

#include "text/bytes.h"

struct decoder {
    bool present;
    bool byte_level;  /* pieces are written in the alphabet of byte_level.h */
    bool fallback;    /* <0x41> is a byte */
    char *from;       /* what is replaced by a space; NULL for nothing */
    size_t strip;     /* spaces that are taken from the beginning of the text */
    bool strip_piece; /* from the first piece all `from` are taken */
};

/* Read ByteLevel, Metaspace, or a Sequence of Replace (by a space), ByteFallback, Fuse and Strip
 * (of spaces at the beginning), or null. Others are refused by their name. */
bool decoder_read(struct decoder *decoder, const json_t *json, struct failure *failure);
void decoder_free(struct decoder *decoder);

/* Add the bytes that a piece, as it stands in the file, stands for. `first`: it is the first of the
 * text. */
bool decoder_add(const struct decoder *decoder, struct bytes *out, const char *piece, size_t size,
                 bool first, struct failure *failure);

#endif
