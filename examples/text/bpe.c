/* SPDX-License-Identifier: MIT */
#include "text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* Tokens that stand side by side, as a list that merging takes symbols out of. */
struct bpe_symbol {
    uint32_t token;
    uint32_t before; /* symbol; PIECES_NONE at the ends */
    uint32_t after;
    bool gone;
};

/* A pair that may be joined, as it was when it was found. */
struct bpe_candidate {
    uint32_t rank;
    uint32_t left; /* symbol */
    uint32_t product;
};

/* The heap of candidates: the lowest rank first, of equal ones the leftmost. */
struct heap {
    struct bpe_candidate *list;
    size_t count;
};

static bool goes_first(const struct bpe_candidate *a, const struct bpe_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static void heap_put(struct heap *heap, struct bpe_candidate candidate)
{
    size_t at = heap->count++;

    while (at > 0 && goes_first(&candidate, &heap->list[(at - 1) / 2])) {
        heap->list[at] = heap->list[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->list[at] = candidate;
}

static struct bpe_candidate heap_take(struct heap *heap)
{
    const struct bpe_candidate first = heap->list[0];
    const struct bpe_candidate last = heap->list[--heap->count];
    size_t at = 0;

    for (size_t child = 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && goes_first(&heap->list[child + 1], &heap->list[child]))
            child++;
        if (!goes_first(&heap->list[child], &last))
            break;
        heap->list[at] = heap->list[child];
        at = child;
    }
    heap->list[at] = last;
    return first;
}

static void consider(const struct bpe *bpe, const struct bpe_symbol *symbols, uint32_t left,
                     struct heap *heap)
{
    const uint32_t right = left == PIECES_NONE ? PIECES_NONE : symbols[left].after;

    if (right == PIECES_NONE)
        return;
    const struct merge *const merge =
        merges_find(&bpe->merges, symbols[left].token, symbols[right].token);
    if (merge)
        heap_put(heap, (struct bpe_candidate){merge->rank, left, merge->product});
}

/* Whether the pair is still the one that was found. */
static bool is_current(const struct bpe *bpe, const struct bpe_symbol *symbols,
                       const struct bpe_candidate *candidate)
{
    const struct bpe_symbol *const left = &symbols[candidate->left];

    if (left->gone || left->after == PIECES_NONE)
        return false;
    const struct merge *const merge =
        merges_find(&bpe->merges, left->token, symbols[left->after].token);
    return merge && merge->product == candidate->product;
}

static void join(struct bpe_symbol *symbols, const struct bpe_candidate *candidate)
{
    struct bpe_symbol *const left = &symbols[candidate->left];
    struct bpe_symbol *const right = &symbols[left->after];

    left->token = candidate->product;
    left->after = right->after;
    right->gone = true;
    if (right->after != PIECES_NONE)
        symbols[right->after].before = candidate->left;
}

/* Symbol 0 is never joined to one before it: all others can be reached from there. */
static void merge_all(const struct bpe *bpe, struct bpe_work *work, size_t count)
{
    struct bpe_symbol *const symbols = work->symbols;
    struct heap heap = {.list = work->heap};

    for (size_t i = 0; i < count; i++)
        consider(bpe, symbols, (uint32_t)i, &heap);
    while (heap.count > 0) {
        const struct bpe_candidate candidate = heap_take(&heap);
        if (!is_current(bpe, symbols, &candidate))
            continue;
        join(symbols, &candidate);
        consider(bpe, symbols, symbols[candidate.left].before, &heap);
        consider(bpe, symbols, candidate.left, &heap);
    }
    for (uint32_t at = count > 0 ? 0 : PIECES_NONE; at != PIECES_NONE; at = symbols[at].after)
        work->tokens[work->count++] = symbols[at].token;
}

/* Every join takes one symbol away and brings at most two candidates. */
static bool make_room(struct bpe_work *work, size_t units, struct failure *failure)
{
    if (units <= work->room)
        return true;
    const size_t room = units > 256 ? units + units / 2 : 256;
    bpe_work_free(work);
    work->symbols = malloc(room * sizeof *work->symbols);
    work->heap = malloc(room * 3 * sizeof *work->heap);
    work->tokens = malloc(room * sizeof *work->tokens);
    if (!work->symbols || !work->heap || !work->tokens) {
        bpe_work_free(work);
        return refuse(failure, "out of memory for a word of %zu bytes", units);
    }
    work->room = room;
    return true;
}

void bpe_work_free(struct bpe_work *work)
{
    free(work->symbols);
    free(work->heap);
    free(work->tokens);
    *work = (struct bpe_work){.room = 0};
}

/* The first symbols of a word. */
struct spelling {
    struct bpe_symbol *symbols;
    size_t count;
    bool unknown; /* a token for what has none is due */
};

static void add_symbol(struct spelling *spelling, uint32_t token)
{
    const uint32_t at = (uint32_t)spelling->count++;

    spelling->symbols[at] = (struct bpe_symbol){
        .token = token, .before = at > 0 ? at - 1 : PIECES_NONE, .after = PIECES_NONE};
    if (at > 0)
        spelling->symbols[at - 1].after = at;
}

static bool add_bytes(const struct bpe *bpe, struct spelling *spelling, const char *unit,
                      size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bpe->bytes[(unsigned char)unit[i]] == PIECES_NONE)
            return false;
    for (size_t i = 0; i < length; i++)
        add_symbol(spelling, bpe->bytes[(unsigned char)unit[i]]);
    return true;
}

static uint32_t unit_token(const struct bpe *bpe, const char *unit, size_t length)
{
    return bpe->byte_level ? bpe->bytes[(unsigned char)*unit]
                           : pieces_find(&bpe->pieces, unit, length);
}

/* A token for what has none waits: further such units may share it. As in the reference it waits
 * over the tokens of bytes, too. */
static void spell(const struct bpe *bpe, struct spelling *spelling, const char *unit, size_t length)
{
    const uint32_t token = unit_token(bpe, unit, length);

    if (token != PIECES_NONE) {
        if (spelling->unknown)
            add_symbol(spelling, bpe->unknown);
        spelling->unknown = false;
        add_symbol(spelling, token);
    } else if (!bpe->fallback || !add_bytes(bpe, spelling, unit, length)) {
        if (spelling->unknown && !bpe->fuse_unknown)
            add_symbol(spelling, bpe->unknown);
        spelling->unknown = bpe->unknown != PIECES_NONE;
    }
}

bool bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *word, size_t size,
                bool complete, struct failure *failure)
{
    if (size > BPE_LONGEST)
        return refuse(failure, "the text has %zu bytes without a place to split them", size);
    if (!make_room(work, size, failure))
        return false;
    work->count = 0;
    if (bpe->ignore_merges && complete) {
        const uint32_t token = pieces_find(&bpe->pieces, word, size);
        if (token != PIECES_NONE) {
            work->tokens[work->count++] = token;
            return true;
        }
    }
    struct spelling spelling = {.symbols = work->symbols};
    size_t length;
    for (size_t at = 0; at < size; at += length) {
        bpe_unit(bpe, word + at, &length);
        spell(bpe, &spelling, word + at, length);
    }
    if (spelling.unknown)
        add_symbol(&spelling, bpe->unknown);
    merge_all(bpe, work, spelling.count);
    return true;
}

uint32_t bpe_unit(const struct bpe *bpe, const char *text, size_t *length)
{
    if (!bpe->byte_level)
        return utf8_read(text, length);
    *length = 1;
    return (unsigned char)*text;
}
