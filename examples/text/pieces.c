/* SPDX-License-Identifier: MIT */
#include "text/pieces.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "text/byte_level.h"

static bool check_tokens(struct pieces *pieces, json_t *vocabulary, struct failure *failure)
{
    const char *text;
    const json_t *token;

    json_object_foreach(vocabulary, text, token)
    {
        const json_int_t value = json_is_integer(token) ? json_integer_value(token) : -1;
        if (value < 0 || value >= PIECES_LIMIT)
            return refuse(failure, "model: vocab: '%s' has no number from 0 to %d", text,
                          PIECES_LIMIT - 1);
        if ((size_t)value >= pieces->count)
            pieces->count = (size_t)value + 1;
    }
    return pieces->count > 0 || refuse(failure, "model: vocab is empty");
}

static bool make_tables(struct pieces *pieces, struct failure *failure)
{
    size_t slots = 16;

    while (slots < pieces->count * 2)
        slots *= 2;
    pieces->slots_mask = slots - 1;
    pieces->list = calloc(pieces->count, sizeof *pieces->list);
    pieces->slots = malloc(slots * sizeof *pieces->slots);
    if (!pieces->list || !pieces->slots)
        return refuse(failure, "out of memory for a vocabulary of %zu tokens", pieces->count);
    memset(pieces->slots, 0xff, slots * sizeof *pieces->slots);
    return true;
}

/* The slot where a text is, or would be. */
static uint32_t *find_slot(const struct pieces *pieces, const char *text, size_t size)
{
    size_t slot = (size_t)XXH3_64bits(text, size) & pieces->slots_mask;

    for (;; slot = (slot + 1) & pieces->slots_mask) {
        const uint32_t token = pieces->slots[slot];
        if (token == PIECES_NONE)
            break;
        const struct piece *const piece = &pieces->list[token];
        if (piece->size == size && memcmp(pieces->text.data + piece->at, text, size) == 0)
            break;
    }
    return &pieces->slots[slot];
}

static bool add_piece(struct pieces *pieces, const char *text, uint32_t token, bool byte_level,
                      struct failure *failure)
{
    struct piece *const piece = &pieces->list[token];
    const size_t length = strlen(text);
    const size_t at = pieces->text.size;

    if (piece->known)
        return refuse(failure, "model: vocab: '%s' and another piece both are token %lu", text,
                      (unsigned long)token);
    const bool plain = byte_level && byte_level_add(&pieces->text, text, length, failure);
    if (!plain && !bytes_add(&pieces->text, text, length, failure))
        return false;
    *piece = (struct piece){at, (uint32_t)(pieces->text.size - at), true};
    if (byte_level && !plain)
        return true;
    if (piece->size > pieces->longest)
        pieces->longest = piece->size;
    *find_slot(pieces, pieces->text.data + at, piece->size) = token;
    return true;
}

static bool add_pieces(struct pieces *pieces, json_t *vocabulary, bool byte_level,
                       struct failure *failure)
{
    const char *text;
    const json_t *token;

    json_object_foreach(vocabulary, text,
                        token) if (!add_piece(pieces, text, (uint32_t)json_integer_value(token),
                                              byte_level, failure)) return false;
    return true;
}

bool pieces_read(struct pieces *pieces, json_t *vocabulary, bool byte_level,
                 struct failure *failure)
{
    *pieces = (struct pieces){.count = 0};
    if (!json_is_object(vocabulary))
        return refuse(failure, "model: vocab is missing, or no object");
    if (check_tokens(pieces, vocabulary, failure) && make_tables(pieces, failure) &&
        add_pieces(pieces, vocabulary, byte_level, failure))
        return true;
    pieces_free(pieces);
    return false;
}

void pieces_free(struct pieces *pieces)
{
    bytes_free(&pieces->text);
    free(pieces->list);
    free(pieces->slots);
    *pieces = (struct pieces){.count = 0};
}

uint32_t pieces_find(const struct pieces *pieces, const char *text, size_t size)
{
    return *find_slot(pieces, text, size);
}

const char *pieces_text(const struct pieces *pieces, uint32_t token, size_t *size)
{
    if (token >= pieces->count || !pieces->list[token].known)
        return NULL;
    *size = pieces->list[token].size;
    return pieces->text.data + pieces->list[token].at;
}
