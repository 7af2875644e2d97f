/* SPDX-License-Identifier: MIT */
/* Of added_tokens.h: the stage that finds them. */
#include <stdlib.h>
#include <string.h>

#include "text/added_tokens.h"
#include "text/bytes.h"
#include "common/utf8.h"

struct finder {
    struct stage stage;
    struct added_token
        *list; /* sorted by what is sought; that belongs to the stage, text is NULL */
    size_t count;
    bool begins[256];  /* whether one begins with this byte */
    bool eats_before;  /* whether one eats white space before it */
    bool eating;       /* white space that comes now is part of the last token */
    bool inside;       /* a piece of the next stage is open */
    struct bytes text; /* what may belong to a token */
};

static int compare(const void *first, const void *second)
{
    const struct added_token *const a = first;
    const struct added_token *const b = second;
    const int order = memcmp(a->sought, b->sought, a->size < b->size ? a->size : b->size);

    return order != 0 ? order : a->size < b->size ? -1 : a->size > b->size;
}

/* The first of the sorted tokens from low to high whose byte at this depth is at least that. */
static size_t bound(const struct finder *finder, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((unsigned char)finder->list[middle].sought[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest token that text begins with; NULL for none. `more`: a longer one may, if text goes
 * on. */
static const struct added_token *longest(const struct finder *finder, const char *text, size_t size,
                                         bool *more)
{
    const struct added_token *found = NULL;
    size_t low = 0;
    size_t high = finder->count;

    for (size_t depth = 0;; depth++) {
        /* Of tokens that begin alike the shortest comes first. */
        for (; low < high && finder->list[low].size == depth; low++)
            found = &finder->list[low];
        *more = low < high;
        if (low == high || depth == size)
            return found;
        const int byte = (unsigned char)text[depth];
        low = bound(finder, low, high, depth, byte);
        high = bound(finder, low, high, depth, byte + 1);
    }
}

/* Text between tokens. */
static bool hand_on(struct finder *finder, const char *text, size_t size, struct failure *failure)
{
    if (finder->eating) {
        const size_t eaten = utf8_spaces_before(text, size);
        text += eaten;
        size -= eaten;
        finder->eating = size == 0;
    }
    finder->inside = finder->inside || size > 0;
    return stage_push(finder->stage.next, text, size, failure);
}

static bool close_piece(struct finder *finder, struct failure *failure)
{
    const bool inside = finder->inside;

    finder->inside = false;
    return !inside || stage_end(finder->stage.next, failure);
}

static bool hand_on_token(struct finder *finder, const char *before, size_t size,
                          const struct added_token *found, struct failure *failure)
{
    if (found->eats_before)
        size -= utf8_spaces_after(before, size);
    if (!hand_on(finder, before, size, failure) || !close_piece(finder, failure) ||
        !stage_token(finder->stage.next, found->token, failure))
        return false;
    finder->eating = found->eats_behind;
    return true;
}

/* The first place from `at` on where a token may begin. */
static size_t skip(const struct finder *finder, size_t at)
{
    const struct bytes *const text = &finder->text;

    while (at < text->size && !finder->begins[(unsigned char)text->data[at]])
        at++;
    return at;
}

/* Find tokens in what is there, and hand on what is decided. */
static bool find_tokens(struct finder *finder, bool complete, struct failure *failure)
{
    const struct bytes *const text = &finder->text;
    size_t begin = 0;
    size_t at = 0;

    while ((at = skip(finder, at)) < text->size) {
        bool more;
        const struct added_token *const found =
            longest(finder, text->data + at, text->size - at, &more);
        if (more && !complete)
            break;
        if (!found) {
            at++;
            continue;
        }
        if (!hand_on_token(finder, text->data + begin, at - begin, found, failure))
            return false;
        begin = at += found->size;
    }
    if (finder->eats_before && !complete)
        at -= utf8_spaces_after(text->data + begin, at - begin);
    if (!hand_on(finder, text->data + begin, at - begin, failure))
        return false;
    bytes_drop(&finder->text, at);
    return true;
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct finder *const finder = (struct finder *)stage;

    return bytes_add(&finder->text, text, size, failure) && find_tokens(finder, false, failure);
}

static void reset(struct stage *stage)
{
    struct finder *const finder = (struct finder *)stage;

    finder->text.size = 0;
    finder->eating = false;
    finder->inside = false;
}

static bool end(struct stage *stage, struct failure *failure)
{
    struct finder *const finder = (struct finder *)stage;
    const bool ok = find_tokens(finder, true, failure) && close_piece(finder, failure);

    reset(stage);
    return ok;
}

static void destroy(struct stage *stage)
{
    struct finder *const finder = (struct finder *)stage;

    for (size_t i = 0; i < finder->count; i++)
        free(finder->list[i].sought);
    free(finder->list);
    bytes_free(&finder->text);
    free(finder);
}

static bool take(struct finder *finder, const struct added_token *token, struct failure *failure)
{
    struct added_token *const own = &finder->list[finder->count];

    *own = *token;
    own->text = NULL;
    own->sought = NULL;
    if (!added_tokens_seek(own, token->sought, token->size, failure))
        return false;
    finder->count++;
    finder->begins[(unsigned char)*own->sought] = true;
    finder->eats_before = finder->eats_before || own->eats_before;
    return true;
}

static bool take_all(struct finder *finder, const struct added_tokens *tokens, bool normalized,
                     struct failure *failure)
{
    finder->list = calloc(tokens->count, sizeof *finder->list);
    if (!finder->list)
        return refuse(failure, "out of memory for %zu added tokens", tokens->count);
    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->list[i].normalized == normalized && tokens->list[i].size > 0 &&
            !take(finder, &tokens->list[i], failure))
            return false;
    qsort(finder->list, finder->count, sizeof *finder->list, compare);
    return true;
}

static bool has_any(const struct added_tokens *tokens, bool normalized)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->list[i].normalized == normalized && tokens->list[i].size > 0)
            return true;
    return false;
}

bool added_tokens_stage(struct chain *chain, const struct added_tokens *tokens, bool normalized,
                        struct failure *failure)
{
    if (!has_any(tokens, normalized))
        return true;
    struct finder *const finder = calloc(1, sizeof *finder);
    if (!finder)
        return refuse(failure, "out of memory");
    finder->stage = (struct stage){.push = push, .end = end, .reset = reset, .destroy = destroy};
    chain_add(chain, &finder->stage);
    return take_all(finder, tokens, normalized, failure);
}
