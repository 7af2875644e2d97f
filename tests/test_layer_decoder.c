/* SPDX-License-Identifier: MIT */
/* Whole layers of all quantizers, taken apart and decoded by the second decoder. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"
#include "plain_layer.h"

static void compare(const layer_fixture *f, const wsic_layer *layer)
{
    const size_t rows = f->rows, columns = f->columns, count = rows * columns;
    int32_t *const codes = malloc(count * sizeof *codes);
    const void *bytes;
    size_t size;
    wsic_matrix view;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
    plain_layer plain = plain_layer_open(bytes, size);
    ck_assert_uint_eq(plain.rows, rows);
    ck_assert_uint_eq(plain.columns, columns);
    ck_assert_mem_eq(plain.row_scales, wsic_layer_row_scales(layer),
                     rows * sizeof *plain.row_scales);
    ck_assert_mem_eq(plain.column_scales, wsic_layer_column_scales(layer),
                     columns * sizeof *plain.column_scales);
    wsic_matrix_init(&view, sizeof view, codes, WSIC_I32, rows, columns, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
    ck_assert_mem_eq(plain.codes, codes, count * sizeof *codes);
    plain_layer_close(&plain);
    free(codes);
}

static const char *const settings[][2] = {
    {"scalar", "8"},   {"rdo", "8"},      {"trellis", "4"},   {"trellis", "8"},  {"trellis", "16"},
    {"trellis", "32"}, {"trellis", "64"}, {"trellis", "128"}, {"trellis", "256"}};

START_TEST(second_decoder_reads_the_layer)
{
    static const double rates[] = {0.6, 2.0, 5.0};
    layer_fixture f = layer_open(300, 50, COVARIANCE_DEAD, 31);

    memset(f.weights + 7 * f.columns, 0, f.columns * sizeof *f.weights);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "quantizer", settings[_i][0]), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "trellis_states", settings[_i][1]), WSIC_OK);
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
