/* SPDX-License-Identifier: MIT */
/* Rows of zeros, and rows that are left out, cost nothing: what remains is quantized as if it were
 * the whole matrix. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"
#include "random.h"

enum { ALIVE = 64, ROWS = 1024, COLUMNS = 40, GRADIENTS = 6 };

/* Where the rows that are alive stand. */
enum { FIRST_ONES, EVENLY, AT_RANDOM, PLACES };

static void choose_places(int which, size_t *place)
{
    random_state random = {7};
    bool taken[ROWS] = {false};

    for (size_t k = 0; k < ALIVE; k++) {
        const size_t any = random_bits(&random) % ROWS;
        taken[which == FIRST_ONES ? k : which == EVENLY ? 16 * k + 5 : any] = true;
    }
    size_t count = 0;
    for (size_t r = 0; r < ROWS && count < ALIVE; r++) {
        if (taken[r] || ROWS - r == ALIVE - count) /* some were drawn twice */
            place[count++] = r;
    }
}

/* Statistics of outputs that go together, of all rows and of those that are alone. */
static void fill_outputs(const size_t *place, double *all, double *alone)
{
    random_state random = {99};
    double *const gradient = malloc(ROWS * sizeof *gradient);

    for (size_t k = 0; k < (size_t)ROWS * ROWS; k++)
        all[k] = k % (ROWS + 1) == 0 ? 1.0 : 0.0;
    for (int t = 0; t < GRADIENTS; t++) {
        random_fill(&random, gradient, ROWS);
        for (size_t k = 0; k < (size_t)ROWS * ROWS; k++)
            all[k] += gradient[k / ROWS] * gradient[k % ROWS];
    }
    for (size_t i = 0; i < ALIVE; i++) {
        for (size_t j = 0; j < ALIVE; j++)
            alone[i * ALIVE + j] = all[place[i] * ROWS + place[j]];
    }
    free(gradient);
}

/* One way to ask. */
typedef struct request {
    const double *outputs; /* rows x rows, or NULL */
    const size_t *dead;    /* rows that are told to be left out, or NULL */
    size_t dead_count;
} request;

static wsic_layer *encode(const layer_fixture *f, const request *asked)
{
    wsic_stats *outputs = NULL;
    wsic_problem *problem;
    wsic_layer *layer;

    ck_assert_int_eq(wsic_problem_create(f->context, f->stats, NULL, &f->matrix, &problem),
                     WSIC_OK);
    if (asked->outputs) {
        wsic_matrix matrix;
        ck_assert_int_eq(wsic_stats_create(f->context, f->rows, &outputs), WSIC_OK);
        wsic_matrix_init(&matrix, sizeof matrix, asked->outputs, WSIC_F64, f->rows, f->rows, 0);
        ck_assert_int_eq(wsic_stats_add_covariance(outputs, &matrix, 1000.0), WSIC_OK);
        ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    }
    ck_assert_int_eq(wsic_problem_set_dead_rows(problem, asked->dead, asked->dead_count), WSIC_OK);
    const wsic_status status = wsic_encoder_run_problem(f->encoder, problem, &layer);
    ck_assert_msg(status >= 0, "%s", wsic_encoder_message(f->encoder));
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
    return layer;
}

static void restore(const layer_fixture *f, const wsic_layer *layer, float *out)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, out, WSIC_F32, f->rows, f->columns, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
}

/* Rows that are alive are restored to the same bits as alone, all others to zeros. */
static void check_rows(const layer_fixture *alone, const wsic_layer *of_alone,
                       const layer_fixture *all, const wsic_layer *of_all, const size_t *place)
{
    static const float zeros[COLUMNS];
    float *const wanted = calloc(ALIVE * COLUMNS, sizeof *wanted);
    float *const found = calloc(ROWS * COLUMNS, sizeof *found);
    size_t k = 0;

    restore(alone, of_alone, wanted);
    restore(all, of_all, found);
    for (size_t r = 0; r < ROWS; r++) {
        const bool lives = k < ALIVE && place[k] == r;
        ck_assert_mem_eq(found + r * COLUMNS, lives ? wanted + k * COLUMNS : zeros, sizeof zeros);
        k += lives;
    }
    free(found);
    free(wanted);
}

/* The marks of the rows, once for their codes and once for their scales. */
enum { MARK_BYTES = 220 };

static void check_figures(const wsic_layer *of_alone, const wsic_layer *of_all)
{
    const wsic_layer_info alone = layer_info(of_alone), all = layer_info(of_all);
    const double share = (double)ALIVE / ROWS;

    ck_assert_uint_eq(alone.dead_rows, 0);
    ck_assert_uint_eq(all.dead_rows, ROWS - ALIVE);
    ck_assert_uint_le(all.bytes, alone.bytes + MARK_BYTES);
    ck_assert_double_eq_tol(all.distortion / alone.distortion, share, 1e-9);
    ck_assert_double_eq_tol(all.relative_distortion / alone.relative_distortion, 1.0, 1e-9);
    ck_assert_double_eq_tol(all.limit_rate / alone.limit_rate, share, 1e-6);
}

static void set(const layer_fixture *f, const char *name, const char *value)
{
    ck_assert_int_eq(wsic_encoder_set_text(f->encoder, name, value), WSIC_OK);
}

/* Two matrices: the rows that are alive, and these among zeros, or among others that are told to be
 * left out. */
typedef struct both_matrices {
    layer_fixture alone, all;
    size_t place[ALIVE];
    size_t dead[ROWS];
    size_t dead_count;
    double *of_alone, *of_all; /* outputs */
} both_matrices;

static both_matrices open_both(int places, bool zeros, int variant)
{
    both_matrices b = {
        .alone = layer_open(ALIVE, COLUMNS, COVARIANCE_CHANNELS, 3),
        .all = layer_open(ROWS, COLUMNS, COVARIANCE_CHANNELS, 4),
        .of_alone = malloc((size_t)ALIVE * ALIVE * sizeof *b.of_alone),
        .of_all = malloc((size_t)ROWS * ROWS * sizeof *b.of_all),
    };
    bool lives[ROWS] = {false};

    choose_places(places, b.place);
    for (size_t k = 0; k < ALIVE; k++)
        lives[b.place[k]] = true;
    for (size_t r = 0; r < ROWS; r++) {
        double *const row = b.all.weights + r * COLUMNS;
        if (lives[r])
            continue;
        b.dead[b.dead_count++] = r;
        for (size_t j = 0; j < COLUMNS; j++)
            row[j] = zeros ? 0.0 : 100.0 * row[j]; /* that must not matter */
    }
    for (size_t k = 0; k < ALIVE; k++)
        memcpy(b.all.weights + b.place[k] * COLUMNS, b.alone.weights + k * COLUMNS,
               COLUMNS * sizeof *b.alone.weights);
    fill_outputs(b.place, b.of_all, b.of_alone);
    layer_choose(&b.alone, (size_t)variant);
    layer_choose(&b.all, (size_t)variant);
    return b;
}

static void close_both(both_matrices *b)
{
    layer_close(&b->alone);
    layer_close(&b->all);
    free(b->of_alone);
    free(b->of_all);
}

static void check_both(both_matrices *b, bool outputs, bool zeros)
{
    const request of_alone = {outputs ? b->of_alone : NULL, NULL, 0};
    const request of_all = {outputs ? b->of_all : NULL, zeros ? NULL : b->dead,
                            zeros ? 0 : b->dead_count};
    wsic_layer *const alone = encode(&b->alone, &of_alone);
    wsic_layer *const all = encode(&b->all, &of_all);

    check_rows(&b->alone, alone, &b->all, all, b->place);
    check_figures(alone, all);
    wsic_layer_destroy(alone);
    wsic_layer_destroy(all);
}

/* By quantizer and place; rows of zeros or left out, one side or both. */
START_TEST(rows_of_zeros_cost_nothing)
{
    const int variant = _i % LAYER_VARIANTS, places = _i / LAYER_VARIANTS % PLACES;

    for (int way = 0; way < 4; way++) {
        const bool outputs = way / 2 == 1, zeros = way % 2 == 0;
        both_matrices b = open_both(places, zeros, variant);
        set(&b.alone, "step", "0.4");
        set(&b.all, "step", "0.4");
        check_both(&b, outputs, zeros);
        close_both(&b);
    }
}
END_TEST

/* Rate and distortion are means over all weights. */
START_TEST(targets_are_means_over_all_rows)
{
    static const char *const targets[2][2] = {{"distortion", "distortion"}, {"rate", "rate"}};
    static const char *const values[2][2] = {{"0.32", "0.02"}, {"2.4", "0.15"}};
    both_matrices b = open_both(EVENLY, true, 3);

    set(&b.alone, targets[_i][0], values[_i][0]);
    set(&b.all, targets[_i][1], values[_i][1]);
    const request plain = {NULL, NULL, 0};
    wsic_layer *const alone = encode(&b.alone, &plain), *const all = encode(&b.all, &plain);
    const double share = (double)ALIVE / ROWS;
    if (_i == 0)
        check_rows(&b.alone, alone, &b.all, all, b.place);
    /* The marks take some of the bytes that are allowed. */
    const double lost = 8.0 * MARK_BYTES / (ALIVE * COLUMNS);
    const double ratio = layer_info(all).distortion / layer_info(alone).distortion / share;
    ck_assert_double_ge(ratio, 0.97);
    ck_assert_double_le(ratio, _i == 0 ? 1.03 : 1.03 * exp2(2.0 * lost));
    ck_assert_uint_eq(layer_info(all).dead_rows, ROWS - ALIVE);
    wsic_layer_destroy(alone);
    wsic_layer_destroy(all);
    close_both(&b);
}
END_TEST

/* Codes of a trellis under other scales: dead rows and strides stay what they were. */
START_TEST(scales_can_change_around_dead_rows)
{
    both_matrices b = open_both(AT_RANDOM, true, 2 + _i % 2);
    const request asked = {b.of_all, NULL, 0};
    wsic_layer *again;

    set(&b.all, "step", "0.4");
    wsic_layer *const layer = encode(&b.all, &asked);
    ck_assert_msg(wsic_layer_create_with_scales(layer, NULL, NULL, &again) == WSIC_OK, "%s",
                  wsic_layer_message(layer));
    float *const before = calloc(2 * ROWS * COLUMNS, sizeof *before);
    restore(&b.all, layer, before);
    restore(&b.all, again, before + ROWS * COLUMNS);
    ck_assert_mem_eq(before, before + ROWS * COLUMNS, ROWS * COLUMNS * sizeof *before);
    free(before);
    wsic_layer_destroy(again);
    wsic_layer_destroy(layer);
    close_both(&b);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("dead_rows");
    TCase *const tests = tcase_create("dead_rows");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, rows_of_zeros_cost_nothing, 0, LAYER_VARIANTS * PLACES);
    tcase_add_loop_test(tests, targets_are_means_over_all_rows, 0, 2);
    tcase_add_loop_test(tests, scales_can_change_around_dead_rows, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
