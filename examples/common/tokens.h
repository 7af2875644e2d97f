/* SPDX-License-Identifier: MIT */
/* Text as token numbers. */
#ifndef EXAMPLES_TOKENS_H
#define EXAMPLES_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "common/token_sink.h"

struct tokens {
    uint32_t *values;
    size_t count;
    size_t beginning; /* tokens that every window begins with and that are not of the text */
};

/* Read a file: raw little-endian numbers if its name ends in .u16 or .u32; else its bytes, if the
 * vocabulary has 256 tokens. Every token must be below the vocabulary. An empty file is refused. */
bool tokens_load(struct tokens *tokens, const char *path, size_t vocabulary,
                 struct failure *failure);

/* The same tokens, a stretch at a time: the file may be larger than memory. The sink has had those
 * before one that is refused. */
bool tokens_read(const char *path, size_t vocabulary, const struct token_sink *sink,
                 struct failure *failure);

/* Bytes of a number in a file of that name: 2 or 4; 0 if its name ends in neither. */
size_t tokens_bytes(const char *path);

/* How many tokens the numbers of a file of that name can tell apart; SIZE_MAX for all. */
size_t tokens_numbers(const char *path);

/* Where window k of `wanted` is taken from a text of `present`, in windows. */
size_t tokens_place(size_t k, size_t wanted, size_t present);

/* Keep at most `most` tokens: whole windows, spread evenly over the text, so that a part of it
 * stands for all of it. If not even one window fits, the first tokens are kept. */
void tokens_sample(struct tokens *tokens, size_t window, size_t most);

/* A sample of tokens that stay as they are. */
bool tokens_copy(struct tokens *sample, const struct tokens *tokens, size_t window, size_t most,
                 struct failure *failure);

void tokens_free(struct tokens *tokens);

#endif
