/* SPDX-License-Identifier: MIT */
/* Tokenizers and texts of tests/tokenizer, and tokens and text that are collected. */
#ifndef TESTS_TOKENIZER_FIXTURE_H
#define TESTS_TOKENIZER_FIXTURE_H

#include <check.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/bytes.h"
#include "text/tokenizer.h"

/* Sinks for both. */
static inline bool collect_tokens(void *self, const uint32_t *tokens, size_t count,
                                  struct failure *failure)
{
    return bytes_add(self, tokens, count * sizeof *tokens, failure);
}

static inline bool collect_text(void *self, const char *text, size_t size, struct failure *failure)
{
    return bytes_add(self, text, size, failure);
}

/* Encode text in parts of this size. */
static inline struct bytes encode(struct tokenizer *tokenizer, const char *text, size_t size,
                                  size_t part, struct text_repairs *repairs)
{
    struct bytes tokens = {.size = 0};
    const struct token_sink sink = {collect_tokens, &tokens};
    struct failure failure = {.text = ""};
    bool ok = tokenizer_begin(tokenizer, &sink, true, &failure);

    for (size_t at = 0; ok && at < size; at += part)
        ok = tokenizer_feed(tokenizer, text + at, size - at < part ? size - at : part, &failure);
    ck_assert_msg(ok && tokenizer_finish(tokenizer, repairs, &failure), "%s", failure.text);
    return tokens;
}

static inline struct bytes decode(const struct tokenizer *tokenizer, const struct bytes *tokens)
{
    struct bytes text = {.size = 0};
    struct decoding decoding = {.tokens = 0};
    const struct text_sink sink = {collect_text, &text};
    struct failure failure = {.text = ""};

    ck_assert_msg(tokenizer_decode(tokenizer, &decoding, (const uint32_t *)(void *)tokens->data,
                                   tokens->size / sizeof(uint32_t), &sink, &failure),
                  "%s", failure.text);
    return text;
}

static inline struct bytes from_hex(const char *hex)
{
    struct bytes bytes = {.size = 0};
    struct failure failure;
    unsigned value;

    for (; sscanf(hex, "%2x", &value) == 1; hex += 2) {
        const char byte = (char)value;
        ck_assert(bytes_add(&bytes, &byte, 1, &failure));
    }
    return bytes;
}

static inline json_t *load_json(const char *name)
{
    char path[1024];
    json_error_t error;

    snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
    json_t *const json = json_load_file(path, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", path, error.text);
    return json;
}

#endif
