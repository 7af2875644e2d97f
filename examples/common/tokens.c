/* SPDX-License-Identifier: MIT */
#include "common/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "common/filemap.h"

static bool has_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path);
    const size_t suffix_length = strlen(suffix);

    return length >= suffix_length && strcmp(path + length - suffix_length, suffix) == 0;
}

static size_t token_bytes(const char *path, size_t vocabulary)
{
    if (has_suffix(path, ".u16"))
        return 2;
    if (has_suffix(path, ".u32"))
        return 4;
    return vocabulary == 256 ? 1 : 0;
}

static bool decode(struct tokens *tokens, const unsigned char *data, size_t bytes, const char *path,
                   size_t vocabulary, struct failure *failure)
{
    for (size_t i = 0; i < tokens->count; i++) {
        uint32_t value = 0;
        for (size_t j = bytes; j-- > 0;)
            value = value << 8 | data[i * bytes + j];
        if (value >= vocabulary)
            return refuse(failure, "%s: token %zu is %lu, but the vocabulary has %zu", path, i,
                          (unsigned long)value, vocabulary);
        tokens->values[i] = value;
    }
    return true;
}

static bool load_map(struct tokens *tokens, const struct filemap *map, size_t bytes,
                     const char *path, size_t vocabulary, struct failure *failure)
{
    if (map->size % bytes != 0)
        return refuse(failure, "%s: %zu bytes are no whole number of %zu-byte tokens", path,
                      map->size, bytes);
    tokens->count = map->size / bytes;
    if (tokens->count == 0)
        return refuse(failure, "%s: no tokens", path);
    tokens->values = malloc(tokens->count * sizeof *tokens->values);
    if (!tokens->values)
        return refuse(failure, "%s: out of memory", path);
    if (!decode(tokens, map->data, bytes, path, vocabulary, failure)) {
        tokens_free(tokens);
        return false;
    }
    return true;
}

bool tokens_load(struct tokens *tokens, const char *path, size_t vocabulary,
                 struct failure *failure)
{
    const size_t bytes = token_bytes(path, vocabulary);
    struct filemap map;

    *tokens = (struct tokens){.count = 0};
    if (bytes == 0)
        return refuse(failure,
                      "%s: tokens of a vocabulary of %zu must come as .u16 or .u32 (any file is "
                      "taken as bytes only if the vocabulary has 256)",
                      path, vocabulary);
    if (!filemap_open(&map, path, failure))
        return false;
    const bool ok = load_map(tokens, &map, bytes, path, vocabulary, failure);
    filemap_close(&map);
    return ok;
}

size_t tokens_numbers(const char *path)
{
    return has_suffix(path, ".u16") ? (size_t)UINT16_MAX + 1 : SIZE_MAX;
}

void tokens_sample(struct tokens *tokens, size_t window, size_t most)
{
    const size_t present = tokens->count / window;
    const size_t wanted = most / window;

    if (tokens->count <= most)
        return;
    tokens->count = wanted > 0 ? wanted * window : most;
    /* Window k comes from place k · present / wanted, which is never before its own. */
    for (size_t k = 0; k < wanted; k++)
        memmove(tokens->values + k * window, tokens->values + k * present / wanted * window,
                window * sizeof *tokens->values);
}

bool tokens_copy(struct tokens *sample, const struct tokens *tokens, size_t window, size_t most,
                 struct failure *failure)
{
    *sample = (struct tokens){.count = tokens->count};
    sample->values = malloc(tokens->count * sizeof *sample->values);
    if (!sample->values)
        return refuse(failure, "out of memory for %zu tokens", tokens->count);
    memcpy(sample->values, tokens->values, tokens->count * sizeof *sample->values);
    tokens_sample(sample, window, most);
    return true;
}

void tokens_free(struct tokens *tokens)
{
    free(tokens->values);
    *tokens = (struct tokens){.count = 0};
}
