/* SPDX-License-Identifier: MIT */
#include "text/repair.h"

#include "common/utf8.h"

static const char stand_in[] = "\xef\xbf\xbd";

static bool hand_on(struct repair *repair, const char *text, size_t size, struct failure *failure)
{
    repair->any = repair->any || size > 0;
    return stage_push(repair->next, text, size, failure);
}

static bool stand_in_for(struct repair *repair, uint64_t place, struct failure *failure)
{
    if (repair->repairs.count++ == 0)
        repair->repairs.first = place;
    return hand_on(repair, stand_in, sizeof stand_in - 1, failure);
}

/* The next place from `at` on that is not the beginning of a whole character. */
static size_t skip_good(const struct bytes *text, size_t at, enum utf8_kind *kind, size_t *length)
{
    *kind = UTF8_CHARACTER;
    while (at < text->size) {
        if ((unsigned char)text->data[at] < 0x80) {
            at++;
            continue;
        }
        *kind = utf8_look(text->data + at, text->size - at, length);
        if (*kind != UTF8_CHARACTER)
            break;
        at += *length;
    }
    return at;
}

bool repair_feed(struct repair *repair, const char *bytes, size_t size, struct failure *failure)
{
    struct bytes *const text = &repair->text;
    enum utf8_kind kind;
    size_t length;
    size_t at = 0;

    if (!bytes_add(text, bytes, size, failure))
        return false;
    do {
        const size_t begin = at;
        at = skip_good(text, begin, &kind, &length);
        if (!hand_on(repair, text->data + begin, at - begin, failure))
            return false;
        if (kind == UTF8_BROKEN) {
            if (!stand_in_for(repair, repair->read + at, failure))
                return false;
            at += length;
        }
    } while (kind == UTF8_BROKEN);
    bytes_drop(text, at);
    repair->read += at;
    return true;
}

bool repair_finish(struct repair *repair, struct failure *failure)
{
    const bool unfinished = repair->text.size > 0;

    repair->text.size = 0;
    return (!unfinished || stand_in_for(repair, repair->read, failure)) &&
           (!repair->any || stage_end(repair->next, failure));
}
