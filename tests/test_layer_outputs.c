/* SPDX-License-Identifier: MIT */
/* Codes and weights into the caller's memory: every type, range, stride and choice of kernels
 * against the codes that the layer was made of. */
#include <math.h>

#include "base/half.h"
#include "check_main.h"
#include "decode_fixture.h"

typedef struct target {
    uint32_t kind;
    uint32_t dtype;
    size_t first_row, rows, first_column, columns, stride;
} target;

/* Two codes to a byte: half a byte to an element. */
static size_t bytes_of(uint32_t dtype, size_t elements)
{
    return dtype == WSIC_I4 ? (elements + 1) / 2 : elements * wsic_dtype_size(dtype);
}

static int32_t integer_at(const void *data, uint32_t dtype, size_t index)
{
    switch (dtype) {
    case WSIC_I4: {
        const uint8_t pair = ((const uint8_t *)data)[index / 2];
        const int32_t half = index % 2 ? pair >> 4 : pair & 15;
        return half < 8 ? half : half - 16;
    }
    case WSIC_I8:
        return ((const int8_t *)data)[index];
    case WSIC_I16:
        return ((const int16_t *)data)[index];
    default:
        return ((const int32_t *)data)[index];
    }
}

/* Number types are converted by what other tests hold to be right. */
static double real_at(const void *data, uint32_t dtype, size_t index)
{
    double value;
    wsic_load_f64(&value, (const char *)data + index * wsic_dtype_size(dtype), dtype, 1);
    return value;
}

static double rounded(float weight, uint32_t dtype)
{
    if (dtype == WSIC_F16)
        return (double)wsic_f16_to_f32(wsic_f32_to_f16(weight));
    if (dtype == WSIC_BF16)
        return (double)wsic_bf16_to_f32(wsic_f32_to_bf16(weight));
    return (double)weight;
}

static void check_element(const target *t, const void *data, size_t i, size_t j)
{
    const size_t index = i * t->stride + j;
    const size_t row = t->first_row + i;
    size_t column = t->first_column + j;

    if (t->kind == WSIC_JOB_CODED_ORDER)
        column = wsic_layer_column_order(layer)[column];
    if (t->kind == WSIC_JOB_WEIGHTS) {
        const double found = real_at(data, t->dtype, index);
        const double expected = rounded(weight_at(row, column), t->dtype);
        if (found != expected || signbit(found) != signbit(expected))
            ck_abort_msg("weight (%zu, %zu) is %g, not %g", row, column, found, expected);
    } else if (integer_at(data, t->dtype, index) != code_at(row, column)) {
        ck_abort_msg("code (%zu, %zu) is %d, not %d", row, column,
                     (int)integer_at(data, t->dtype, index), (int)code_at(row, column));
    }
}

/* The gap between rows, in whole bytes, is what guarded_make() put there. */
static void check_gap(const target *t, const uint8_t *data, size_t i)
{
    const size_t from = bytes_of(t->dtype, i * t->stride + t->columns);
    const size_t to = bytes_of(t->dtype, (i + 1) * t->stride);

    for (size_t k = from; i + 1 < t->rows && k < to; k++) {
        if (data[k] != 0x55)
            ck_abort_msg("the gap behind row %zu was written to", i);
    }
}

static void check_target(target t)
{
    const size_t bytes = bytes_of(t.dtype, (t.rows - 1) * t.stride + t.columns);
    guarded memory = guarded_make(bytes);
    wsic_matrix output;
    wsic_matrix_init(&output, sizeof output, memory.data, t.dtype, t.rows, t.columns, t.stride);
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = t.kind,
                                .first_row = t.first_row,
                                .first_column = t.first_column,
                                .output = &output};

    const wsic_status status = run_guarded(&job);
    ck_assert_msg(status == WSIC_OK, "%s", wsic_layer_message(layer));
    for (size_t i = 0; i < t.rows; i++) {
        for (size_t j = 0; j < t.columns; j++)
            check_element(&t, memory.data, i, j);
        check_gap(&t, memory.data, i);
    }
    guarded_free(&memory);
}

/* Some rows and columns: all, one, and a few more of any size. */
static void choose_ranges(random_state *random, size_t round, target *t)
{
    const size_t columns = t->kind == WSIC_JOB_CODED_ORDER ? info.live_columns : info.columns;

    t->first_row = round == 0 ? 0 : random_bits(random) % info.rows;
    t->rows = round == 0   ? info.rows
              : round == 1 ? 1
                           : 1 + random_bits(random) % (info.rows - t->first_row);
    t->first_column = round == 0 ? 0 : random_bits(random) % columns;
    t->columns = round == 0   ? columns
                 : round == 1 ? 1
                              : 1 + random_bits(random) % (columns - t->first_column);
    t->stride = t->columns + random_bits(random) % 5;
    if (t->dtype == WSIC_I4)
        t->stride += t->stride % 2;
}

static void check_types(const target *types, size_t count, size_t rounds)
{
    random_state random = {77};
    int32_t kernels[KERNELS_MOST];
    const size_t choices = list_kernels(kernels);

    for (size_t k = 0; k < choices; k++) {
        ck_assert_int_eq(wsic_context_set_kernels(context, kernels[k]), WSIC_OK);
        for (size_t d = 0; d < count; d++) {
            for (size_t round = 0; round < rounds; round++) {
                target t = types[d];
                choose_ranges(&random, round, &t);
                check_target(t);
            }
        }
    }
}

static const target all_types[] = {{.kind = WSIC_JOB_CODES, .dtype = WSIC_I8},
                                   {.kind = WSIC_JOB_CODES, .dtype = WSIC_I16},
                                   {.kind = WSIC_JOB_CODES, .dtype = WSIC_I32},
                                   {.kind = WSIC_JOB_CODED_ORDER, .dtype = WSIC_I8},
                                   {.kind = WSIC_JOB_CODED_ORDER, .dtype = WSIC_I16},
                                   {.kind = WSIC_JOB_CODED_ORDER, .dtype = WSIC_I32},
                                   {.kind = WSIC_JOB_WEIGHTS, .dtype = WSIC_F64},
                                   {.kind = WSIC_JOB_WEIGHTS, .dtype = WSIC_F32},
                                   {.kind = WSIC_JOB_WEIGHTS, .dtype = WSIC_F16},
                                   {.kind = WSIC_JOB_WEIGHTS, .dtype = WSIC_BF16},
                                   {.kind = WSIC_JOB_CODES, .dtype = WSIC_I4},
                                   {.kind = WSIC_JOB_CODED_ORDER, .dtype = WSIC_I4}};
enum { ALL_TYPES = sizeof all_types / sizeof *all_types, WITHOUT_I4 = ALL_TYPES - 2 };

START_TEST(every_type_and_range_of_narrow_codes)
{
    build_sample(150, 203, 70, 100, 1);
    check_types(all_types, WITHOUT_I4, 6);
    build_sample(300, 150, 300, 100, 2);
    check_types(all_types, WITHOUT_I4, 4);
}
END_TEST

START_TEST(every_type_and_range_of_codes_that_fit_four_bits)
{
    build_sample(131, 177, 64, 7.9, 3);
    check_types(all_types, ALL_TYPES, 6);
}
END_TEST

START_TEST(every_type_and_range_of_wide_codes)
{
    build_sample(100, 130, 33, 30000, 4);
    check_types(all_types + 1, 2, 6);
    check_types(all_types + 4, 4, 6); /* not F16, which ends at 65504 */
    check_types(all_types + 9, 1, 6);
}
END_TEST

START_TEST(every_small_shape)
{
    const size_t shapes[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 3}, {17, 33}, {64, 64}, {65, 95}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        build_sample(shapes[k][0], shapes[k][1], 0, 7, 5 + k);
        check_types(all_types, ALL_TYPES, info.live_columns == 0 ? 0 : 3);
    }
}
END_TEST

/* A few columns of a layer are wide, all others narrow. */
START_TEST(every_type_and_range_of_mixed_codes)
{
    sample_make(&made, 150, 300, 100, 21);
    made.block_rows = 70;
    for (size_t i = 0; i < 150; i += 3)
        made.codes[5 * 150 + i] = made.codes[277 * 150 + i] =
            made.row_sign[i] ? 300 + (int32_t)i : 0;
    build();
    check_types(all_types + 1, 2, 6);
    check_types(all_types + 4, WITHOUT_I4 - 4, 6);
}
END_TEST

/* Rows and columns of zeros, and a block of nothing else. */
START_TEST(zeros_come_back)
{
    sample_make(&made, 90, 70, 7, 20);
    made.block_rows = 30;
    for (size_t j = 0; j < 70; j++) {
        for (size_t i = 0; i < 90; i++) {
            if (i % 7 == 3 || (i >= 30 && i < 60) || j % 5 == 2)
                made.codes[j * 90 + i] = 0;
        }
    }
    build();
    check_types(all_types, ALL_TYPES, 6);
    memset(made.codes, 0, sizeof made.codes);
    build();
    check_types(all_types, 3, 3);
    check_types(all_types + 6, 4, 3);
}
END_TEST

START_TEST(the_range_of_the_codes_is_found)
{
    int32_t least = 1, greatest = 1, lo = 0, hi = 0;

    build_sample(60, 50, 16, 300, 6);
    for (size_t k = 0; k < 60 * 50; k++) {
        lo = made.codes[k] < lo ? made.codes[k] : lo;
        hi = made.codes[k] > hi ? made.codes[k] : hi;
    }
    ck_assert_int_eq(wsic_layer_get_code_range(layer, &least, &greatest), WSIC_OK);
    ck_assert_int_eq(least, lo);
    ck_assert_int_eq(greatest, hi);
    ck_assert_int_eq(wsic_layer_get_code_range(layer, NULL, &greatest), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_code_range(layer, &least, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_code_range(NULL, &least, &greatest), WSIC_ERROR_ARGUMENT);
}
END_TEST

/* --- what does not fit --------------------------------------------------- */

static wsic_status fill(uint32_t kind, uint32_t dtype, size_t first_row)
{
    static double room[4096];
    wsic_matrix output;
    wsic_matrix_init(&output, sizeof output, room, dtype, 10, info.columns, info.columns + 1);
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = kind,
                                .first_row = first_row,
                                .output = &output};
    return run_guarded(&job);
}

START_TEST(codes_beyond_their_type_are_named)
{
    sample_make(&made, 40, 31, 7, 7);
    made.codes[11 * 40 + 13] = 8;
    made.block_rows = 16;
    build();
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I8, 10), WSIC_OK);
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I4, 0), WSIC_OK);
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I4, 10), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "code (13, 11) is 8, beyond I4"));
    made.codes[11 * 40 + 13] = 40000;
    build();
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I32, 10), WSIC_OK);
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I16, 10), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "code (13, 11) is 40000, beyond I16"));
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I4, 10), WSIC_ERROR_RANGE);
    ck_assert_int_eq(fill(WSIC_JOB_CODES, WSIC_I8, 20), WSIC_OK);
}
END_TEST

/* One weight that is the greatest finite one, or just beyond it. */
static void check_overflow(uint32_t dtype, int32_t exponent, int32_t largest, int32_t beyond)
{
    int32_t kernels[KERNELS_MOST];
    const size_t choices = list_kernels(kernels);

    sample_make(&made, 40, 31, 2, 8);
    for (size_t i = 0; i < 40; i++) {
        made.row_sign[i] = 1;
        made.row_exponent[i] = exponent * 8;
    }
    for (size_t j = 0; j < 31; j++) {
        made.column_sign[j] = 1;
        made.column_exponent[j] = 0;
    }
    for (size_t k = 0; k < choices; k++) {
        ck_assert_int_eq(wsic_context_set_kernels(context, kernels[k]), WSIC_OK);
        made.codes[17 * 40 + 21] = largest;
        build();
        ck_assert_int_eq(fill(WSIC_JOB_WEIGHTS, dtype, 15), WSIC_OK);
        made.codes[17 * 40 + 21] = -beyond;
        build();
        ck_assert_int_eq(fill(WSIC_JOB_WEIGHTS, dtype, 15), WSIC_ERROR_RANGE);
        ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "weight (21, 17) is -"));
        ck_assert_int_eq(fill(WSIC_JOB_WEIGHTS, dtype, 5), WSIC_OK);
    }
}

START_TEST(weights_that_become_infinite_are_named)
{
    check_overflow(WSIC_F16, 0, 65519, 65520);
    check_overflow(WSIC_F32, 127, 1, 2);
    check_overflow(WSIC_F64, 127, 1, 2);
    /* 511 * 2^119 lies half a step above the greatest bfloat16, 255 * 2^120. */
    check_overflow(WSIC_BF16, 119, 510, 511);
}
END_TEST

/* --- hostile arguments --------------------------------------------------- */

static wsic_status run(const wsic_layer_job *job)
{
    return wsic_layer_run(job, NULL, 0);
}

START_TEST(wrong_jobs_are_refused)
{
    static double room[4096];
    wsic_matrix output, x;
    size_t bytes = 3;

    build_sample(40, 31, 16, 7, 9);
    wsic_matrix_init(&output, sizeof output, room, WSIC_I8, 10, 31, 0);
    wsic_matrix_init(&x, sizeof x, room, WSIC_F32, 10, 31, 0);
    const wsic_layer_job good = {
        .size = sizeof good, .layer = layer, .kind = WSIC_JOB_CODES, .output = &output};
    wsic_layer_job job = good;

    ck_assert_int_eq(run(&job), WSIC_OK);
    ck_assert_int_eq(run(NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_workspace_size(NULL, &bytes), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_workspace_size(&job, NULL), WSIC_ERROR_ARGUMENT);
    job.layer = NULL;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.size = 8;
    ck_assert_int_eq(run(&job), WSIC_ERROR_STRUCT_SIZE);
    job = good, job.kind = 0;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "kind is 0"));
    job.kind = 5;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.reserved = 1;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.output = NULL;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.input = &x;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.kind = WSIC_JOB_WEIGHTS;
    ck_assert_int_eq(run(&job), WSIC_ERROR_DTYPE);
    job = good, job.first_row = 31;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "first_row is 31"));
    job.first_row = SIZE_MAX - 3;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.first_column = 1;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job.first_column = SIZE_MAX;
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    job = good, job.kind = WSIC_JOB_CODED_ORDER;
    ck_assert_uint_lt(info.live_columns, 31);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_workspace_size(&job, &bytes), WSIC_ERROR_ARGUMENT);
    ck_assert_uint_eq(bytes, 3);
}
END_TEST

START_TEST(wrong_matrices_are_refused)
{
    static double room[4096];
    wsic_matrix output;

    build_sample(40, 31, 16, 7, 10);
    const wsic_layer_job job = {
        .size = sizeof job, .layer = layer, .kind = WSIC_JOB_CODES, .output = &output};
    wsic_matrix_init(&output, sizeof output, room, WSIC_I8, 10, 31, 30);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT); /* rows that overlap */
    output.row_stride = SIZE_MAX / 4;
    ck_assert_int_eq(run(&job), WSIC_ERROR_TOO_LARGE);
    wsic_matrix_init(&output, sizeof output, room, WSIC_I4, 10, 31, 31);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "row_stride is 31: odd"));
    wsic_matrix_init(&output, sizeof output, (char *)room + 1, WSIC_I16, 10, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "not aligned"));
    wsic_matrix_init(&output, sizeof output, (char *)room + 1, WSIC_I4, 10, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_OK);
    wsic_matrix_init(&output, sizeof output, NULL, WSIC_I8, 10, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    wsic_matrix_init(&output, sizeof output, room, WSIC_I8, 0, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_ERROR_ARGUMENT);
    wsic_matrix_init(&output, sizeof output, room, WSIC_F32, 10, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_ERROR_DTYPE);
    wsic_matrix_init(&output, sizeof output, room, 9, 10, 31, 0);
    ck_assert_int_eq(run(&job), WSIC_ERROR_DTYPE);
}
END_TEST

START_TEST(wrong_workspaces_are_refused)
{
    static _Alignas(64) char workspace[1 << 20];
    static int8_t room[400];
    wsic_matrix output;
    size_t bytes;

    build_sample(40, 31, 16, 7, 11);
    wsic_matrix_init(&output, sizeof output, room, WSIC_I8, 10, 31, 0);
    const wsic_layer_job job = {
        .size = sizeof job, .layer = layer, .kind = WSIC_JOB_CODES, .output = &output};
    ck_assert_int_eq(wsic_layer_get_workspace_size(&job, &bytes), WSIC_OK);
    ck_assert_uint_le(bytes, sizeof workspace - 64);
    ck_assert_int_eq(wsic_layer_run(&job, workspace, bytes), WSIC_OK);
    ck_assert_int_eq(wsic_layer_run(&job, workspace, bytes - 1), WSIC_ERROR_BUFFER);
    ck_assert_int_eq(wsic_layer_run(&job, workspace, 0), WSIC_ERROR_BUFFER);
    ck_assert_int_eq(wsic_layer_run(&job, workspace + 8, bytes), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "not aligned to 64"));
}
END_TEST

/* --- tiles --------------------------------------------------------------- */

typedef struct tile_check {
    size_t position;
    size_t codes;
    size_t stop_at;
} tile_check;

static int32_t check_tile(void *user, const wsic_tile *tile)
{
    tile_check *const check = user;

    ck_assert_uint_eq(tile->size, sizeof *tile);
    ck_assert_uint_ge(tile->stride, tile->rows);
    ck_assert_uint_eq(tile->stride % 64, 0);
    ck_assert_uint_eq((uintptr_t)(tile->narrow ? (const void *)tile->narrow : tile->wide) % 64, 0);
    for (size_t j = 0; j < tile->columns; j++, check->position++) {
        ck_assert_uint_eq(tile->column[j], wsic_layer_column_order(layer)[check->position]);
        for (size_t i = 0; i < tile->rows; i++, check->codes++) {
            const size_t index = j * tile->stride + i;
            ck_assert_int_eq(tile->narrow ? tile->narrow[index] : tile->wide[index],
                             code_at(tile->first_row + tile->row[i], tile->column[j]));
        }
    }
    return check->position >= check->stop_at;
}

START_TEST(tiles_bring_every_code_once)
{
    for (int wide = 0; wide < 2; wide++) {
        build_sample(150, 203, 70, wide ? 30000 : 100, 12);
        const size_t bytes = wsic_layer_visit_workspace_size(layer);
        guarded workspace = guarded_make(bytes);
        size_t zeros = 0, codes = 0;
        for (size_t k = 0; k < 150 * 203; k++)
            zeros += made.codes[k] == 0;
        for (size_t block = 0; block < 3; block++) {
            tile_check check = {.stop_at = SIZE_MAX};
            const size_t before = counter.calls;
            ck_assert_int_eq(
                wsic_layer_visit(layer, block, check_tile, &check, workspace.data, bytes), WSIC_OK);
            ck_assert_uint_eq(counter.calls, before);
            ck_assert_uint_eq(check.position, info.live_columns);
            codes += check.codes;
        }
        /* Whatever is not brought is 0, which the sample must bear out. */
        ck_assert_uint_ge(codes + zeros, 150 * 203);
        ck_assert_uint_le(codes, 150 * 203);
        guarded_free(&workspace);
    }
}
END_TEST

START_TEST(visits_check_their_arguments_and_can_be_stopped)
{
    static _Alignas(64) char workspace[1 << 20];
    tile_check check = {.stop_at = 33};

    build_sample(150, 203, 70, 100, 13);
    const size_t bytes = wsic_layer_visit_workspace_size(layer);
    ck_assert_uint_le(bytes, sizeof workspace - 64);
    ck_assert_int_eq(wsic_layer_visit(layer, 1, check_tile, &check, NULL, 0), WSIC_ERROR_CANCELLED);
    ck_assert_uint_lt(check.position, info.live_columns);
    ck_assert_int_eq(wsic_layer_visit(NULL, 0, check_tile, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, NULL, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 3, check_tile, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, check_tile, &check, workspace, bytes - 1),
                     WSIC_ERROR_BUFFER);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, check_tile, &check, workspace + 1, bytes),
                     WSIC_ERROR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_outputs");
    TCase *const tests = tcase_create("layer_outputs");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, every_type_and_range_of_narrow_codes);
    tcase_add_test(tests, every_type_and_range_of_codes_that_fit_four_bits);
    tcase_add_test(tests, every_type_and_range_of_wide_codes);
    tcase_add_test(tests, every_type_and_range_of_mixed_codes);
    tcase_add_test(tests, every_small_shape);
    tcase_add_test(tests, zeros_come_back);
    tcase_add_test(tests, the_range_of_the_codes_is_found);
    tcase_add_test(tests, codes_beyond_their_type_are_named);
    tcase_add_test(tests, weights_that_become_infinite_are_named);
    tcase_add_test(tests, wrong_jobs_are_refused);
    tcase_add_test(tests, wrong_matrices_are_refused);
    tcase_add_test(tests, wrong_workspaces_are_refused);
    tcase_add_test(tests, tiles_bring_every_code_once);
    tcase_add_test(tests, visits_check_their_arguments_and_can_be_stopped);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
