/* SPDX-License-Identifier: MIT */
#include "text/decoder.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "text/byte_level.h"
#include "text/json.h"
#include "text/metaspace.h"

static bool set_from(struct decoder *decoder, const char *from, struct failure *failure)
{
    if (decoder->from)
        return refuse(failure, "decoder: two replacements are not understood");
    decoder->from = strdup(from);
    return decoder->from || refuse(failure, "out of memory");
}

static bool read_replace(struct decoder *decoder, const json_t *json, struct failure *failure)
{
    const char *const from = json_pattern_text(json);
    const char *const to = json_string_value(json_object_get(json, "content"));

    if (!from || !*from || !to || strcmp(to, " ") != 0)
        return refuse(failure, "decoder: Replace of anything but a text by a space is not "
                               "understood");
    return set_from(decoder, from, failure);
}

static bool read_strip(struct decoder *decoder, const json_t *json, struct failure *failure)
{
    const char *const content = json_string_value(json_object_get(json, "content"));
    const json_int_t start = json_integer_value(json_object_get(json, "start"));

    if (!content || strcmp(content, " ") != 0 || start < 0 || start > 64 ||
        json_integer_value(json_object_get(json, "stop")) != 0)
        return refuse(failure, "decoder: Strip of anything but spaces before the text is not "
                               "understood");
    decoder->strip = (size_t)start;
    return true;
}

static bool read_metaspace(struct decoder *decoder, const json_t *json, struct failure *failure)
{
    struct metaspace metaspace;

    if (!metaspace_read(&metaspace, json, failure))
        return false;
    decoder->strip_piece = metaspace.prepend != METASPACE_NEVER;
    return set_from(decoder, metaspace.replacement, failure);
}

static bool read_one(struct decoder *decoder, const json_t *json, bool *fused,
                     struct failure *failure)
{
    decoder->present = true;
    if (json_is_kind(json, "ByteLevel"))
        return decoder->byte_level = true;
    if (json_is_kind(json, "Metaspace"))
        return read_metaspace(decoder, json, failure);
    if (json_is_kind(json, "Replace") && !*fused)
        return read_replace(decoder, json, failure);
    if (json_is_kind(json, "ByteFallback") && !*fused)
        return decoder->fallback = true;
    if (json_is_kind(json, "Fuse"))
        return *fused = true;
    if (json_is_kind(json, "Strip") && *fused)
        return read_strip(decoder, json, failure);
    return refuse(failure, "decoder: the kind '%s' is not understood%s", json_kind(json),
                  *fused ? " behind Fuse" : "");
}

bool decoder_read(struct decoder *decoder, const json_t *json, struct failure *failure)
{
    const json_t *const list = json_object_get(json, "decoders");
    bool fused = false;

    *decoder = (struct decoder){.present = false};
    if (!json || json_is_null(json))
        return true;
    if (!json_is_kind(json, "Sequence"))
        return read_one(decoder, json, &fused, failure);
    if (!json_is_array(list))
        return refuse(failure, "decoder: Sequence has no list 'decoders'");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_one(decoder, json_array_get(list, i), &fused, failure)) {
            decoder_free(decoder);
            return false;
        }
    return true;
}

void decoder_free(struct decoder *decoder)
{
    free(decoder->from);
    *decoder = (struct decoder){.present = false};
}

/* "<0x41>" */
static bool read_byte(const char *piece, size_t size, char *byte)
{
    if (size != 6 || memcmp(piece, "<0x", 3) != 0 || piece[5] != '>' ||
        !isxdigit((unsigned char)piece[3]) || !isxdigit((unsigned char)piece[4]))
        return false;
    const char digits[] = {piece[3], piece[4], '\0'};
    *byte = (char)strtoul(digits, NULL, 16);
    return true;
}

static bool add_replaced(const struct decoder *decoder, struct bytes *out, const char *piece,
                         size_t size, bool first, struct failure *failure)
{
    const size_t length = decoder->from ? strlen(decoder->from) : 0;
    size_t at = 0;

    while (at < size) {
        const bool there =
            length > 0 && size - at >= length && memcmp(piece + at, decoder->from, length) == 0;
        const char *const by = there ? " " : piece + at;
        if (!(there && first && decoder->strip_piece) && !bytes_add(out, by, 1, failure))
            return false;
        at += there ? length : 1;
    }
    return true;
}

bool decoder_add(const struct decoder *decoder, struct bytes *out, const char *piece, size_t size,
                 bool first, struct failure *failure)
{
    char byte;

    if (decoder->byte_level && byte_level_add(out, piece, size, failure))
        return true;
    if (decoder->fallback && read_byte(piece, size, &byte))
        return bytes_add(out, &byte, 1, failure);
    return add_replaced(decoder, out, piece, size, first, failure);
}
