/* SPDX-License-Identifier: MIT */
#include "text/words.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Words come back all the time: short ones are looked up before they are encoded. A slot of 64
 * bytes holds what came last. */
enum { CACHE_SLOTS = 1 << 16, CACHED_BYTES = 30, CACHED_TOKENS = 8 };

struct cached {
    uint8_t size; /* 0: empty */
    uint8_t count;
    char word[CACHED_BYTES];
    uint32_t tokens[CACHED_TOKENS];
};

/* Tokens are handed on when there are as many as this, and a piece that is not complete is cut
 * when it has as many bytes as that. */
enum { BATCH = 4096, LONG_PIECE = 1 << 15 };

struct words {
    struct stage stage;
    const struct bpe *bpe;
    struct token_sink sink;
    struct cached *cache;
    struct bpe_work work;
    struct bytes piece; /* what is there of it, and not yet encoded */
    size_t searched;    /* before that there is no place to cut */
    bool begun;         /* its beginning has been encoded */
    size_t count;
    uint32_t batch[BATCH];
};

bool words_flush(struct stage *stage, struct failure *failure)
{
    struct words *const words = (struct words *)stage;
    const size_t count = words->count;

    words->count = 0;
    return count == 0 || words->sink.take(words->sink.self, words->batch, count, failure);
}

static bool put_tokens(struct words *words, const uint32_t *tokens, size_t count,
                       struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        if (words->count == BATCH && !words_flush(&words->stage, failure))
            return false;
        words->batch[words->count++] = tokens[i];
    }
    return true;
}

static void remember(const struct bpe_work *work, struct cached *cached, const char *word,
                     size_t size)
{
    if (work->count > CACHED_TOKENS)
        return;
    cached->size = (uint8_t)size;
    cached->count = (uint8_t)work->count;
    memcpy(cached->word, word, size);
    memcpy(cached->tokens, work->tokens, work->count * sizeof *work->tokens);
}

/* A word of a piece; complete if it is all of it. Parts and whole pieces may differ in their
 * tokens (ignore_merges), so parts are not looked up. */
static bool encode(struct words *words, const char *word, size_t size, bool complete,
                   struct failure *failure)
{
    const bool cacheable = size <= CACHED_BYTES && (complete || !words->bpe->ignore_merges);
    struct cached *const cached =
        cacheable ? &words->cache[XXH3_64bits(word, size) % CACHE_SLOTS] : NULL;

    if (cached && cached->size == size && memcmp(cached->word, word, size) == 0)
        return put_tokens(words, cached->tokens, cached->count, failure);
    if (!bpe_encode(words->bpe, &words->work, word, size, complete, failure))
        return false;
    if (cached)
        remember(&words->work, cached, word, size);
    return put_tokens(words, words->work.tokens, words->work.count, failure);
}

/* Encode the words that end at places to cut, which are looked for from `searched` on. */
static bool encode_parts(struct words *words, struct failure *failure)
{
    const struct bytes *const piece = &words->piece;
    size_t length;
    size_t word = 0;
    size_t at = words->searched;
    uint32_t left = bpe_unit(words->bpe, piece->data + at, &length);

    for (at += length; at < piece->size; at += length) {
        const uint32_t right = bpe_unit(words->bpe, piece->data + at, &length);
        if (bpe_may_cut(words->bpe, left, right)) {
            if (!encode(words, piece->data + word, at - word, false, failure))
                return false;
            word = at;
            words->begun = true;
        }
        left = right;
    }
    words->searched = at - length - word;
    bytes_drop(&words->piece, word);
    return true;
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct words *const words = (struct words *)stage;

    if (!bytes_add(&words->piece, text, size, failure))
        return false;
    return words->piece.size < LONG_PIECE || words->piece.size <= words->bpe->pieces.longest ||
           encode_parts(words, failure);
}

static void reset(struct stage *stage)
{
    struct words *const words = (struct words *)stage;

    words->piece.size = 0;
    words->searched = 0;
    words->begun = false;
}

/* A piece that may be a token as a whole stays in one. */
static bool end(struct stage *stage, struct failure *failure)
{
    struct words *const words = (struct words *)stage;
    const struct bytes *const piece = &words->piece;
    const bool whole =
        !words->begun && (piece->size <= CACHED_BYTES ||
                          (words->bpe->ignore_merges && piece->size <= words->bpe->pieces.longest));

    if (!whole && !encode_parts(words, failure))
        return false;
    const bool ok = encode(words, piece->data, piece->size, !words->begun, failure);
    reset(stage);
    return ok;
}

static bool token(struct stage *stage, uint32_t value, struct failure *failure)
{
    return put_tokens((struct words *)stage, &value, 1, failure);
}

static void destroy(struct stage *stage)
{
    struct words *const words = (struct words *)stage;

    bpe_work_free(&words->work);
    bytes_free(&words->piece);
    free(words->cache);
    free(words);
}

struct stage *words_create(const struct bpe *bpe, struct failure *failure)
{
    struct words *const words = calloc(1, sizeof *words);
    struct cached *const cache = calloc(CACHE_SLOTS, sizeof *cache);

    if (!words || !cache) {
        free(words);
        free(cache);
        refuse(failure, "out of memory");
        return NULL;
    }
    words->stage = (struct stage){
        .push = push, .end = end, .token = token, .reset = reset, .destroy = destroy};
    words->bpe = bpe;
    words->cache = cache;
    return &words->stage;
}

void words_sink(struct stage *stage, const struct token_sink *sink)
{
    struct words *const words = (struct words *)stage;

    words->sink = *sink;
    words->count = 0;
}
