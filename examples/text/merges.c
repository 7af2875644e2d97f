/* SPDX-License-Identifier: MIT */
#include "text/merges.h"

#include <stdlib.h>
#include <string.h>

#include "text/bytes.h"
#include "text/pieces.h"

/* A merge as the file has it. */
struct pair_text {
    const char *left;
    size_t left_size;
    const char *right;
    size_t right_size;
};

static bool read_line(struct pair_text *pair, const json_t *line)
{
    const char *const text = json_string_value(line);
    const char *const space = text ? strchr(text, ' ') : NULL;

    if (!space || strchr(space + 1, ' '))
        return false;
    *pair = (struct pair_text){text, (size_t)(space - text), space + 1, strlen(space + 1)};
    return true;
}

static bool read_pair(struct pair_text *pair, const json_t *entry)
{
    const json_t *const left = json_array_get(entry, 0);
    const json_t *const right = json_array_get(entry, 1);

    if (!json_is_array(entry))
        return read_line(pair, entry);
    if (json_array_size(entry) != 2 || !json_is_string(left) || !json_is_string(right))
        return false;
    *pair = (struct pair_text){json_string_value(left), json_string_length(left),
                               json_string_value(right), json_string_length(right)};
    return true;
}

static bool find_token(uint32_t *token, const json_t *vocabulary, const char *text, size_t size)
{
    const json_t *const value = json_object_getn(vocabulary, text, size);

    *token = (uint32_t)json_integer_value(value);
    return value != NULL;
}

static struct merge *find_slot(const struct merges *merges, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(hash >> 32) & merges->slots_mask;

    for (;; slot = (slot + 1) & merges->slots_mask) {
        struct merge *const merge = &merges->slots[slot];
        if (merge->product == PIECES_NONE || (merge->left == left && merge->right == right))
            return merge;
    }
}

static bool add_merge(struct merges *merges, const struct pair_text *pair, size_t rank,
                      struct bytes *product, const json_t *vocabulary, struct failure *failure)
{
    struct merge merge = {.rank = (uint32_t)rank};

    product->size = 0;
    if (!bytes_add(product, pair->left, pair->left_size, failure) ||
        !bytes_add(product, pair->right, pair->right_size, failure))
        return false;
    if (!find_token(&merge.left, vocabulary, pair->left, pair->left_size) ||
        !find_token(&merge.right, vocabulary, pair->right, pair->right_size) ||
        !find_token(&merge.product, vocabulary, product->data, product->size))
        return refuse(failure,
                      "model: merges: number %zu joins '%.*s' and '%.*s', but the vocabulary lacks "
                      "one of them or what they make",
                      rank, (int)pair->left_size, pair->left, (int)pair->right_size, pair->right);
    *find_slot(merges, merge.left, merge.right) = merge;
    return true;
}

static bool make_table(struct merges *merges, size_t count, struct failure *failure)
{
    size_t slots = 16;

    if (count > UINT32_MAX)
        return refuse(failure, "model: merges: %zu are too many", count);
    while (slots < count * 2)
        slots *= 2;
    merges->slots_mask = slots - 1;
    merges->slots = malloc(slots * sizeof *merges->slots);
    if (!merges->slots)
        return refuse(failure, "out of memory for %zu merges", count);
    memset(merges->slots, 0xff, slots * sizeof *merges->slots);
    return true;
}

static bool add_merges(struct merges *merges, const json_t *list, const json_t *vocabulary,
                       struct failure *failure)
{
    struct bytes product = {.size = 0};
    bool ok = true;

    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        struct pair_text pair;
        ok = read_pair(&pair, json_array_get(list, i))
                 ? add_merge(merges, &pair, i, &product, vocabulary, failure)
                 : refuse(failure, "model: merges: number %zu is no pair of pieces", i);
    }
    bytes_free(&product);
    return ok;
}

bool merges_read(struct merges *merges, const json_t *list, const json_t *vocabulary,
                 struct failure *failure)
{
    *merges = (struct merges){.slots = NULL};
    if (!json_is_array(list))
        return refuse(failure, "model: merges is missing, or no list");
    if (make_table(merges, json_array_size(list), failure) &&
        add_merges(merges, list, vocabulary, failure))
        return true;
    merges_free(merges);
    return false;
}

void merges_free(struct merges *merges)
{
    free(merges->slots);
    *merges = (struct merges){.slots = NULL};
}

const struct merge *merges_find(const struct merges *merges, uint32_t left, uint32_t right)
{
    const struct merge *const merge = find_slot(merges, left, right);

    return merge->product == PIECES_NONE ? NULL : merge;
}
