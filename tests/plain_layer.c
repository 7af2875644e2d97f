/* SPDX-License-Identifier: MIT */
#include "plain_layer.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "plain_decoder.h"
#include "plain_stream.h"

typedef struct section {
    const uint8_t *bytes;
    size_t size;
} section;

/* Payloads by type; the codes are type 4. */
static void find_sections(stream *s, section *sections)
{
    while (!s->bad && s->at < s->size) {
        const uint64_t type = varint(s) / 2;
        const uint64_t length = varint(s);
        ck_assert(type <= 4 && length <= s->size - s->at);
        sections[type] = (section){s->bytes + s->at, (size_t)length};
        s->at += (size_t)length;
    }
    ck_assert(!s->bad);
}

/* Scales, and the hints that follow from them. */
static float *decode_scales(section given, size_t count, int32_t *hints)
{
    const unsigned grid = given.bytes[0] % 16;
    float *const scales = malloc(count * sizeof *scales);
    size_t used;

    ck_assert(plain_decode_scales(given.bytes, given.size, count, scales, &used));
    ck_assert_uint_eq(used, given.size);
    for (size_t i = 0; i < count; i++) {
        const double octaves = scales[i] == 0.0F ? 0.0 : log2(fabs((double)scales[i]));
        const int64_t exponent = llround(ldexp(octaves, (int)grid));
        const int64_t half = (INT64_C(1) << grid) / 2;
        hints[i] = scales[i] == 0.0F ? 0 : (int32_t)floor_div(half - 64 * exponent, grid);
    }
    return scales;
}

static void read_flags(section codes, plain_layer *layer)
{
    stream s = {.bytes = codes.bytes, .size = codes.size};

    layer->kind = u8(&s);
    u8(&s);
    const unsigned flags2 = u8(&s);
    layer->dead_columns = (flags2 & 8) != 0;
    layer->corrections = (flags2 & 16) != 0;
    layer->own_models = (flags2 & 32) != 0;
    layer->block_rows = (size_t)varint(&s);
}

plain_layer plain_layer_open(const uint8_t *bytes, size_t size)
{
    stream s = {.bytes = bytes, .size = size - 8, .at = 3};
    section sections[5] = {{NULL, 0}};
    plain_layer layer = {.rows = 0};
    size_t used;

    ck_assert_mem_eq(bytes, "WSL", 3);
    ck_assert_uint_eq(u8(&s), 2);
    layer.rows = (size_t)varint(&s);
    layer.columns = (size_t)varint(&s);
    u8(&s);
    find_sections(&s, sections);
    int32_t *const hints = malloc((layer.rows + layer.columns) * sizeof *hints);
    layer.row_scales = decode_scales(sections[2], layer.rows, hints);
    layer.column_scales = decode_scales(sections[3], layer.columns, hints + layer.rows);
    layer.codes = malloc(layer.rows * layer.columns * sizeof *layer.codes);
    ck_assert(plain_decode_codes(sections[4].bytes, sections[4].size, layer.rows, layer.columns,
                                 hints, hints + layer.rows, layer.codes, &used));
    ck_assert_uint_eq(used, sections[4].size);
    read_flags(sections[4], &layer);
    free(hints);
    return layer;
}

void plain_layer_close(plain_layer *layer)
{
    free(layer->codes);
    free(layer->column_scales);
    free(layer->row_scales);
}

float plain_layer_weight(const plain_layer *layer, size_t row, size_t column)
{
    const float code = (float)layer->codes[row * layer->columns + column];
    return layer->row_scales[row] * (layer->column_scales[column] * code);
}
