/* SPDX-License-Identifier: MIT */
#include "llm/run/importance.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/filemap.h"
#include "llm/run/importance_names.h"

/* Of one layer, or of all experts' layers of a kind. Numbers lie in the file, not aligned. */
struct entry {
    const unsigned char *name;
    size_t name_length;
    const unsigned char *sums;
    size_t values;
    const unsigned char *counts; /* of each expert; NULL: one count for all */
    size_t count_number;
    double calls;
};

struct importance {
    struct filemap map;
    char *path;
    struct entry *entries;
    size_t count;
};

/* --- reading numbers ---------------------------------------------------------- */

/* What is left of the file. Once something was beyond its end, nothing is read any more. */
struct cursor {
    const unsigned char *place;
    const unsigned char *end;
    bool bad;
};

static const unsigned char *take(struct cursor *cursor, uint64_t bytes)
{
    const unsigned char *const place = cursor->place;

    if (cursor->bad || bytes > (uint64_t)(cursor->end - cursor->place)) {
        cursor->bad = true;
        return NULL;
    }
    cursor->place += bytes;
    return place;
}

static uint64_t take_number(struct cursor *cursor, size_t bytes)
{
    const unsigned char *const place = take(cursor, bytes);
    uint64_t number = 0;

    for (size_t i = bytes; place && i-- > 0;)
        number = number << 8 | place[i];
    return number;
}

static double float_at(const unsigned char *bytes)
{
    const uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
    float value;

    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static struct entry *add_entry(struct importance *importance)
{
    struct entry *const entries =
        realloc(importance->entries, (importance->count + 1) * sizeof *entries);

    if (!entries)
        return NULL;
    importance->entries = entries;
    entries[importance->count] = (struct entry){.calls = 1};
    return &entries[importance->count++];
}

/* --- the old format ----------------------------------------------------------- */

/* Entries: length of the name, name, calls, number of values, values (sums over calls). What
 * follows them tells about the run. */
static bool read_old(struct importance *importance, struct cursor *cursor, struct failure *failure)
{
    const uint64_t count = take_number(cursor, 4);

    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        struct entry *const entry = add_entry(importance);
        if (!entry)
            return refuse(failure, "%s: out of memory", importance->path);
        entry->name_length = (size_t)take_number(cursor, 4);
        entry->name = take(cursor, entry->name_length);
        entry->calls = (double)take_number(cursor, 4);
        entry->values = (size_t)take_number(cursor, 4);
        entry->sums = take(cursor, (uint64_t)entry->values * 4);
    }
    if (!cursor->bad && count > 0)
        return true;
    return refuse(failure, "%s: no importance matrix of llama.cpp, or it was cut short",
                  importance->path);
}

/* --- GGUF --------------------------------------------------------------------- */

enum gguf_type { GGUF_STRING = 8, GGUF_ARRAY = 9, GGUF_TYPES = 13, GGUF_F32 = 0 };

static const size_t gguf_sizes[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static void skip_value(struct cursor *cursor, uint64_t type)
{
    uint64_t count = 1;

    if (type == GGUF_ARRAY) {
        type = take_number(cursor, 4);
        count = take_number(cursor, 8);
    }
    if (type >= GGUF_TYPES || type == GGUF_ARRAY || count > (uint64_t)(cursor->end - cursor->place))
        cursor->bad = true;
    else if (type != GGUF_STRING)
        take(cursor, count * gguf_sizes[type]);
    for (uint64_t i = 0; type == GGUF_STRING && i < count && !cursor->bad; i++)
        take(cursor, take_number(cursor, 8));
}

/* Keys and values. Only one of them counts here: where tensors begin. */
static uint64_t read_alignment(struct cursor *cursor, uint64_t count)
{
    static const char key[] = "general.alignment";
    uint64_t alignment = 32;

    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        const uint64_t length = take_number(cursor, 8);
        const unsigned char *const name = take(cursor, length);
        const uint64_t type = take_number(cursor, 4);
        if (name && length == strlen(key) && memcmp(name, key, length) == 0 && type == 4)
            alignment = take_number(cursor, 4);
        else
            skip_value(cursor, type);
    }
    return alignment;
}

struct gguf_tensor {
    const unsigned char *name;
    size_t name_length;
    uint64_t values;
    uint64_t offset;
    bool floats;
};

static struct gguf_tensor read_tensor(struct cursor *cursor)
{
    struct gguf_tensor tensor = {.name_length = (size_t)take_number(cursor, 8), .values = 1};

    tensor.name = take(cursor, tensor.name_length);
    const uint64_t dimensions = take_number(cursor, 4);
    for (uint64_t i = 0; i < dimensions && i < 4; i++)
        if (__builtin_mul_overflow(tensor.values, take_number(cursor, 8), &tensor.values))
            cursor->bad = true;
    if (dimensions > 4)
        cursor->bad = true;
    tensor.floats = take_number(cursor, 4) == GGUF_F32;
    tensor.offset = take_number(cursor, 8);
    return tensor;
}

/* The name without this end; 0 if it ends otherwise. */
static size_t stem_length(const struct gguf_tensor *tensor, const char *end)
{
    const size_t length = strlen(end);

    return tensor->name && tensor->name_length > length &&
                   memcmp(tensor->name + tensor->name_length - length, end, length) == 0
               ? tensor->name_length - length
               : 0;
}

static struct entry *entry_of(struct importance *importance, const unsigned char *name,
                              size_t length)
{
    for (size_t i = 0; i < importance->count; i++)
        if (importance->entries[i].name_length == length &&
            memcmp(importance->entries[i].name, name, length) == 0)
            return &importance->entries[i];
    struct entry *const entry = add_entry(importance);
    if (entry) {
        entry->name = name;
        entry->name_length = length;
    }
    return entry;
}

/* Two tensors make an entry: NAME.in_sum2, and NAME.counts. Others are not looked at. */
static bool use_tensor(struct importance *importance, const struct gguf_tensor *tensor,
                       struct cursor data, struct failure *failure)
{
    const size_t sums = stem_length(tensor, ".in_sum2");
    const size_t counts = stem_length(tensor, ".counts");

    if (sums == 0 && counts == 0)
        return true;
    struct entry *const entry = entry_of(importance, tensor->name, sums > 0 ? sums : counts);
    if (!entry)
        return refuse(failure, "%s: out of memory", importance->path);
    take(&data, tensor->offset);
    const unsigned char *const numbers =
        tensor->values <= SIZE_MAX / 4 ? take(&data, tensor->values * 4) : NULL;
    if (!numbers || !tensor->floats)
        return refuse(failure, "%s: tensor \"%.*s\" is not F32, or lies beyond the end",
                      importance->path, (int)tensor->name_length, (const char *)tensor->name);
    if (sums > 0) {
        entry->sums = numbers;
        entry->values = (size_t)tensor->values;
    } else {
        entry->counts = numbers;
        entry->count_number = (size_t)tensor->values;
    }
    return true;
}

static bool read_gguf(struct importance *importance, struct cursor *cursor, struct failure *failure)
{
    take(cursor, 8); /* magic and version */
    const uint64_t tensors = take_number(cursor, 8);
    const uint64_t keys = take_number(cursor, 8);
    const uint64_t alignment = read_alignment(cursor, keys);
    const struct cursor infos = *cursor;

    for (uint64_t i = 0; i < tensors && !cursor->bad; i++)
        read_tensor(cursor);
    if (cursor->bad || alignment == 0)
        return refuse(failure, "%s: the header of this GGUF file was cut short, or is damaged",
                      importance->path);
    const uint64_t header = (uint64_t)(cursor->place - importance->map.data);
    take(cursor, (alignment - header % alignment) % alignment);
    struct cursor again = infos;
    for (uint64_t i = 0; i < tensors; i++) {
        const struct gguf_tensor tensor = read_tensor(&again);
        if (!use_tensor(importance, &tensor, *cursor, failure))
            return false;
    }
    return importance->count > 0 ||
           refuse(failure, "%s: this GGUF file holds no importance matrix", importance->path);
}

/* --- the whole ----------------------------------------------------------------- */

static bool read_file(struct importance *importance, struct failure *failure)
{
    struct cursor cursor = {.place = importance->map.data,
                            .end = importance->map.data + importance->map.size,
                            .bad = importance->map.size == 0};

    if (importance->map.size >= 4 && memcmp(importance->map.data, "GGUF", 4) == 0)
        return read_gguf(importance, &cursor, failure);
    return read_old(importance, &cursor, failure);
}

bool importance_open(struct importance **out, const char *path, struct failure *failure)
{
    struct importance *const importance = calloc(1, sizeof *importance);

    *out = NULL;
    if (!importance || !(importance->path = strdup(path))) {
        free(importance);
        return refuse(failure, "%s: out of memory", path);
    }
    if (filemap_open(&importance->map, path, failure) && read_file(importance, failure)) {
        *out = importance;
        return true;
    }
    importance_close(importance);
    return false;
}

void importance_close(struct importance *importance)
{
    if (!importance)
        return;
    filemap_close(&importance->map);
    free(importance->entries);
    free(importance->path);
    free(importance);
}

static const struct entry *find(const struct importance *importance, const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < importance->count; i++) {
        const struct entry *const entry = &importance->entries[i];
        if (entry->name_length == length && entry->sums && memcmp(entry->name, name, length) == 0)
            return entry;
    }
    return NULL;
}

/* Tokens that an expert's statistics are mixed with as if they were spread over all experts of the
 * layer: so few do not change what is known well, and tell where nothing is known. */
static const double prior_tokens = 64;

/* The numbers of all experts of a layer. The old format does not count their tokens apart: an
 * expert that has numbers counts as all calls, another one as none. */
struct view {
    const struct entry *entry;
    size_t columns;
    size_t experts;
    double calls; /* of all experts */
};

static double sum_of(const struct view *view, size_t expert, size_t column)
{
    return float_at(view->entry->sums + 4 * (expert * view->columns + column));
}

static double calls_of(const struct view *view, size_t expert)
{
    const struct entry *const entry = view->entry;
    double total = 0;

    if (entry->counts)
        return expert < entry->count_number ? float_at(entry->counts + 4 * expert) : 0;
    for (size_t i = 0; view->experts > 1 && i < view->columns; i++)
        total += sum_of(view, expert, i);
    return view->experts == 1 || total > 0 ? entry->calls : 0;
}

static double all_calls(const struct view *view)
{
    double calls = 0;

    for (size_t i = 0; i < view->experts; i++)
        calls += calls_of(view, i);
    return calls;
}

/* Mean square of an input: of the expert's tokens, which are `calls`, and, as if they were a few of
 * them, of all. */
static double mean_square(const struct view *view, size_t expert, size_t column, double calls)
{
    const double prior = view->experts > 1 ? prior_tokens : 0;
    double sum = 0;

    for (size_t i = 0; prior > 0 && i < view->experts; i++)
        sum += sum_of(view, i, column);
    return (sum_of(view, expert, column) + prior * sum / view->calls) / (calls + prior);
}

bool importance_diagonal(const struct importance *importance, const char *name, size_t columns,
                         double *diagonal, double *calls, struct failure *failure)
{
    char translated[IMPORTANCE_NAME_SIZE];
    size_t expert;

    if (!importance_name(name, translated, &expert))
        return refuse(failure, "%s: what llama.cpp calls \"%s\" is not known", importance->path,
                      name);
    const struct entry *const entry = find(importance, translated);
    if (!entry)
        return refuse(failure, "%s: nothing of \"%s\" (\"%s\")", importance->path, translated,
                      name);
    if (columns == 0 || entry->values % columns != 0 || expert >= entry->values / columns)
        return refuse(failure, "%s: %zu numbers of \"%s\" do not fit %zu inputs of \"%s\"",
                      importance->path, entry->values, translated, columns, name);
    struct view view = {.entry = entry, .columns = columns, .experts = entry->values / columns};
    view.calls = all_calls(&view);
    *calls = calls_of(&view, expert);
    if (!(view.calls > 0))
        return refuse(failure, "%s: no token has reached \"%s\"", importance->path, name);
    for (size_t i = 0; i < columns; i++) {
        diagonal[i] = mean_square(&view, expert, i, *calls);
        if (!(diagonal[i] >= 0) || !isfinite(diagonal[i]))
            return refuse(failure, "%s: number %zu of \"%s\" is %g", importance->path, i,
                          translated, diagonal[i]);
    }
    return true;
}
