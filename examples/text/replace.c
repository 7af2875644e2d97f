/* SPDX-License-Identifier: MIT */
#include "text/replace.h"

#include <stdlib.h>
#include <string.h>

#include "text/bytes.h"

struct replace {
    struct stage stage;
    struct bytes from;
    struct bytes to;
    struct bytes text; /* what may be the beginning of `from` */
    struct bytes out;
};

/* Where `from` is, or where it would begin if text went on; size if nowhere. */
static size_t find(const struct replace *replace, const char *text, size_t size)
{
    const size_t length = replace->from.size;
    size_t at = 0;

    while (at < size) {
        const char *const first = memchr(text + at, replace->from.data[0], size - at);
        if (!first)
            return size;
        at = (size_t)(first - text);
        const size_t there = size - at < length ? size - at : length;
        if (memcmp(first, replace->from.data, there) == 0)
            return at;
        at++;
    }
    return size;
}

/* Put into `out` what becomes of text; returns how much of it that is, or SIZE_MAX on failure. */
static size_t replace_all(struct replace *replace, const char *text, size_t size,
                          struct failure *failure)
{
    size_t at = 0;

    replace->out.size = 0;
    for (;;) {
        const size_t found = find(replace, text + at, size - at);
        if (!bytes_add(&replace->out, text + at, found, failure))
            return SIZE_MAX;
        at += found;
        if (size - at < replace->from.size)
            return at;
        if (!bytes_add(&replace->out, replace->to.data, replace->to.size, failure))
            return SIZE_MAX;
        at += replace->from.size;
    }
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct replace *const replace = (struct replace *)stage;

    if (!bytes_add(&replace->text, text, size, failure))
        return false;
    const size_t done = replace_all(replace, replace->text.data, replace->text.size, failure);
    if (done == SIZE_MAX)
        return false;
    bytes_drop(&replace->text, done);
    return stage_push(stage->next, replace->out.data, replace->out.size, failure);
}

static void reset(struct stage *stage)
{
    ((struct replace *)stage)->text.size = 0;
}

static bool end(struct stage *stage, struct failure *failure)
{
    struct replace *const replace = (struct replace *)stage;
    const bool ok = stage_push(stage->next, replace->text.data, replace->text.size, failure) &&
                    stage_end(stage->next, failure);

    reset(stage);
    return ok;
}

static void destroy(struct stage *stage)
{
    struct replace *const replace = (struct replace *)stage;

    bytes_free(&replace->from);
    bytes_free(&replace->to);
    bytes_free(&replace->text);
    bytes_free(&replace->out);
    free(replace);
}

struct stage *replace_create(const char *from, const char *to, struct failure *failure)
{
    struct replace *const replace = calloc(1, sizeof *replace);

    if (!replace) {
        refuse(failure, "out of memory");
        return NULL;
    }
    replace->stage = (struct stage){.push = push, .end = end, .reset = reset, .destroy = destroy};
    if (bytes_add(&replace->from, from, strlen(from), failure) &&
        bytes_add(&replace->to, to, strlen(to), failure))
        return &replace->stage;
    destroy(&replace->stage);
    return NULL;
}
