/* SPDX-License-Identifier: MIT */
/* Whole layers of all quantizers, taken apart and decoded by the second decoder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"
#include "plain_decoder.h"
#include "plain_stream.h"

typedef struct section {
    const uint8_t *bytes;
    size_t size;
} section;

/* Payloads by type; the codes are type 4. */
static void find_sections(const uint8_t *bytes, size_t size, section *sections)
{
    stream s = {.bytes = bytes, .size = size - 8, .at = 3};

    ck_assert_uint_eq(u8(&s), 1);
    varint(&s);
    varint(&s);
    u8(&s);
    while (!s.bad && s.at < s.size) {
        const uint64_t type = varint(&s) / 2;
        const uint64_t length = varint(&s);
        ck_assert(type <= 4 && length <= s.size - s.at);
        sections[type] = (section){s.bytes + s.at, (size_t)length};
        s.at += (size_t)length;
    }
    ck_assert(!s.bad);
}

/* Scales, and the hints that follow from them. */
static void decode_scales(section given, size_t count, float *scales, int32_t *hints)
{
    const unsigned grid = given.bytes[0] % 16;
    size_t used;

    ck_assert(plain_decode_scales(given.bytes, given.size, count, scales, &used));
    ck_assert_uint_eq(used, given.size);
    for (size_t i = 0; i < count; i++) {
        const double octaves = scales[i] == 0.0F ? 0.0 : log2(fabs((double)scales[i]));
        const int64_t exponent = llround(ldexp(octaves, (int)grid));
        const int64_t half = (INT64_C(1) << grid) / 2;
        hints[i] = scales[i] == 0.0F ? 0 : (int32_t)floor_div(half - 8 * exponent, grid);
    }
}

static void compare(const layer_fixture *f, const wsic_layer *layer)
{
    const size_t rows = f->rows, columns = f->columns, count = rows * columns;
    float *const scales = malloc((rows + columns) * sizeof *scales);
    int32_t *const hints = malloc((rows + columns) * sizeof *hints);
    int32_t *const plain = malloc(count * sizeof *plain), *const codes =
                                                              malloc(count * sizeof *codes);
    section sections[5] = {{NULL, 0}};
    const void *bytes;
    size_t size, used;
    wsic_matrix view;

    ck_assert_int_eq(wsic_layer_write(layer, &bytes, &size), WSIC_OK);
    find_sections(bytes, size, sections);
    decode_scales(sections[2], rows, scales, hints);
    decode_scales(sections[3], columns, scales + rows, hints + rows);
    ck_assert_mem_eq(scales, wsic_layer_row_scales(layer), rows * sizeof *scales);
    ck_assert_mem_eq(scales + rows, wsic_layer_column_scales(layer), columns * sizeof *scales);
    ck_assert(plain_decode_codes(sections[4].bytes, sections[4].size, rows, columns, hints,
                                 hints + rows, plain, &used));
    ck_assert_uint_eq(used, sections[4].size);
    wsic_matrix_init(&view, sizeof view, codes, WSIC_I32, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_codes(layer, 0, &view), WSIC_OK);
    ck_assert_mem_eq(plain, codes, count * sizeof *codes);
    free(codes);
    free(plain);
    free(hints);
    free(scales);
}

static const char *const settings[][2] = {
    {"scalar", "8"},   {"rdo", "8"},      {"trellis", "4"},   {"trellis", "8"},  {"trellis", "16"},
    {"trellis", "32"}, {"trellis", "64"}, {"trellis", "128"}, {"trellis", "256"}};

START_TEST(second_decoder_reads_the_layer)
{
    static const double rates[] = {0.6, 2.0, 5.0};
    layer_fixture f = layer_open(300, 50, COVARIANCE_DEAD, 31);

    memset(f.weights + 7 * f.columns, 0, f.columns * sizeof *f.weights);
    ck_assert_int_eq(wsic_encoder_set(f.encoder, "quantizer", settings[_i][0]), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set(f.encoder, "trellis_states", settings[_i][1]), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_integer(f.encoder, WSIC_BLOCK_ROWS, 77), WSIC_OK);
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        wsic_layer *layer = NULL;
        ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, rates[k]), WSIC_OK);
        ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), 0);
        compare(&f, layer);
        wsic_layer_destroy(layer);
    }
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_decoder");
    TCase *const tests = tcase_create("layer_decoder");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, second_decoder_reads_the_layer, 0,
                        sizeof settings / sizeof *settings);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
