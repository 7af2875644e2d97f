/* SPDX-License-Identifier: MIT */
/* Products for batches of tokens against one fused multiply-add after the other, bit for bit,
 * whatever the kernels, threads, tokens and ranges; and jobs of many layers at once. */
#include <math.h>
#include <pthread.h>

#include "base/half.h"
#include "check_main.h"
#include "decode_fixture.h"

enum { TOKENS_MOST = 40, EXTENT_MOST = 300 };

typedef struct batch {
    uint32_t dtype;
    size_t tokens;
    size_t first_row, rows, first_column, columns;
    size_t x_stride, y_stride;
} batch;

static uint16_t halves[TOKENS_MOST * (EXTENT_MOST + 8)];
static float floats[TOKENS_MOST * (EXTENT_MOST + 8)];

static float x_at(const batch *b, size_t token, size_t column)
{
    const size_t index = token * b->x_stride + column;
    return b->dtype == WSIC_BF16 ? wsic_bf16_to_f32(halves[index]) : floats[index];
}

static void fill_inputs(random_state *random)
{
    for (size_t k = 0; k < sizeof floats / sizeof *floats; k++) {
        floats[k] = (float)random_normal(random);
        halves[k] = wsic_f32_to_bf16((float)random_normal(random));
    }
}

/* The definition, in the words of layer.h. */
static float expected_product(const batch *b, size_t token, size_t row)
{
    const uint32_t *const order = wsic_layer_column_order(layer);
    float sum = 0;

    for (size_t k = 0; k < info.live_columns; k++) {
        const size_t column = order[k];
        if (column < b->first_column || column >= b->first_column + b->columns)
            continue;
        const float factor =
            wsic_layer_column_scales(layer)[column] * x_at(b, token, column - b->first_column);
        sum = fmaf((float)code_at(row, column), factor, sum);
    }
    return wsic_layer_row_scales(layer)[row] * sum;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static wsic_layer_job job_of(const batch *b, wsic_matrix *x, wsic_matrix *y, float *out)
{
    wsic_matrix_init(x, sizeof *x, b->dtype == WSIC_BF16 ? (void *)halves : floats, b->dtype,
                     b->tokens, b->columns, b->x_stride);
    wsic_matrix_init(y, sizeof *y, out, WSIC_F32, b->tokens, b->rows, b->y_stride);
    return (wsic_layer_job){.size = sizeof(wsic_layer_job),
                            .layer = layer,
                            .kind = WSIC_JOB_PRODUCT,
                            .first_row = b->first_row,
                            .first_column = b->first_column,
                            .input = x,
                            .output = y};
}

static void check_products(const batch *b, const float *y)
{
    for (size_t token = 0; token < b->tokens; token++) {
        for (size_t i = 0; i < b->rows; i++) {
            const float expected = expected_product(b, token, b->first_row + i);
            const float found = y[token * b->y_stride + i];
            ck_assert_msg(bits_of(found) == bits_of(expected), "token %zu, row %zu: %a, not %a",
                          token, b->first_row + i, (double)found, (double)expected);
        }
        for (size_t i = b->rows; token + 1 < b->tokens && i < b->y_stride; i++)
            ck_assert_uint_eq(bits_of(y[token * b->y_stride + i]), 0x55555555);
    }
}

static void check_batch(const batch *b)
{
    guarded memory = guarded_make(((b->tokens - 1) * b->y_stride + b->rows) * sizeof(float));
    wsic_matrix x, y;
    const wsic_layer_job job = job_of(b, &x, &y, memory.data);

    ck_assert_int_eq(run_guarded(&job), WSIC_OK);
    check_products(b, memory.data);
    guarded_free(&memory);
}

static void check_all_tokens(uint32_t dtype)
{
    random_state random = {3};
    int32_t kernels[KERNELS_MOST];
    const size_t choices = list_kernels(kernels);

    fill_inputs(&random);
    for (size_t k = 0; k < choices; k++) {
        ck_assert_int_eq(wsic_context_set_kernels(context, kernels[k]), WSIC_OK);
        for (size_t tokens = 1; tokens <= TOKENS_MOST; tokens += tokens < 14 ? 1 : 13) {
            const bool whole = tokens % 2 == 1;
            batch b = {.dtype = dtype, .tokens = tokens};
            b.first_row = whole ? 0 : random_bits(&random) % info.rows;
            b.rows = whole ? info.rows : 1 + random_bits(&random) % (info.rows - b.first_row);
            b.first_column = whole ? 0 : random_bits(&random) % info.columns;
            b.columns =
                whole ? info.columns : 1 + random_bits(&random) % (info.columns - b.first_column);
            b.x_stride = b.columns + tokens % 4;
            b.y_stride = b.rows + tokens % 3;
            check_batch(&b);
        }
    }
}

START_TEST(products_are_their_definition)
{
    build_sample(150, 203, 70, 100, 1);
    check_all_tokens(WSIC_F32);
    check_all_tokens(WSIC_BF16);
}
END_TEST

START_TEST(products_of_wide_codes_are_their_definition)
{
    build_sample(100, 130, 33, 1e8, 2);
    check_all_tokens(WSIC_F32);
    check_all_tokens(WSIC_BF16);
}
END_TEST

START_TEST(products_of_mixed_codes_are_their_definition)
{
    sample_make(&made, 150, 300, 100, 21);
    made.block_rows = 70;
    for (size_t i = 0; i < 150; i += 3)
        made.codes[5 * 150 + i] = made.row_sign[i] ? 300 + (int32_t)i : 0;
    build();
    check_all_tokens(WSIC_F32);
}
END_TEST

START_TEST(products_of_small_shapes_are_their_definition)
{
    const size_t shapes[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 3}, {64, 32}, {65, 33}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        build_sample(shapes[k][0], shapes[k][1], 0, 7, 5 + k);
        check_all_tokens(WSIC_F32);
    }
}
END_TEST

START_TEST(products_with_zeros_are_zero)
{
    static float y[3 * 60];
    batch b = {
        .dtype = WSIC_F32, .tokens = 3, .rows = 60, .columns = 40, .x_stride = 40, .y_stride = 60};
    wsic_matrix x_matrix, y_matrix;

    sample_make(&made, 60, 40, 7, 3);
    memset(made.codes, 0, sizeof made.codes);
    build();
    memset(y, 0x55, sizeof y);
    const wsic_layer_job job = job_of(&b, &x_matrix, &y_matrix, y);
    ck_assert_int_eq(run_guarded(&job), WSIC_OK);
    for (size_t k = 0; k < 3 * 60; k++)
        ck_assert(y[k] == 0);
}
END_TEST

START_TEST(matvec_and_matmul_agree)
{
    static float y[150], rows[3 * 100];
    random_state random = {4};
    wsic_matrix x, out;

    build_sample(150, 203, 70, 100, 4);
    fill_inputs(&random);
    ck_assert_int_eq(wsic_layer_matvec(layer, floats + 2 * 203, y), WSIC_OK);
    wsic_matrix_init(&x, sizeof x, floats, WSIC_F32, 3, 203, 0);
    wsic_matrix_init(&out, sizeof out, rows, WSIC_F32, 3, 100, 0);
    ck_assert_int_eq(wsic_layer_matmul(layer, 45, &x, &out), WSIC_OK);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(bits_of(rows[200 + i]), bits_of(y[45 + i]));
}
END_TEST

/* What is not a number is the same everywhere, and stays where it belongs. */
START_TEST(infinities_go_where_the_definition_says)
{
    static float y[2][2 * 150];
    int32_t kernels[KERNELS_MOST];
    const size_t choices = list_kernels(kernels);
    random_state random = {6};
    wsic_matrix x, out;

    build_sample(150, 203, 70, 100, 6);
    fill_inputs(&random);
    floats[5] = HUGE_VALF;
    floats[9] = -HUGE_VALF;
    wsic_matrix_init(&x, sizeof x, floats, WSIC_F32, 2, 203, 0);
    for (size_t k = 0; k < choices; k++) {
        float *const found = y[k == 0 ? 0 : 1];
        ck_assert_int_eq(wsic_context_set_kernels(context, kernels[k]), WSIC_OK);
        wsic_matrix_init(&out, sizeof out, found, WSIC_F32, 2, 150, 0);
        ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x, &out), WSIC_OK);
        ck_assert(k == 0 || memcmp(y[0], found, sizeof y[0]) == 0);
        for (size_t i = 0; i < 150; i++) {
            ck_assert(!isnan(found[i]) || bits_of(found[i]) == 0x7FC00000);
            ck_assert(isfinite(found[150 + i]));
        }
    }
    ck_assert(isnan(y[0][0]) || isinf(y[0][0]));
}
END_TEST

/* --- many jobs ----------------------------------------------------------- */

enum { JOBS = 5 };

typedef struct many {
    wsic_layer *layers[2];
    wsic_layer_job jobs[JOBS];
    wsic_matrix x, outputs[JOBS];
    float y[7 * 150];
    float weights[150 * 100];
    int8_t codes[150 * 203], coded[150 * 203];
    float z[7 * 30];
} many;

static void describe(many *m, size_t k, uint32_t kind, void *data, uint32_t dtype, size_t rows,
                     size_t columns)
{
    wsic_matrix_init(&m->outputs[k], sizeof *m->outputs, data, dtype, rows, columns, 0);
    m->jobs[k] = (wsic_layer_job){.size = sizeof *m->jobs,
                                  .layer = m->layers[k % 2],
                                  .kind = kind,
                                  .input = kind == WSIC_JOB_PRODUCT ? &m->x : NULL,
                                  .output = &m->outputs[k]};
}

/* Two layers of equal shape: of each codes, weights and products. */
static void make_jobs(many *m, wsic_layer *const layers[2], size_t live_of_second)
{
    memset(m, 0x55, sizeof *m);
    m->layers[0] = layers[0];
    m->layers[1] = layers[1];
    wsic_matrix_init(&m->x, sizeof m->x, floats, WSIC_F32, 7, 203, 0);
    describe(m, 0, WSIC_JOB_PRODUCT, m->y, WSIC_F32, 7, 150);
    describe(m, 1, WSIC_JOB_WEIGHTS, m->weights, WSIC_F32, 150, 100);
    describe(m, 2, WSIC_JOB_CODES, m->codes, WSIC_I8, 150, 203);
    describe(m, 3, WSIC_JOB_CODED_ORDER, m->coded, WSIC_I8, 150, live_of_second);
    describe(m, 4, WSIC_JOB_PRODUCT, m->z, WSIC_F32, 7, 30);
    m->jobs[1].first_column = 50;
    m->jobs[4].first_row = 60;
}

static void reverse_tasks(void *user, size_t count, void (*task)(void *data, size_t index),
                          void *data)
{
    (void)user;
    while (count-- > 0)
        task(data, count);
}

static void check_same(const many *expected, const many *found)
{
    ck_assert(memcmp(expected->y, found->y, sizeof found->y) == 0);
    ck_assert(memcmp(expected->weights, found->weights, sizeof found->weights) == 0);
    ck_assert(memcmp(expected->codes, found->codes, sizeof found->codes) == 0);
    ck_assert(memcmp(expected->coded, found->coded, sizeof found->coded) == 0);
    ck_assert(memcmp(expected->z, found->z, sizeof found->z) == 0);
}

/* The counting allocator does not count atomically: here no thread may allocate at all. */
static void run_many(many *m, int32_t threads)
{
    size_t bytes = 0;
    ck_assert_int_eq(wsic_layers_get_workspace_size(context, m->jobs, JOBS, threads, &bytes),
                     WSIC_OK);
    guarded workspace = guarded_make(bytes);
    const size_t before = counter.calls;
    ck_assert_int_eq(wsic_layers_run(context, m->jobs, JOBS, threads, workspace.data, bytes),
                     WSIC_OK);
    ck_assert_uint_eq(counter.calls, before);
    ck_assert_int_eq(wsic_layers_run(context, m->jobs, JOBS, threads, workspace.data, bytes - 1),
                     WSIC_ERROR_BUFFER);
    guarded_free(&workspace);
}

static void make_layers(wsic_layer *layers[2], size_t *live)
{
    build_sample(150, 203, 70, 100, 8);
    layers[1] = layer;
    *live = info.live_columns;
    layer = NULL;
    build_sample(150, 203, 40, 90, 9);
    layers[0] = layer;
}

START_TEST(many_jobs_are_each_of_them)
{
    static many alone, found;
    random_state random = {9};
    wsic_layer *layers[2];
    size_t live;

    fill_inputs(&random);
    make_layers(layers, &live);
    make_jobs(&alone, layers, live);
    for (size_t k = 0; k < JOBS; k++)
        ck_assert_int_eq(wsic_layer_run(&alone.jobs[k], NULL, 0), WSIC_OK);
    for (size_t threads = 0; threads <= 4; threads++) {
        make_jobs(&found, layers, live);
        ck_assert_int_eq(wsic_context_set_threads(context, 1 + (int32_t)threads), WSIC_OK);
        run_many(&found, threads);
        check_same(&alone, &found);
    }
    make_jobs(&found, layers, live);
    ck_assert_int_eq(wsic_context_set_runner(context, reverse_tasks, NULL), WSIC_OK);
    run_many(&found, 0);
    check_same(&alone, &found);
    make_jobs(&found, layers, live);
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, 3, NULL, 0), WSIC_OK);
    check_same(&alone, &found);
    wsic_layer_destroy(layers[1]);
}
END_TEST

START_TEST(the_first_job_that_fails_is_named)
{
    static many found;
    wsic_layer *layers[2];
    size_t live, bytes = 0;

    make_layers(layers, &live);
    make_jobs(&found, layers, live);
    found.jobs[3].first_row = 1;
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, 2, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "job 3: first_row is 1"));
    ck_assert_int_eq(wsic_layers_get_workspace_size(context, found.jobs, JOBS, 2, &bytes),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(found.codes[0], 0x55); /* nothing was done */
    found.jobs[3].layer = NULL;
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, 2, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "job 3: layer is NULL"));
    make_jobs(&found, layers, live);
    found.outputs[2].dtype = found.outputs[3].dtype = WSIC_I4; /* its codes do not fit */
    found.outputs[2].row_stride = 204;
    found.outputs[3].row_stride = 204;
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, 2, NULL, 0), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "job 2: code ("));
    ck_assert_int_eq(wsic_layers_run(NULL, found.jobs, JOBS, 2, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layers_run(context, NULL, JOBS, 2, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, 0, 2, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, 1025, NULL, 0),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layers_run(context, found.jobs, JOBS, -1, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "threads is -1"));
    ck_assert_int_eq(wsic_layers_get_workspace_size(context, found.jobs, JOBS, 2, NULL),
                     WSIC_ERROR_ARGUMENT);
    wsic_layer_destroy(layers[1]);
}
END_TEST

/* --- hostile arguments --------------------------------------------------- */

START_TEST(wrong_products_are_refused)
{
    static float y[4 * 60];
    wsic_matrix x_matrix, y_matrix;
    wsic_layer_job job;

    build_sample(60, 40, 16, 7, 10);
    const batch good = {
        .dtype = WSIC_F32, .tokens = 4, .rows = 60, .columns = 40, .x_stride = 40, .y_stride = 60};
    job = job_of(&good, &x_matrix, &y_matrix, y);
    ck_assert_int_eq(wsic_layer_run(&job, NULL, 0), WSIC_OK);
    ck_assert_int_eq(wsic_layer_matmul(NULL, 0, &x_matrix, &y_matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, NULL, &y_matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "x is NULL"));
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matmul(layer, 1, &x_matrix, &y_matrix), WSIC_ERROR_ARGUMENT);
    x_matrix.columns = 39;
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix), WSIC_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(layer), "x is 4 x 39"));
    x_matrix.columns = 40;
    x_matrix.rows = 3;
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix), WSIC_ERROR_SHAPE);
    x_matrix.rows = 4;
    x_matrix.dtype = WSIC_F64;
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix), WSIC_ERROR_DTYPE);
    x_matrix.dtype = WSIC_F16;
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix), WSIC_ERROR_DTYPE);
    x_matrix.dtype = WSIC_F32;
    y_matrix.dtype = WSIC_BF16;
    ck_assert_int_eq(wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix), WSIC_ERROR_DTYPE);
    job = job_of(&good, &x_matrix, &y_matrix, y);
    job.first_column = 1;
    ck_assert_int_eq(wsic_layer_run(&job, NULL, 0), WSIC_ERROR_ARGUMENT);
    job.input = NULL;
    ck_assert_int_eq(wsic_layer_run(&job, NULL, 0), WSIC_ERROR_ARGUMENT);
}
END_TEST

static wsic_status multiply(void *data)
{
    static float y[3 * 60];
    batch b = {
        .dtype = WSIC_F32, .tokens = 3, .rows = 60, .columns = 40, .x_stride = 40, .y_stride = 60};
    wsic_matrix x, out;
    const wsic_layer_job job = job_of(&b, &x, &out, y);

    (void)data;
    return wsic_layer_run(&job, NULL, 0);
}

START_TEST(every_refused_allocation_is_reported)
{
    build_sample(60, 40, 16, 7, 11);
    refuse_every_allocation(&counter, multiply, NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_products");
    TCase *const tests = tcase_create("layer_products");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, products_are_their_definition);
    tcase_add_test(tests, products_of_wide_codes_are_their_definition);
    tcase_add_test(tests, products_of_mixed_codes_are_their_definition);
    tcase_add_test(tests, products_of_small_shapes_are_their_definition);
    tcase_add_test(tests, products_with_zeros_are_zero);
    tcase_add_test(tests, matvec_and_matmul_agree);
    tcase_add_test(tests, infinities_go_where_the_definition_says);
    tcase_add_test(tests, many_jobs_are_each_of_them);
    tcase_add_test(tests, the_first_job_that_fails_is_named);
    tcase_add_test(tests, wrong_products_are_refused);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
