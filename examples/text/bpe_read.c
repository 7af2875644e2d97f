/* SPDX-License-Identifier: MIT */
/* Of bpe.h: reading the model, and where text may be cut. */
#include "text/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/json.h"

/* Bits of the set of neighbours. Pairs that share one are taken for each other, which only
 * keeps text together. */
enum { NEIGHBOUR_BITS = 22, NEIGHBOUR_WORDS = 1 << (NEIGHBOUR_BITS - 6) };

static uint32_t neighbour_bit(uint32_t left, uint32_t right)
{
    return (left * UINT32_C(0x9e3779b1) ^ right * UINT32_C(0x85ebca77)) >> (32 - NEIGHBOUR_BITS);
}

static void note_neighbours(struct bpe *bpe, uint32_t token)
{
    size_t size;
    size_t length;
    const char *const text = pieces_text(&bpe->pieces, token, &size);
    uint32_t left = bpe_unit(bpe, text, &length);

    for (size_t at = length; at < size; at += length) {
        const uint32_t right = bpe_unit(bpe, text + at, &length);
        const uint32_t bit = neighbour_bit(left, right);
        bpe->neighbours[bit / 64] |= UINT64_C(1) << bit % 64;
        left = right;
    }
}

/* Tokens that do not come from units of their own text: of bytes, and for what has none. */
static bool is_substitute(const struct bpe *bpe, uint32_t token)
{
    size_t size;
    const char *const text = pieces_text(&bpe->pieces, token, &size);

    if (token == bpe->unknown)
        return true;
    if (!bpe->fallback || size != 6 || memcmp(text, "<0x", 3) != 0)
        return false;
    for (int i = 0; i < 256; i++)
        if (bpe->bytes[i] == token)
            return true;
    return false;
}

static bool make_neighbours(struct bpe *bpe, struct failure *failure)
{
    bpe->neighbours = calloc(NEIGHBOUR_WORDS, sizeof *bpe->neighbours);
    if (!bpe->neighbours)
        return refuse(failure, "out of memory");
    for (size_t i = 0; i <= bpe->merges.slots_mask; i++) {
        const struct merge *const merge = &bpe->merges.slots[i];
        if (merge->product == PIECES_NONE)
            continue;
        note_neighbours(bpe, merge->product);
        if (is_substitute(bpe, merge->left) || is_substitute(bpe, merge->right))
            memset(bpe->neighbours, 0xff, NEIGHBOUR_WORDS * sizeof *bpe->neighbours);
    }
    return true;
}

bool bpe_may_cut(const struct bpe *bpe, uint32_t left, uint32_t right)
{
    const uint32_t bit = neighbour_bit(left, right);

    return bpe->whole && (bpe->neighbours[bit / 64] >> bit % 64 & 1) == 0;
}

static void find_bytes(struct bpe *bpe)
{
    bpe->whole = true;
    for (int i = 0; i < 256; i++) {
        char name[8];
        const char byte = (char)i;
        if (bpe->byte_level) {
            bpe->bytes[i] = pieces_find(&bpe->pieces, &byte, 1);
        } else {
            snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
            bpe->bytes[i] = pieces_find(&bpe->pieces, name, 6);
        }
        bpe->whole = bpe->whole && bpe->bytes[i] != PIECES_NONE;
    }
    bpe->whole = bpe->whole && (bpe->byte_level || bpe->fallback);
}

static bool find_unknown(struct bpe *bpe, const json_t *model, struct failure *failure)
{
    const char *const text = json_string_value(json_object_get(model, "unk_token"));

    bpe->unknown = PIECES_NONE;
    if (!text)
        return true;
    bpe->unknown = pieces_find(&bpe->pieces, text, strlen(text));
    return bpe->unknown != PIECES_NONE ||
           refuse(failure, "model: unk_token '%s' is not in the vocabulary", text);
}

/* What would change tokens in ways that are not understood. */
static bool check_model(const json_t *model, bool byte_level, struct failure *failure)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};

    if (!json_is_kind(model, "BPE") && json_object_get(model, "type"))
        return refuse(failure, "model: the kind '%s' is not understood, only 'BPE'",
                      json_kind(model));
    if (json_number_value(json_object_get(model, "dropout")) != 0)
        return refuse(failure, "model: dropout is not understood");
    for (int i = 0; i < 2; i++) {
        const char *const affix = json_string_value(json_object_get(model, affixes[i]));
        if (affix && *affix)
            return refuse(failure, "model: %s '%s' is not understood", affixes[i], affix);
    }
    return !byte_level || !json_is_true(json_object_get(model, "byte_fallback")) ||
           refuse(failure, "model: byte_fallback with the pre-tokenizer ByteLevel is not "
                           "understood");
}

bool bpe_read(struct bpe *bpe, json_t *model, bool byte_level, struct failure *failure)
{
    json_t *const vocabulary = json_object_get(model, "vocab");

    *bpe = (struct bpe){.byte_level = byte_level};
    if (!json_is_object(model))
        return refuse(failure, "model is missing, or no object");
    if (!check_model(model, byte_level, failure))
        return false;
    bpe->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    bpe->fuse_unknown = json_is_true(json_object_get(model, "fuse_unk"));
    bpe->fallback = json_is_true(json_object_get(model, "byte_fallback"));
    if (pieces_read(&bpe->pieces, vocabulary, byte_level, failure) &&
        merges_read(&bpe->merges, json_object_get(model, "merges"), vocabulary, failure)) {
        find_bytes(bpe);
        if (find_unknown(bpe, model, failure) && make_neighbours(bpe, failure))
            return true;
    }
    bpe_free(bpe);
    return false;
}

void bpe_free(struct bpe *bpe)
{
    pieces_free(&bpe->pieces);
    merges_free(&bpe->merges);
    free(bpe->neighbours);
    *bpe = (struct bpe){.neighbours = NULL};
}
