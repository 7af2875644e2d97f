/* SPDX-License-Identifier: MIT */
#include "text/compose.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "text/bytes.h"
#include "common/utf8.h"

struct compose {
    struct stage stage;
    struct bytes text; /* what later characters may be composed with */
};

/* Characters that may compose with others before them are marks, or vowels and finals of
 * Hangul. None of them has a code of two bytes below U+0300. */
static bool may_join(uint32_t character)
{
    if (character < 0x300)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)character)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return true;
    default:
        return character >= 0x1160 && character <= 0x11ff;
    }
}

/* The last place behind `from` that nothing is composed across; 0 if there is none. */
static size_t find_cut(const struct bytes *text, size_t from)
{
    size_t length;

    for (size_t at = text->size; at-- > from;)
        if (((unsigned char)text->data[at] & 0xc0) != 0x80 &&
            !may_join(utf8_read(text->data + at, &length)))
            return at;
    return 0;
}

static bool is_ascii(const char *text, size_t size)
{
    unsigned char all = 0;

    for (size_t i = 0; i < size; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

static bool hand_on(struct compose *compose, size_t size, struct failure *failure)
{
    const utf8proc_uint8_t *const text = (const utf8proc_uint8_t *)compose->text.data;
    utf8proc_uint8_t *composed;

    if (is_ascii(compose->text.data, size))
        return stage_push(compose->stage.next, compose->text.data, size, failure);
    const utf8proc_ssize_t length =
        utf8proc_map(text, (utf8proc_ssize_t)size, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (length < 0)
        return refuse(failure, "normalizing %zu bytes of text: %s", size, utf8proc_errmsg(length));
    const bool ok =
        stage_push(compose->stage.next, (const char *)composed, (size_t)length, failure);
    free(composed);
    return ok;
}

static bool push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    struct compose *const compose = (struct compose *)stage;
    const size_t before = compose->text.size;

    if (!bytes_add(&compose->text, text, size, failure))
        return false;
    const size_t cut = find_cut(&compose->text, before);
    if (cut == 0)
        return true;
    if (!hand_on(compose, cut, failure))
        return false;
    bytes_drop(&compose->text, cut);
    return true;
}

static void reset(struct stage *stage)
{
    ((struct compose *)stage)->text.size = 0;
}

static bool end(struct stage *stage, struct failure *failure)
{
    struct compose *const compose = (struct compose *)stage;
    const bool ok =
        hand_on(compose, compose->text.size, failure) && stage_end(stage->next, failure);

    reset(stage);
    return ok;
}

static void destroy(struct stage *stage)
{
    bytes_free(&((struct compose *)stage)->text);
    free(stage);
}

struct stage *compose_create(struct failure *failure)
{
    struct compose *const compose = calloc(1, sizeof *compose);

    if (!compose) {
        refuse(failure, "out of memory");
        return NULL;
    }
    compose->stage = (struct stage){.push = push, .end = end, .reset = reset, .destroy = destroy};
    return &compose->stage;
}
