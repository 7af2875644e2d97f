/* SPDX-License-Identifier: MIT */
/* Programs that were compiled with earlier or later headers than the library: their structs are
 * shorter or longer than it knows (docs/abi.md, "Structs"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/check.h"
#include "api/context.h"
#include "check_main.h"
#include "layer_fixture.h"

enum { ROWS = 64, COLUMNS = 32, OUTPUTS = 3 };

static layer_fixture fixture;

static void begin(void)
{
    fixture = layer_open(ROWS, COLUMNS, COVARIANCE_AR, 1);
    ck_assert_int_eq(wsic_encoder_set_number(fixture.encoder, WSIC_RATE, 3), WSIC_OK);
}

static void end(void)
{
    layer_close(&fixture);
}

/* --- what is read -------------------------------------------------------- */

typedef struct first_struct {
    size_t size;
    int a;
    int b;
} first_struct;

typedef struct present_struct {
    first_struct first;
    void *appended;
    int reserved;
} present_struct;

START_TEST(an_earlier_program_leaves_later_members_at_their_default)
{
    /* Exactly as much memory as the earlier program has: valgrind and ASan watch the end. */
    first_struct *const given = malloc(sizeof *given);
    present_struct taken;

    *given = (first_struct){sizeof *given, 5, 7};
    memset(&taken, 0xff, sizeof taken);
    ck_assert_int_eq(wsic_take_struct(NULL, "given", given, given->size,
                                      WSIC_FIRST_SIZE(first_struct, b), &taken, sizeof taken),
                     WSIC_OK);
    ck_assert_uint_eq(taken.first.size, sizeof taken);
    ck_assert_int_eq(taken.first.a, 5);
    ck_assert_int_eq(taken.first.b, 7);
    ck_assert_ptr_null(taken.appended);
    ck_assert_int_eq(taken.reserved, 0);
    free(given);
}
END_TEST

START_TEST(less_than_the_first_struct_is_refused)
{
    const first_struct given = {.size = WSIC_FIRST_SIZE(first_struct, b) - 1};
    present_struct taken = {.first = {.a = 9}};

    ck_assert_int_eq(wsic_take_struct(NULL, "given", &given, given.size,
                                      WSIC_FIRST_SIZE(first_struct, b), &taken, sizeof taken),
                     WSIC_ERROR_STRUCT_SIZE);
    ck_assert_int_eq(taken.first.a, 9);
}
END_TEST

START_TEST(a_first_size_does_not_grow_with_the_struct)
{
    ck_assert_uint_eq(WSIC_FIRST_SIZE(present_struct, first), sizeof(first_struct));
    ck_assert_uint_lt(WSIC_FIRST_SIZE(present_struct, reserved), sizeof(present_struct));
}
END_TEST

/* --- matrices of a later program ----------------------------------------- */

typedef struct later_matrix {
    wsic_matrix known;
    unsigned char more[128 - sizeof(wsic_matrix)];
} later_matrix;

/* Last unknown byte of the matrices that the calls below make. */
static unsigned char last_byte;

static size_t shift; /* bytes that the data of matrices are off */

static later_matrix later(const void *data, uint32_t dtype, size_t rows, size_t columns)
{
    later_matrix matrix = {.more = {0}};

    wsic_matrix_init(&matrix.known, sizeof matrix, (const char *)data + shift, dtype, rows, columns,
                     0);
    matrix.more[sizeof matrix.more - 1] = last_byte;
    return matrix;
}

static later_matrix later_weights(void)
{
    return later(fixture.weights, WSIC_F64, ROWS, COLUMNS);
}

static later_matrix later_covariance(void)
{
    return later(fixture.covariance, WSIC_F64, COLUMNS, COLUMNS);
}

static wsic_stats *new_stats(void)
{
    wsic_stats *stats = NULL;

    ck_assert_int_eq(wsic_stats_create(fixture.context, COLUMNS, &stats), WSIC_OK);
    return stats;
}

static wsic_status add_activations(void)
{
    const later_matrix x = later_weights();
    wsic_stats *const stats = new_stats();
    const wsic_status status = wsic_stats_add_activations(stats, &x.known, NULL);

    ck_assert(wsic_stats_samples(stats) == (status == WSIC_OK ? ROWS : 0));
    wsic_stats_destroy(stats);
    return status;
}

static wsic_status add_covariance(void)
{
    const later_matrix covariance = later_covariance();
    wsic_stats *const stats = new_stats();
    const wsic_status status = wsic_stats_add_covariance(stats, &covariance.known, 5);

    ck_assert(wsic_stats_samples(stats) == (status == WSIC_OK ? 5 : 0));
    wsic_stats_destroy(stats);
    return status;
}

static wsic_status add_pair(void)
{
    const later_matrix x = later_weights();
    wsic_stats *const stats = new_stats();
    const wsic_status status = wsic_stats_add_pair(stats, &x.known, &x.known, &x.known, NULL);

    ck_assert_uint_eq(wsic_stats_residual_columns(stats), status == WSIC_OK ? COLUMNS : 0);
    wsic_stats_destroy(stats);
    return status;
}

static wsic_status add_pair_moments(void)
{
    static const double zeros[OUTPUTS * COLUMNS];
    const later_matrix covariance = later_covariance();
    const later_matrix residual = later(zeros, WSIC_F64, OUTPUTS, COLUMNS);
    const later_matrix energy = later(zeros, WSIC_F64, OUTPUTS, 1);
    struct {
        wsic_pair_moments known;
        void *more;
    } moments = {.known = {.size = sizeof moments,
                           .input = &covariance.known,
                           .quantized = &covariance.known,
                           .cross = &covariance.known,
                           .residual = &residual.known,
                           .residual_input = &residual.known,
                           .residual_energy = &energy.known}};
    wsic_stats *const stats = new_stats();
    const wsic_status status = wsic_stats_add_pair_moments(stats, &moments.known, 5);

    ck_assert_uint_eq(wsic_stats_residual_columns(stats), status == WSIC_OK ? OUTPUTS : 0);
    moments.more = &moments;
    ck_assert_int_eq(wsic_stats_add_pair_moments(stats, &moments.known, 5),
                     WSIC_ERROR_STRUCT_NEWER);
    wsic_stats_destroy(stats);
    return status;
}

static wsic_status read_with(wsic_status (*read)(const wsic_stats *stats, wsic_matrix *values))
{
    double values[COLUMNS * COLUMNS] = {0};
    later_matrix matrix = later(values, WSIC_F64, COLUMNS, COLUMNS);

    values[1] = 77;
    const wsic_status status = read(fixture.stats, &matrix.known);
    ck_assert_uint_eq(matrix.known.size, sizeof matrix);
    if (status == WSIC_OK)
        ck_assert_double_eq_tol(values[1], fixture.covariance[1], 1e-12);
    else
        ck_assert(values[1] == 77);
    return status;
}

static wsic_status input_moment(const wsic_stats *stats, wsic_matrix *values)
{
    return wsic_stats_get_moment(stats, WSIC_MOMENT_INPUT, values);
}

static wsic_status moment(void)
{
    return read_with(input_moment);
}

static wsic_status covariance(void)
{
    return read_with(wsic_stats_get_covariance);
}

static wsic_status problem(void)
{
    const later_matrix weights = later_weights();
    wsic_problem *made = NULL;
    const wsic_status status =
        wsic_problem_create(fixture.context, fixture.stats, NULL, &weights.known, &made);

    ck_assert_int_eq(made != NULL, status == WSIC_OK);
    wsic_problem_destroy(made);
    return status;
}

static wsic_status plan(void)
{
    const later_matrix weights = later_weights();
    wsic_plan *made = NULL;

    ck_assert_int_eq(wsic_plan_create(fixture.context, &made), WSIC_OK);
    const wsic_status status = wsic_plan_add(made, fixture.stats, &weights.known, NULL);
    ck_assert_uint_eq(wsic_plan_count(made), status == WSIC_OK ? 1 : 0);
    wsic_plan_destroy(made);
    return status;
}

static wsic_status run(void)
{
    const later_matrix weights = later_weights();
    wsic_layer *layer = NULL;
    const wsic_status status =
        wsic_encoder_run(fixture.encoder, fixture.stats, &weights.known, &layer);

    ck_assert_int_eq(layer != NULL, status >= 0);
    wsic_layer_destroy(layer);
    return status < 0 ? status : WSIC_OK;
}

static wsic_status codes(void)
{
    int32_t values[ROWS * COLUMNS] = {0};
    later_matrix matrix = later(values, WSIC_I32, ROWS, COLUMNS);
    wsic_layer *const layer = layer_encode(&fixture, 3);
    const wsic_status status = wsic_layer_get_codes(layer, 0, &matrix.known);

    wsic_layer_destroy(layer);
    return status;
}

static wsic_status dequantize(void)
{
    float values[ROWS * COLUMNS] = {0};
    later_matrix matrix = later(values, WSIC_F32, ROWS, COLUMNS);
    wsic_layer *const layer = layer_encode(&fixture, 3);
    const wsic_status status = wsic_layer_dequantize(layer, 0, &matrix.known);

    wsic_layer_destroy(layer);
    return status;
}

static const struct {
    const char *name;
    wsic_status (*call)(void);
} takers[] = {
    {"wsic_stats_add_activations", add_activations},
    {"wsic_stats_add_covariance", add_covariance},
    {"wsic_stats_add_pair", add_pair},
    {"wsic_stats_add_pair_moments", add_pair_moments},
    {"wsic_stats_get_moment", moment},
    {"wsic_stats_get_covariance", covariance},
    {"wsic_problem_create", problem},
    {"wsic_plan_add", plan},
    {"wsic_encoder_run", run},
    {"wsic_layer_get_codes", codes},
    {"wsic_layer_dequantize", dequantize},
};
enum { TAKERS = sizeof takers / sizeof *takers };

START_TEST(unknown_members_of_matrices_may_be_there_but_not_be_set)
{
    last_byte = 0;
    ck_assert_msg(takers[_i].call() == WSIC_OK, "%s", takers[_i].name);
    last_byte = 1;
    ck_assert_msg(takers[_i].call() == WSIC_ERROR_STRUCT_NEWER, "%s", takers[_i].name);
}
END_TEST

START_TEST(a_checked_matrix_does_not_claim_bytes_of_the_original)
{
    const wsic_env env = wsic_context_env(fixture.context);
    const later_matrix given = later_weights();
    wsic_matrix checked;

    ck_assert_int_eq(wsic_check_matrix(&env, "given", &given.known, WSIC_ALLOW_REAL,
                                       (wsic_shape){0, 0}, &checked),
                     WSIC_OK);
    ck_assert_uint_eq(checked.size, sizeof checked);
    ck_assert_uint_eq(checked.row_stride, COLUMNS);
}
END_TEST

/* As a mapped file may have them: every function that takes a matrix refuses it. */
START_TEST(matrices_must_be_aligned)
{
    for (shift = 1; shift < 4; shift++)
        ck_assert_msg(takers[_i].call() == WSIC_ERROR_ARGUMENT, "%s", takers[_i].name);
    shift = 0;
    ck_assert_msg(takers[_i].call() == WSIC_OK, "%s", takers[_i].name);
}
END_TEST

START_TEST(shapes_that_cannot_be_are_told)
{
    static const struct {
        size_t rows, columns, row_stride;
        wsic_shape expected;
        wsic_status status;
        const char *told;
    } cases[] = {
        {1, 1, 0, {0, 0}, WSIC_OK, ""},
        {0, 1, 0, {0, 0}, WSIC_ERROR_ARGUMENT, "0 x 1: empty"},
        {1, 0, 0, {0, 0}, WSIC_ERROR_ARGUMENT, "1 x 0: empty"},
        {1, 2, 1, {0, 0}, WSIC_ERROR_ARGUMENT, "row_stride is 1, below its 2"},
        {2, 3, 0, {4, 0}, WSIC_ERROR_SHAPE, "2 x 3, where 4 x 3"},
        {2, 3, 0, {0, 4}, WSIC_ERROR_SHAPE, "2 x 3, where 2 x 4"},
        {2, 3, 0, {2, 3}, WSIC_OK, ""},
        {1, INT32_MAX, 0, {0, 0}, WSIC_OK, ""},
        {1, (size_t)INT32_MAX + 1, 0, {0, 0}, WSIC_ERROR_TOO_LARGE, "is 1 x 2147483648"},
        {(size_t)INT32_MAX + 1, 1, 0, {0, 0}, WSIC_ERROR_TOO_LARGE, "is 2147483648 x 1"},
        {SIZE_MAX / 8, 2, 0, {0, 0}, WSIC_ERROR_TOO_LARGE, "do not fit the address space"},
        {SIZE_MAX / 2, 1, 0, {0, 0}, WSIC_ERROR_TOO_LARGE, "do not fit the address space"},
        {2, 1, SIZE_MAX, {0, 0}, WSIC_ERROR_TOO_LARGE, "do not fit the address space"},
    };
    const wsic_env env = wsic_context_env(fixture.context);
    static double data[1];
    wsic_matrix given, checked;

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        wsic_matrix_init(&given, sizeof given, data, WSIC_F64, cases[k].rows, cases[k].columns,
                         cases[k].row_stride);
        ck_assert_int_eq(
            wsic_check_matrix(&env, "given", &given, WSIC_ALLOW_REAL, cases[k].expected, &checked),
            cases[k].status);
        if (cases[k].status != WSIC_OK)
            ck_assert_ptr_nonnull(strstr(wsic_context_message(fixture.context), cases[k].told));
    }
    wsic_matrix_init(&given, sizeof given, data, WSIC_F64, 1, 1, 0);
    given.reserved = 7;
    ck_assert_int_eq(
        wsic_check_matrix(&env, "given", &given, WSIC_ALLOW_REAL, (wsic_shape){0, 0}, &checked),
        WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_context_message(fixture.context), "given->reserved is 7, not 0");
}
END_TEST

START_TEST(a_matrix_without_room_is_left_alone)
{
    wsic_matrix given;

    memset(&given, 0xA5, sizeof given);
    const wsic_matrix before = given;
    wsic_matrix_init(NULL, sizeof given, "", WSIC_F64, 1, 1, 0);
    wsic_matrix_init(&given, sizeof given.size - 1, "", WSIC_F64, 1, 1, 0);
    ck_assert_mem_eq(&given, &before, sizeof given);
}
END_TEST

START_TEST(misalignment_is_told)
{
    static const struct {
        uint32_t dtype;
        size_t alignment;
    } types[] = {{WSIC_F64, _Alignof(double)},
                 {WSIC_F32, 4},
                 {WSIC_F16, 2},
                 {WSIC_BF16, 2},
                 {WSIC_I8, 1},
                 {WSIC_I16, 2},
                 {WSIC_I32, 4}};
    const wsic_env env = wsic_context_env(fixture.context);
    static double data[4];
    wsic_matrix given, checked;
    char expected[100];

    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        for (size_t off = 0; off < 2 * types[k].alignment; off++) {
            wsic_matrix_init(&given, sizeof given, (char *)data + off, types[k].dtype, 1, 1, 0);
            const wsic_status status =
                wsic_check_matrix(&env, "given", &given, WSIC_ALLOW_REAL | WSIC_ALLOW_CODES,
                                  (wsic_shape){0, 0}, &checked);
            if (off % types[k].alignment == 0) {
                ck_assert_int_eq(status, WSIC_OK);
                continue;
            }
            ck_assert_int_eq(status, WSIC_ERROR_ARGUMENT);
            snprintf(expected, sizeof expected, "%zu bytes beyond a multiple of %zu",
                     off % types[k].alignment, types[k].alignment);
            ck_assert_ptr_nonnull(strstr(wsic_context_message(fixture.context), "given->data"));
            ck_assert_ptr_nonnull(strstr(wsic_context_message(fixture.context), expected));
        }
    }
}
END_TEST

/* --- what is filled ------------------------------------------------------ */

enum { MORE = 24 };

/* Of `known` bytes, which the library knows, and MORE beyond: size stays, the rest is zero. */
static void check_filled(const void *filled, size_t known)
{
    const unsigned char *const bytes = filled;
    size_t size;

    memcpy(&size, filled, sizeof size);
    ck_assert_uint_eq(size, known + MORE);
    for (size_t i = known; i < known + MORE; i++)
        ck_assert_uint_eq(bytes[i], 0);
}

/* A struct of a later program, with every byte set. */
#define LATER(type, name)                                                                          \
    struct {                                                                                       \
        type known;                                                                                \
        unsigned char more[MORE];                                                                  \
    } name;                                                                                        \
    memset(&name, 0xff, sizeof name);                                                              \
    name.known.size = sizeof name

START_TEST(later_and_shorter_infos_of_layers)
{
    wsic_layer *const layer = layer_encode(&fixture, 3);
    LATER(wsic_layer_info, info);

    ck_assert_int_eq(wsic_layer_get_info(layer, &info.known), WSIC_OK);
    ck_assert_uint_eq(info.known.columns, COLUMNS);
    check_filled(&info, sizeof info.known);
    info.known.size = offsetof(wsic_layer_info, live_columns) - 1; /* below the first version */
    ck_assert_int_eq(wsic_layer_get_info(layer, &info.known), WSIC_ERROR_STRUCT_SIZE);
    wsic_layer_destroy(layer);
}
END_TEST

START_TEST(later_and_shorter_reports)
{
    LATER(wsic_encoder_report, report);

    wsic_layer_destroy(layer_encode(&fixture, 3));
    ck_assert_int_eq(wsic_encoder_get_report(fixture.encoder, &report.known), WSIC_OK);
    ck_assert_uint_gt(report.known.memory_peak, 0);
    check_filled(&report, sizeof report.known);
    report.known.size = WSIC_FIRST_SIZE(wsic_encoder_report, memory_peak) - 1;
    ck_assert_int_eq(wsic_encoder_get_report(fixture.encoder, &report.known),
                     WSIC_ERROR_STRUCT_SIZE);
}
END_TEST

START_TEST(later_and_shorter_plans_of_layers)
{
    wsic_plan *made = NULL;
    LATER(wsic_plan_layer, layer);

    ck_assert_int_eq(wsic_plan_create(fixture.context, &made), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add(made, fixture.stats, &fixture.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(made, 2), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(made, 0, &layer.known), WSIC_OK);
    ck_assert_uint_eq(layer.known.rows, ROWS);
    check_filled(&layer, sizeof layer.known);
    layer.known.size = WSIC_FIRST_SIZE(wsic_plan_layer, outputs) - 1;
    ck_assert_int_eq(wsic_plan_get_layer(made, 0, &layer.known), WSIC_ERROR_STRUCT_SIZE);
    wsic_plan_destroy(made);
}
END_TEST

START_TEST(later_and_shorter_infos_of_parameters)
{
    LATER(wsic_parameter_info, info);

    ck_assert_int_eq(wsic_parameter_get_info(0, &info.known), WSIC_OK);
    ck_assert_int_eq(info.known.id, WSIC_RATE);
    check_filled(&info, sizeof info.known);
    info.known.size = sizeof info.known - 1;
    ck_assert_int_eq(wsic_parameter_get_info(0, &info.known), WSIC_ERROR_STRUCT_SIZE);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("structs");
    TCase *const tests = tcase_create("structs");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, an_earlier_program_leaves_later_members_at_their_default);
    tcase_add_test(tests, less_than_the_first_struct_is_refused);
    tcase_add_test(tests, a_first_size_does_not_grow_with_the_struct);
    tcase_add_loop_test(tests, unknown_members_of_matrices_may_be_there_but_not_be_set, 0, TAKERS);
    tcase_add_loop_test(tests, matrices_must_be_aligned, 0, TAKERS);
    tcase_add_test(tests, shapes_that_cannot_be_are_told);
    tcase_add_test(tests, a_matrix_without_room_is_left_alone);
    tcase_add_test(tests, misalignment_is_told);
    tcase_add_test(tests, a_checked_matrix_does_not_claim_bytes_of_the_original);
    tcase_add_test(tests, later_and_shorter_infos_of_layers);
    tcase_add_test(tests, later_and_shorter_reports);
    tcase_add_test(tests, later_and_shorter_plans_of_layers);
    tcase_add_test(tests, later_and_shorter_infos_of_parameters);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
