/* SPDX-License-Identifier: MIT */
/* Finished layers under other scales. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"
#include "random.h"

enum { A = 60, N = 44 };

typedef struct contents {
    int32_t codes[A][N];
    float rows[A], columns[N];
    float weights[A][N];
    wsic_layer_info info;
} contents;

static layer_fixture f;
static wsic_layer *layer;
static contents before, after;

static void read_contents(const wsic_layer *from, contents *out)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, out->codes, WSIC_I32, A, N, 0);
    ck_assert_int_eq(wsic_layer_get_codes(from, 0, &view), WSIC_OK);
    wsic_matrix_init(&view, sizeof view, out->weights, WSIC_F32, A, N, 0);
    ck_assert_int_eq(wsic_layer_dequantize(from, 0, &view), WSIC_OK);
    memcpy(out->rows, wsic_layer_row_scales(from), sizeof out->rows);
    memcpy(out->columns, wsic_layer_column_scales(from), sizeof out->columns);
    out->info = layer_info(from);
}

/* Layers of every quantizer, with dead columns and a row of zeros. */
static const char *const quantizers[] = {"scalar", "trellis"};

static void begin(int number)
{
    f = layer_open(A, N, COVARIANCE_DEAD, 5);
    memset(f.weights + 7 * N, 0, N * sizeof *f.weights);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "quantizer", quantizers[number]), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "rescale", "both"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(f.encoder, "block_rows", "16"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_STEP, 0.4), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), WSIC_OK);
    read_contents(layer, &before);
}

static void end(void)
{
    wsic_layer_destroy(layer);
    layer_close(&f);
}

static void rescale(const float *rows, const float *columns)
{
    wsic_layer *made = NULL;

    ck_assert_int_eq(wsic_layer_create_with_scales(layer, rows, columns, &made), WSIC_OK);
    read_contents(made, &after);
    wsic_layer_destroy(made);
}

START_TEST(own_scales_change_nothing)
{
    begin(_i);
    for (int pass = 0; pass < 2; pass++) {
        rescale(pass == 0 ? NULL : before.rows, pass == 0 ? NULL : before.columns);
        ck_assert_mem_eq(after.codes, before.codes, sizeof before.codes);
        ck_assert_mem_eq(after.rows, before.rows, sizeof before.rows);
        ck_assert_mem_eq(after.columns, before.columns, sizeof before.columns);
        ck_assert_mem_eq(after.weights, before.weights, sizeof before.weights);
        ck_assert_uint_eq(after.info.bytes, before.info.bytes);
        ck_assert_uint_eq(after.info.bytes_codes, before.info.bytes_codes);
        ck_assert_uint_eq(after.info.block_rows, before.info.block_rows);
        ck_assert_double_eq(after.info.step, before.info.step);
        ck_assert_double_eq(after.info.distortion, 0.0);
        ck_assert_double_eq(after.info.limit_rate, -1.0);
        ck_assert_uint_eq(after.info.dead_columns, before.info.dead_columns);
    }
    end();
}
END_TEST

/* Steps to an octave of scales that were rounded to such a grid: the least k that fits all. */
static int grid_of(const float *scales, size_t count)
{
    for (int k = 0; k < 12; k++) {
        bool fits = true;
        for (size_t i = 0; i < count; i++) {
            const double place = ldexp(log2(fabs((double)scales[i])), k);
            fits = fits && (scales[i] == 0.0F || fabs(place - nearbyint(place)) < 1e-4);
        }
        if (fits)
            return k;
    }
    return 12;
}

static void check_rounded(const float *found, const float *wanted, size_t count, int grid)
{
    for (size_t i = 0; i < count; i++) {
        if (wanted[i] == 0.0F) {
            ck_assert(found[i] == 0.0F);
            continue;
        }
        const double off = log2((double)found[i] / (double)wanted[i]);
        ck_assert_double_le(fabs(off), ldexp(0.5, -grid) + 1e-6);
    }
}

START_TEST(new_scales_are_rounded_to_the_grid_of_the_old)
{
    float rows[A], columns[N];
    random_state state = {3};

    begin(_i);
    for (size_t r = 0; r < A; r++)
        rows[r] = before.rows[r] * (float)exp(0.1 * random_normal(&state));
    for (size_t j = 0; j < N; j++)
        columns[j] = before.columns[j] * (float)exp(0.1 * random_normal(&state));
    columns[5] = -columns[5];
    rescale(rows, columns);
    check_rounded(after.rows, rows, A, grid_of(before.rows, A));
    check_rounded(after.columns, columns, N, grid_of(before.columns, N));
    ck_assert_int_le(grid_of(after.columns, N), grid_of(before.columns, N));
    ck_assert_mem_eq(after.codes, before.codes, sizeof before.codes);
    for (size_t r = 0; r < A; r++) {
        for (size_t j = 0; j < N; j++) {
            const float scaled = after.columns[j] * (float)before.codes[r][j];
            ck_assert(after.weights[r][j] == after.rows[r] * scaled);
        }
    }
    /* The model's classes move with the scales a little, the codes not at all. */
    const double change = (double)after.info.bytes_codes - (double)before.info.bytes_codes;
    ck_assert_double_le(fabs(change), 16.0 + 0.02 * (double)before.info.bytes_codes);
    end();
}
END_TEST

static void refuse(const float *rows, const float *columns, wsic_status status, const char *text)
{
    wsic_layer *made = layer;

    ck_assert_int_eq(wsic_layer_create_with_scales(layer, rows, columns, &made), status);
    ck_assert_ptr_null(made);
    ck_assert_msg(strstr(wsic_layer_message(layer), text) != NULL, "%s", wsic_layer_message(layer));
}

START_TEST(bad_scales_are_refused)
{
    wsic_layer *made = NULL;
    float rows[A], columns[N];

    begin(0);
    memcpy(rows, before.rows, sizeof rows);
    memcpy(columns, before.columns, sizeof columns);
    rows[2] = 0.0F;
    refuse(rows, NULL, WSIC_ERROR_ARGUMENT, "row_scales[2] is 0");
    rows[2] = nanf("");
    refuse(rows, columns, WSIC_ERROR_NOT_FINITE, "row_scales[2]");
    columns[1] = 1e-40F;
    refuse(NULL, columns, WSIC_ERROR_RANGE, "column_scales[1]");
    /* What lies under a scale of 0 is not looked at. */
    memcpy(columns, before.columns, sizeof columns);
    ck_assert(before.columns[3] == 0.0F && before.rows[7] == 0.0F);
    columns[3] = nanf("");
    rescale(NULL, columns);
    ck_assert(after.columns[3] == 0.0F);
    ck_assert_int_eq(wsic_layer_create_with_scales(NULL, NULL, NULL, &made), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_create_with_scales(layer, NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
    end();
}
END_TEST

START_TEST(memory_limits)
{
    wsic_status status = WSIC_ERROR_MEMORY_LIMIT;
    wsic_layer *made = NULL;

    begin(0);
    const uint64_t used = wsic_context_memory(f.context, NULL);
    for (uint64_t more = 1; status == WSIC_ERROR_MEMORY_LIMIT; more += 3000) {
        ck_assert_uint_eq(wsic_context_memory(f.context, NULL), used);
        wsic_context_set_memory_limit(f.context, used + more);
        status = wsic_layer_create_with_scales(layer, NULL, NULL, &made);
    }
    ck_assert_int_eq(status, WSIC_OK);
    wsic_context_set_memory_limit(f.context, 0);
    wsic_layer_destroy(made);
    end();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_scales");
    TCase *const tests = tcase_create("scales");

    tcase_add_loop_test(tests, own_scales_change_nothing, 0, 2);
    tcase_add_loop_test(tests, new_scales_are_rounded_to_the_grid_of_the_old, 0, 2);
    tcase_add_test(tests, bad_scales_are_refused);
    tcase_add_test(tests, memory_limits);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
