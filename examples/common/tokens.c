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

size_t tokens_bytes(const char *path)
{
    if (has_suffix(path, ".u16"))
        return 2;
    return has_suffix(path, ".u32") ? 4 : 0;
}

static size_t token_bytes(const char *path, size_t vocabulary)
{
    const size_t bytes = tokens_bytes(path);

    return bytes == 0 && vocabulary == 256 ? 1 : bytes;
}

/* A file of tokens that is read. */
struct reading {
    struct filemap map;
    size_t bytes; /* of a token */
    size_t count;
    size_t vocabulary;
    const char *path;
};

static bool reading_open(struct reading *reading, const char *path, size_t vocabulary,
                         struct failure *failure)
{
    *reading = (struct reading){
        .bytes = token_bytes(path, vocabulary), .vocabulary = vocabulary, .path = path};
    if (reading->bytes == 0)
        return refuse(failure,
                      "%s: tokens of a vocabulary of %zu must come as .u16 or .u32 (any file is "
                      "taken as bytes only if the vocabulary has 256)",
                      path, vocabulary);
    if (!filemap_open(&reading->map, path, failure))
        return false;
    reading->count = reading->map.size / reading->bytes;
    if (reading->map.size % reading->bytes != 0)
        refuse(failure, "%s: %zu bytes are no whole number of %zu-byte tokens", path,
               reading->map.size, reading->bytes);
    else if (reading->count == 0)
        refuse(failure, "%s: no tokens", path);
    else
        return true;
    filemap_close(&reading->map);
    return false;
}

static bool decode(const struct reading *reading, size_t begin, size_t count, uint32_t *values,
                   struct failure *failure)
{
    const unsigned char *const data = reading->map.data + begin * reading->bytes;

    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        for (size_t j = reading->bytes; j-- > 0;)
            value = value << 8 | data[i * reading->bytes + j];
        if (value >= reading->vocabulary)
            return refuse(failure, "%s: token %zu is %lu, but the vocabulary has %zu",
                          reading->path, begin + i, (unsigned long)value, reading->vocabulary);
        values[i] = value;
    }
    return true;
}

bool tokens_load(struct tokens *tokens, const char *path, size_t vocabulary,
                 struct failure *failure)
{
    struct reading reading;

    *tokens = (struct tokens){.count = 0};
    if (!reading_open(&reading, path, vocabulary, failure))
        return false;
    tokens->count = reading.count;
    tokens->values = malloc(tokens->count * sizeof *tokens->values);
    const bool ok = tokens->values ? decode(&reading, 0, tokens->count, tokens->values, failure)
                                   : refuse(failure, "%s: out of memory", path);
    filemap_close(&reading.map);
    if (!ok)
        tokens_free(tokens);
    return ok;
}

bool tokens_read(const char *path, size_t vocabulary, const struct token_sink *sink,
                 struct failure *failure)
{
    enum { STRETCH = 4096 };
    uint32_t values[STRETCH];
    struct reading reading;
    bool ok = true;

    if (!reading_open(&reading, path, vocabulary, failure))
        return false;
    for (size_t at = 0; ok && at < reading.count; at += STRETCH) {
        const size_t count = reading.count - at < STRETCH ? reading.count - at : STRETCH;
        ok = decode(&reading, at, count, values, failure) &&
             sink->take(sink->self, values, count, failure);
        filemap_release(&reading.map, reading.map.data + at * reading.bytes, count * reading.bytes);
    }
    filemap_close(&reading.map);
    return ok;
}

size_t tokens_numbers(const char *path)
{
    return has_suffix(path, ".u16") ? (size_t)UINT16_MAX + 1 : SIZE_MAX;
}

size_t tokens_place(size_t k, size_t wanted, size_t present)
{
    return k * present / wanted;
}

void tokens_sample(struct tokens *tokens, size_t window, size_t most)
{
    const size_t present = tokens->count / window;
    const size_t wanted = most / window;

    if (tokens->count <= most)
        return;
    tokens->count = wanted > 0 ? wanted * window : most;
    /* A window never comes from a place before its own. */
    for (size_t k = 0; k < wanted; k++)
        memmove(tokens->values + k * window,
                tokens->values + tokens_place(k, wanted, present) * window,
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
