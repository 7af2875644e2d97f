/* SPDX-License-Identifier: MIT */
#include "text/split.h"

#include <stdlib.h>

#include "text/bytes.h"

/* Longest piece of which no match can be told before its end is seen. */
enum { LONGEST = 1 << 28 };

struct split {
    struct stage stage;
    struct expression *expression;
    enum split_behavior behavior;
    bool inverted;
    struct bytes text; /* what no match is known for yet */
    size_t enough;   /* to look at it again: twice what it was, so that time stays in proportion */
    bool any;        /* there was a part of the piece before */
    bool last_found; /* it was a match of the expression */
    bool open;       /* a piece of the next stage is not ended */
};

/* Whether a part begins a piece of its own behind another. */
static bool begins(const struct split *split, bool found)
{
    const bool matched = found != split->inverted;
    const bool before = split->last_found != split->inverted;

    if (!found && !split->last_found)
        return false; /* the same text, in parts */
    switch (split->behavior) {
    case SPLIT_MERGED_WITH_PREVIOUS:
        return before || !matched;
    case SPLIT_MERGED_WITH_NEXT:
        return matched || !before;
    case SPLIT_CONTIGUOUS:
        return matched != before;
    default:
        return true;
    }
}

static bool close_piece(struct split *split, struct failure *failure)
{
    const bool open = split->open;

    split->open = false;
    return !open || stage_end(split->stage.next, failure);
}

static bool part(struct split *split, const char *text, size_t size, bool found,
                 struct failure *failure)
{
    if (size == 0)
        return true;
    if (split->any && begins(split, found) && !close_piece(split, failure))
        return false;
    split->any = true;
    split->last_found = found;
    if (found != split->inverted && split->behavior == SPLIT_REMOVED)
        return true;
    split->open = true;
    return stage_push(split->stage.next, text, size, failure);
}

/* Hand on what is known; `at` becomes the place where that ends. */
static bool find_parts(struct split *split, bool complete, size_t *at, struct failure *failure)
{
    const struct bytes *const text = &split->text;
    enum expression_answer answer = EXPRESSION_MATCH;
    size_t begin;
    size_t end;

    for (*at = 0; *at < text->size && answer == EXPRESSION_MATCH;) {
        answer = expression_find(split->expression, text->data, text->size, *at, complete, &begin,
                                 &end, failure);
        if (answer == EXPRESSION_FAILED)
            return false;
        if (answer == EXPRESSION_NONE)
            begin = end = text->size;
        if (!part(split, text->data + *at, begin - *at, false, failure))
            return false;
        *at = begin;
        if (answer == EXPRESSION_MATCH) {
            if (!part(split, text->data + begin, end - begin, true, failure))
                return false;
            *at = end;
        }
    }
    return true;
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct split *const split = (struct split *)stage;
    size_t known;

    if (!bytes_add(&split->text, text, size, failure))
        return false;
    if (split->text.size < split->enough)
        return true;
    if (!find_parts(split, false, &known, failure))
        return false;
    bytes_drop(&split->text, known);
    split->enough = 2 * split->text.size;
    return split->text.size <= LONGEST ||
           refuse(failure, "the text has more than %d bytes without a place to split them",
                  LONGEST);
}

static void reset(struct stage *stage)
{
    struct split *const split = (struct split *)stage;

    split->text.size = 0;
    split->enough = 0;
    split->any = false;
    split->open = false;
}

static bool end(struct stage *stage, struct failure *failure)
{
    struct split *const split = (struct split *)stage;
    size_t known;
    const bool ok = find_parts(split, true, &known, failure) && close_piece(split, failure);

    reset(stage);
    return ok;
}

static void destroy(struct stage *stage)
{
    struct split *const split = (struct split *)stage;

    expression_destroy(split->expression);
    bytes_free(&split->text);
    free(split);
}

struct stage *split_create(struct expression *expression, enum split_behavior behavior,
                           bool inverted, struct failure *failure)
{
    struct split *const split = calloc(1, sizeof *split);

    if (!split) {
        expression_destroy(expression);
        refuse(failure, "out of memory");
        return NULL;
    }
    split->stage = (struct stage){.push = push, .end = end, .reset = reset, .destroy = destroy};
    split->expression = expression;
    split->behavior = behavior;
    split->inverted = inverted;
    return &split->stage;
}
