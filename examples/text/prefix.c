/* SPDX-License-Identifier: MIT */
#include "text/prefix.h"

#include <stdlib.h>
#include <string.h>

struct prefix {
    struct stage stage;
    enum prefix_where where;
    bool inside; /* a piece is open */
    bool behind; /* something was before */
    size_t size;
    char text[];
};

/* Parts are whole characters, and the prefix is one, wherever this is asked. */
static bool is_wanted(const struct prefix *prefix, const char *text, size_t size)
{
    if (prefix->inside || (prefix->where == PREFIX_FIRST && prefix->behind))
        return false;
    return prefix->where == PREFIX_EVERYWHERE || size < prefix->size ||
           memcmp(text, prefix->text, prefix->size) != 0;
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct prefix *const prefix = (struct prefix *)stage;
    const bool wanted = is_wanted(prefix, text, size);

    prefix->inside = true;
    prefix->behind = true;
    return (!wanted || stage_push(stage->next, prefix->text, prefix->size, failure)) &&
           stage_push(stage->next, text, size, failure);
}

static bool end(struct stage *stage, struct failure *failure)
{
    ((struct prefix *)stage)->inside = false;
    return stage_end(stage->next, failure);
}

static bool token(struct stage *stage, uint32_t value, struct failure *failure)
{
    ((struct prefix *)stage)->behind = true;
    return stage_token(stage->next, value, failure);
}

static void reset(struct stage *stage)
{
    ((struct prefix *)stage)->inside = false;
    ((struct prefix *)stage)->behind = false;
}

static void destroy(struct stage *stage)
{
    free(stage);
}

struct stage *prefix_create(const char *text, enum prefix_where where, struct failure *failure)
{
    const size_t size = strlen(text);
    struct prefix *const prefix = calloc(1, sizeof *prefix + size);

    if (!prefix) {
        refuse(failure, "out of memory");
        return NULL;
    }
    prefix->stage = (struct stage){
        .push = push, .end = end, .token = token, .reset = reset, .destroy = destroy};
    prefix->where = where;
    prefix->size = size;
    memcpy(prefix->text, text, size);
    return &prefix->stage;
}
