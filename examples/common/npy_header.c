/* SPDX-License-Identifier: MIT */
#include "common/npy_header.h"

#include <stdio.h>
#include <string.h>

#include <watersic/base.h>

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    char name[3];
    uint32_t dtype;
    size_t size;
} types[] = {
    {"f8", WSIC_F64, 8}, {"f4", WSIC_F32, 4}, {"f2", WSIC_F16, 2},
    {"i1", WSIC_I8, 1},  {"i2", WSIC_I16, 2}, {"i4", WSIC_I32, 4},
};

enum { TYPES = sizeof types / sizeof *types };

/* What is left of the header's text. Nothing behind the end is looked at: there is no
 * terminating NUL. */
typedef struct reader {
    const char *next;
    const char *end;
} reader;

bool npy_is_magic(const uint8_t prefix[NPY_PREFIX_SIZE])
{
    return memcmp(prefix, magic, sizeof magic) == 0;
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 1;
}

static char peek(reader *in)
{
    while (in->next < in->end && *in->next == ' ')
        in->next++;
    return in->next < in->end ? *in->next : '\0';
}

static bool accept(reader *in, char wanted)
{
    if (peek(in) != wanted || in->next == in->end)
        return false;
    in->next++;
    return true;
}

static bool accept_word(reader *in, const char *word)
{
    const size_t length = strlen(word);

    peek(in);
    if ((size_t)(in->end - in->next) < length || memcmp(in->next, word, length) != 0)
        return false;
    in->next += length;
    return true;
}

/* A Python string without escapes, cut to fit out. */
static bool read_string(reader *in, char *out, size_t size)
{
    const char quote = peek(in);

    if (quote != '\'' && quote != '"')
        return false;
    const char *const start = in->next + 1;
    const char *const stop = memchr(start, quote, (size_t)(in->end - start));
    if (!stop)
        return false;
    const size_t length = (size_t)(stop - start);
    const size_t kept = length < size ? length : size - 1;
    memcpy(out, start, kept);
    out[kept] = '\0';
    in->next = stop + 1;
    return true;
}

static bool read_size(reader *in, size_t *value)
{
    char digit = peek(in);

    if (digit < '0' || digit > '9')
        return false;
    for (*value = 0; digit >= '0' && digit <= '9';
         digit = ++in->next < in->end ? *in->next : '\0') {
        const size_t unit = (size_t)(digit - '0');
        if (*value > (SIZE_MAX - unit) / 10)
            return false;
        *value = *value * 10 + unit;
    }
    /* Python 2 marks long integers: 400L. */
    if (digit == 'L')
        in->next++;
    return true;
}

static bool read_descr(reader *in, npy_header *header, struct failure *failure)
{
    char descr[16];

    if (!read_string(in, descr, sizeof descr))
        return refuse(failure, "its descr is not a plain type (structured arrays are not read)");
    for (size_t i = 0; i < TYPES; i++) {
        if (strcmp(descr + (descr[0] != '\0'), types[i].name) != 0)
            continue;
        const bool one_byte = types[i].dtype == WSIC_I8;
        if (!strchr(one_byte ? "<>|" : "<>", descr[0]))
            break;
        header->dtype = types[i].dtype;
        header->size = types[i].size;
        header->swapped = !one_byte && (descr[0] == '<') != is_little_endian();
        return true;
    }
    return refuse(failure, "its type is '%s'; f2, f4, f8, i1, i2 and i4 are read", descr);
}

static bool read_order(reader *in, npy_header *header, struct failure *failure)
{
    header->fortran = accept_word(in, "True");
    if (header->fortran || accept_word(in, "False"))
        return true;
    return refuse(failure, "its fortran_order is neither True nor False");
}

static bool read_shape(reader *in, npy_header *header, struct failure *failure)
{
    uint32_t count = 0;

    if (!accept(in, '('))
        return refuse(failure, "its shape is not a tuple");
    while (!accept(in, ')')) {
        if (count == NPY_MOST_DIMENSIONS)
            return refuse(failure, "it has more than %d dimensions", NPY_MOST_DIMENSIONS);
        if (!read_size(in, &header->shape[count++]))
            return refuse(failure, "its shape holds something other than sizes");
        /* (3) without a comma is a number in Python, not a tuple. */
        if (!accept(in, ',') && (count == 1 || peek(in) != ')'))
            return refuse(failure, "its shape is not a tuple");
    }
    if (count == 0)
        return refuse(failure, "it holds a single number, not an array");
    header->dimensions = count;
    return true;
}

typedef bool (*value_reader)(reader *in, npy_header *header, struct failure *failure);

static const struct {
    const char *key;
    value_reader read;
} entries[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

enum { ENTRIES = sizeof entries / sizeof *entries };

static bool read_entry(reader *in, npy_header *header, unsigned *seen, struct failure *failure)
{
    char key[32];

    if (!read_string(in, key, sizeof key) || !accept(in, ':'))
        return refuse(failure, "its header is not a dictionary of three entries");
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (strcmp(key, entries[i].key) != 0)
            continue;
        if (*seen & (1U << i))
            return refuse(failure, "its header holds '%s' twice", key);
        *seen |= 1U << i;
        return entries[i].read(in, header, failure);
    }
    return refuse(failure, "its header holds the unknown entry '%s'", key);
}

static void print_shape(const npy_header *header, char *text, size_t size)
{
    size_t length = 0;

    for (uint32_t i = 0; i < header->dimensions && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%zu", i > 0 ? " x " : "",
                                   header->shape[i]);
}

/* Rows and columns, whose products nothing may overflow later: half of the address
 * space is more than any file. */
static bool set_extent(npy_header *header, struct failure *failure)
{
    const uint32_t last = header->dimensions - 1;
    size_t room = SIZE_MAX / 2 / header->size;
    char shape[24 * NPY_MOST_DIMENSIONS];

    print_shape(header, shape, sizeof shape);
    for (uint32_t i = 0; i <= last; i++)
        if (header->shape[i] == 0)
            return refuse(failure, "it is empty: %s", shape);
    header->rows = 1;
    for (uint32_t i = 0; i <= last; i++) {
        if (header->shape[i] > room)
            return refuse(failure, "its shape %s does not fit the address space", shape);
        room /= header->shape[i];
        header->rows *= i < last ? header->shape[i] : 1;
    }
    header->columns = header->shape[last];
    header->bytes = header->rows * header->columns * header->size;
    return true;
}

bool npy_header_parse(const char *text, size_t length, npy_header *header, struct failure *failure)
{
    reader in = {text, text + length};
    unsigned seen = 0;

    *header = (npy_header){.rows = 0};
    if (length == 0 || text[length - 1] != '\n')
        return refuse(failure, "its header does not end with a line end");
    in.end--;
    if (!accept(&in, '{'))
        return refuse(failure, "its header is not a dictionary");
    while (!accept(&in, '}')) {
        if (!read_entry(&in, header, &seen, failure))
            return false;
        if (!accept(&in, ',') && peek(&in) != '}')
            return refuse(failure, "its header is not a dictionary of three entries");
    }
    peek(&in);
    if (in.next != in.end)
        return refuse(failure, "its header goes on behind the dictionary");
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (!(seen & (1U << i)))
            return refuse(failure, "its header lacks '%s'", entries[i].key);
    }
    return set_extent(header, failure);
}

static size_t find_type(uint32_t dtype)
{
    size_t i = 0;

    while (i < TYPES && types[i].dtype != dtype)
        i++;
    return i;
}

size_t npy_type_size(uint32_t dtype)
{
    const size_t type = find_type(dtype);
    return type < TYPES ? types[type].size : 0;
}

const char *npy_type_name(uint32_t dtype)
{
    const size_t type = find_type(dtype);
    return type < TYPES ? types[type].name : "unknown";
}

size_t npy_header_format(uint8_t out[192], uint32_t dtype, size_t rows, size_t columns)
{
    enum { START = NPY_PREFIX_SIZE + 2, ALIGNMENT = 64 };
    const size_t type = find_type(dtype);
    const char order = dtype == WSIC_I8 ? '|' : is_little_endian() ? '<' : '>';

    if (type == TYPES)
        return 0;
    memcpy(out, magic, sizeof magic);
    out[6] = 1;
    out[7] = 0;
    const int length = snprintf((char *)out + START, 192 - START,
                                "{'descr': '%c%s', 'fortran_order': False, 'shape': (%zu, %zu), }",
                                order, types[type].name, rows, columns);
    const size_t size = (START + (size_t)length + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    memset(out + START + length, ' ', size - START - (size_t)length);
    out[size - 1] = '\n';
    out[8] = (uint8_t)(size - START);
    out[9] = 0;
    return size;
}
