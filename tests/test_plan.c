/* SPDX-License-Identifier: MIT */
/* Plans of matrices whose Cholesky diagonal is known by hand. */
#include <math.h>
#include <string.h>

#include <watersic/encoder.h>

#include "check_main.h"

static wsic_context *context;
static wsic_stats *stats;
static wsic_plan *plan;

static void setup(void)
{
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_plan_create(context, &plan), WSIC_OK);
    stats = NULL;
}

static void teardown(void)
{
    wsic_plan_destroy(plan);
    wsic_stats_destroy(stats);
    ck_assert_uint_eq(wsic_context_memory(context, NULL), 0);
    wsic_context_destroy(context);
}

static void use_covariance(const double *covariance, size_t n)
{
    wsic_matrix matrix;

    wsic_stats_destroy(stats);
    ck_assert_int_eq(wsic_stats_create(context, n, &stats), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, n, n, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 100.0), WSIC_OK);
}

static wsic_status add_weights(const void *weights, uint32_t dtype, size_t rows, size_t columns,
                               size_t *index)
{
    wsic_matrix matrix;
    wsic_matrix_init(&matrix, sizeof matrix, weights, dtype, rows, columns, 0);
    return wsic_plan_add(plan, stats, &matrix, index);
}

static wsic_plan_layer layer_of(size_t index)
{
    wsic_plan_layer layer = {.size = sizeof layer};
    ck_assert_int_eq(wsic_plan_get_layer(plan, index, &layer), WSIC_OK);
    return layer;
}

static const double correlated[] = {1.0, 0.6, 0.6, 1.0};
/* mean squares 4 and 9 */
static const double weights[] = {2.0, 3.0, -2.0, -3.0, 2.0, -3.0};

/* δ = 1e-4, L_00² = 1 + δ, L_11² = 1 + δ - 0.36 / (1 + δ). */
START_TEST(energy_and_damping_by_hand)
{
    const double delta = 1e-4;
    const double energy = 0.5 * (4.0 * (1.0 + delta) + 9.0 * (1.0 + delta - 0.36 / (1.0 + delta)));
    size_t index = 77;

    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, &index), WSIC_OK);
    ck_assert_uint_eq(index, 0);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 2.0), WSIC_OK);
    const wsic_plan_layer layer = layer_of(0);
    ck_assert_uint_eq(layer.rows, 3);
    ck_assert_uint_eq(layer.columns, 2);
    ck_assert_uint_eq(layer.dead_columns, 0);
    ck_assert_double_eq_tol(layer.damping, delta, 1e-15);
    ck_assert_double_eq_tol(layer.energy, energy, 1e-13);
}
END_TEST

/* Far above the water both columns pay ½ log2(σ_j² / τ) + ½ log2(2πe / 12). */
START_TEST(high_rate_by_hand)
{
    const double pi = 3.14159265358979323846;
    const double loss = 0.5 * log2(2.0 * pi * exp(1.0) / 12.0);
    const double delta = 1e-4;
    const double powers[] = {4.0 * (1.0 + delta), 9.0 * (1.0 + delta - 0.36 / (1.0 + delta))};
    double rates[2];

    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 10.0), WSIC_OK);
    const wsic_plan_layer layer = layer_of(0);
    const double level = sqrt(powers[0] * powers[1]) * exp2(-2.0 * (10.0 - loss));
    ck_assert_double_eq_tol(layer.rate, 10.0, 1e-9);
    ck_assert_double_eq_tol(layer.water_level, level, 1e-5 * level);
    ck_assert_double_eq_tol(layer.step, sqrt(12.0 * layer.water_level), 1e-12);
    ck_assert_double_eq_tol(layer.distortion, level, 1e-5 * level);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, rates, 2), WSIC_OK);
    for (size_t j = 0; j < 2; j++)
        ck_assert_double_eq_tol(rates[j], 0.5 * log2(powers[j] / level) + loss, 1e-5);
}
END_TEST

START_TEST(distortion_target)
{
    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_distortion(plan, 0.01), WSIC_OK);
    const wsic_plan_layer fine = layer_of(0);
    ck_assert_double_eq_tol(fine.distortion, 0.01, 1e-10);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, fine.rate), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(0).step, fine.step, 1e-8 * fine.step);

    ck_assert_int_eq(wsic_plan_solve_distortion(plan, 2.0 * fine.energy), WSIC_OK);
    const wsic_plan_layer nothing = layer_of(0);
    ck_assert_double_eq(nothing.rate, 0.0);
    ck_assert_double_eq(nothing.step, 0.0);
    ck_assert_double_eq_tol(nothing.distortion, nothing.energy, 1e-13);
}
END_TEST

/* Column 1 never sees an input: it costs nothing, and the others share its bits. */
START_TEST(dead_columns)
{
    const double covariance[] = {2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0};
    const double row[] = {1.0, 5.0, 1.0};
    double rates[3];

    use_covariance(covariance, 3);
    ck_assert_int_eq(add_weights(row, WSIC_F64, 1, 3, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 2.0), WSIC_OK);
    const wsic_plan_layer layer = layer_of(0);
    ck_assert_uint_eq(layer.dead_columns, 1);
    ck_assert_double_eq_tol(layer.damping, 2e-4, 1e-15);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, rates, 3), WSIC_OK);
    ck_assert_double_eq_tol(rates[0], 3.0, 1e-9);
    ck_assert_double_eq(rates[1], 0.0);
    ck_assert_double_eq_tol(rates[2], 3.0, 1e-9);
}
END_TEST

START_TEST(nothing_to_code)
{
    const double zeros[4] = {0.0};

    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(zeros, WSIC_F64, 2, 2, NULL), WSIC_OK);
    use_covariance(zeros, 2); /* every input is always 0 */
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 4.0), WSIC_OK);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_double_eq(layer_of(i).rate, 0.0);
        ck_assert_double_eq(layer_of(i).step, 0.0);
        ck_assert_double_eq(layer_of(i).energy, 0.0);
    }
    ck_assert_uint_eq(layer_of(1).dead_columns, 2);
}
END_TEST

/* The same numbers in another type or with gaps between rows make the same plan. */
START_TEST(number_types_and_strides)
{
    const float single[] = {2.0F, 3.0F, -2.0F, -3.0F, 2.0F, -3.0F};
    const uint16_t brain[] = {0x4000, 0x4040, 0xC000, 0xC040, 0x4000, 0xC040};
    const double gaps[] = {2.0, 3.0, nan(""), -2.0, -3.0, nan(""), 2.0, -3.0, nan("")};
    wsic_matrix matrix;

    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(add_weights(single, WSIC_F32, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(add_weights(brain, WSIC_BF16, 3, 2, NULL), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, gaps, WSIC_F64, 3, 2, 3);
    ck_assert_int_eq(wsic_plan_add(plan, stats, &matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.5), WSIC_OK);
    for (size_t i = 1; i < 4; i++)
        ck_assert_double_eq(layer_of(i).step, layer_of(0).step);
}
END_TEST

/* Numbers whose squares leave the range of double are no obstacle as long as the energy
 * does not. */
START_TEST(units_do_not_matter)
{
    const double tiny_covariance[] = {1e-250, 0.6e-250, 0.6e-250, 1e-250};
    double large[6], too_large[6];

    for (size_t i = 0; i < 6; i++) {
        large[i] = 1e200 * weights[i];
        too_large[i] = 1e300 * weights[i];
    }
    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(add_weights(too_large, WSIC_F64, 3, 2, NULL), WSIC_ERROR_RANGE);
    ck_assert_uint_eq(wsic_plan_count(plan), 1);
    use_covariance(tiny_covariance, 2);
    ck_assert_int_eq(add_weights(large, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.5), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(1).step / 1e75, layer_of(0).step, 1e-9 * layer_of(0).step);
}
END_TEST

START_TEST(many_matrices)
{
    size_t index;

    use_covariance(correlated, 2);
    for (size_t i = 0; i < 50; i++) {
        const double row[] = {(double)(i + 1), (double)(i + 1)};
        ck_assert_int_eq(add_weights(row, WSIC_F64, 1, 2, &index), WSIC_OK);
        ck_assert_uint_eq(index, i);
    }
    ck_assert_uint_eq(wsic_plan_count(plan), 50);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.0), WSIC_OK);
    for (size_t i = 0; i < 50; i++) {
        const double expected = (double)(i + 1) * layer_of(0).step;
        ck_assert_double_eq_tol(layer_of(i).step, expected, 1e-9 * expected);
    }
}
END_TEST

enum { ROWS = 512, COLUMNS = 64 };

static double next_normal(uint64_t *state)
{
    double sum = -6.0; /* twelve uniform numbers have variance 1 */

    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005U + 1442695040888963407U;
        sum += (double)(*state >> 11) * 0x1p-53;
    }
    return sum;
}

static wsic_layer_info quantize_as_planned(const double *many)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, many, WSIC_F64, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "paper"), WSIC_OK); /* no ridge */
    ck_assert_int_eq(wsic_encoder_set_plan(encoder, plan, 0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run(encoder, stats, &matrix, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    return info;
}

/* Under Σ = I columns do not touch each other, and what is planned for Gaussian weights is
 * what comes out, up to the chance of 32768 numbers. */
START_TEST(plans_come_true)
{
    static double identity[COLUMNS * COLUMNS], many[ROWS * COLUMNS];
    uint64_t state = 1;

    for (size_t j = 0; j < COLUMNS; j++)
        identity[j * COLUMNS + j] = 1.0;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        many[i] = next_normal(&state);
    use_covariance(identity, COLUMNS);
    ck_assert_int_eq(add_weights(many, WSIC_F64, ROWS, COLUMNS, NULL), WSIC_OK);
    for (double bits = 0.5; bits < 5.0; bits *= 2.0) {
        ck_assert_int_eq(wsic_plan_solve_rate(plan, bits), WSIC_OK);
        const wsic_plan_layer planned = layer_of(0);
        const wsic_layer_info info = quantize_as_planned(many);
        ck_assert_double_eq(info.step, planned.step);
        ck_assert_double_eq_tol(info.entropy_pooled, bits, 0.02);
        ck_assert_double_eq_tol(info.distortion, planned.distortion, 0.03 * planned.distortion);
    }
}
END_TEST

/* --- with statistics of outputs ---------------------------------------------------------- */

static wsic_stats *outputs_of(const double *g, size_t rows)
{
    wsic_stats *outputs = NULL;
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_stats_create(context, rows, &outputs), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, g, WSIC_F64, rows, rows, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(outputs, &matrix, 1e6), WSIC_OK);
    return outputs;
}

static wsic_problem *problem_of(const double *given, size_t rows, size_t columns,
                                const wsic_stats *outputs)
{
    static wsic_matrix matrix; /* borrowed by the problem */
    wsic_problem *problem = NULL;

    wsic_matrix_init(&matrix, sizeof matrix, given, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_problem_create(context, stats, NULL, &matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_problem_set_outputs(problem, outputs), WSIC_OK);
    return problem;
}

/* G = 5 I, and rows of equal energy: the plain plan, its distortions times 5. */
START_TEST(equal_outputs_scale_the_plan)
{
    const double g[] = {5.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0};
    double bits = 0.0, plain_rates[2], rates[2];

    use_covariance(correlated, 2);
    wsic_stats *const outputs = outputs_of(g, 3);
    wsic_problem *const problem = problem_of(weights, 3, 2, outputs);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add_problem(plan, problem, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 2.5), WSIC_OK);
    const wsic_plan_layer plain = layer_of(0), both = layer_of(1);
    ck_assert_uint_eq(plain.outputs, 0);
    ck_assert_double_eq(plain.divergence, 0.0);
    ck_assert_double_eq(plain.sensitivity, 1.0);
    ck_assert_uint_eq(both.outputs, 1);
    ck_assert_double_eq_tol(both.sensitivity, 1.0 / (2.0 * log(2.0)), 1e-15);
    ck_assert_double_eq_tol(both.rate, plain.rate, 1e-9);
    ck_assert_double_eq_tol(both.step, plain.step, 1e-9);
    ck_assert_double_eq_tol(both.energy, 5.0 * plain.energy, 1e-9);
    ck_assert_double_eq_tol(both.distortion, 5.0 * plain.distortion, 1e-9);
    ck_assert_double_eq_tol(both.water_level, 5.0 * plain.water_level, 1e-9);
    ck_assert_double_eq_tol(both.marginal, 5.0 * plain.marginal, 1e-9);
    ck_assert_double_eq_tol(both.divergence, 6.0 * both.distortion / (2.0 * log(2.0)), 1e-12);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, plain_rates, 2), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 1, rates, 2), WSIC_OK);
    ck_assert_double_eq_tol(rates[0], plain_rates[0], 1e-9);
    ck_assert_double_eq_tol(rates[1], plain_rates[1], 1e-9);
    /* The sum needs all matrices. */
    ck_assert_int_eq(wsic_plan_get_divergence(plan, &bits), WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_plan_message(plan), "matrix 0"));
    ck_assert_int_eq(wsic_plan_solve_distortion(plan, 0.1), WSIC_OK);
    ck_assert_double_eq_tol(layer_of(1).distortion, 0.1, 1e-6);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
}
END_TEST

/* The divergence that a plan predicts is the one that the encoder reaches. */
START_TEST(divergence_is_foretold)
{
    enum { A = 128, N = 64 };
    static double covariance[N * N], many[A * N], g[A * A], common[A];
    wsic_encoder_report report = {.size = sizeof report};
    wsic_encoder *encoder = NULL;
    wsic_layer *layer = NULL;
    double bits = 0.0, sum = 0.0;
    uint64_t state = 5;

    for (size_t i = 0; i < N * N; i++)
        covariance[i] = pow(0.8, fabs((double)(i / N) - (double)(i % N)));
    for (size_t i = 0; i < A * N; i++)
        many[i] = next_normal(&state);
    memset(g, 0, sizeof g);
    for (int k = 1; k <= 40; k++) {
        for (size_t r = 0; r < A; r++)
            common[r] = next_normal(&state);
        for (size_t i = 0; i < A * A; i++)
            g[i] += common[i / A] * common[i % A] / k;
    }
    for (size_t r = 0; r < A; r++)
        g[r * (A + 1)] += 0.3;
    use_covariance(covariance, N);
    wsic_stats *const outputs = outputs_of(g, A);
    wsic_problem *const problem = problem_of(many, A, N, outputs);
    ck_assert_int_eq(wsic_plan_get_divergence(plan, &bits), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_add_problem(plan, problem, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_divergence(plan, &bits), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "rate", _i == 0 ? "2.5" : "3.5"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_run_problem(encoder, problem, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_get_report(encoder, &report), WSIC_OK);
    wsic_layer_info info = {.size = sizeof info};
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, info.rate_codes), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_divergence(plan, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_get_divergence(NULL, &bits), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_get_divergence(plan, &bits), WSIC_OK);
    ck_assert_double_eq(bits, layer_of(0).divergence);
    ck_assert_double_eq_tol(bits, report.divergence, 0.25 * report.divergence);
    /* Twice the matrix, twice the divergence; and more bytes, less of it. */
    ck_assert_int_eq(wsic_plan_add_problem(plan, problem, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, info.rate_codes), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_divergence(plan, &sum), WSIC_OK);
    ck_assert_double_eq_tol(sum, 2.0 * bits, 1e-12);
    for (uint64_t bytes = 2000; bytes <= 16000; bytes *= 2) {
        ck_assert_int_eq(wsic_plan_solve_budget(plan, WSIC_PLAN_WATERFILL, bytes), WSIC_OK);
        ck_assert_int_eq(wsic_plan_get_divergence(plan, &bits), WSIC_OK);
        ck_assert(bytes == 2000 || bits < sum);
        sum = bits;
    }
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_problem_destroy(problem);
    wsic_stats_destroy(outputs);
}
END_TEST

START_TEST(order_of_calls)
{
    wsic_plan_layer layer = {.size = sizeof layer};
    double rates[2];

    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.0), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_plan_solve_distortion(plan, 1.0), WSIC_ERROR_STATE);
    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, &layer), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, rates, 2), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.0), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, &layer), WSIC_OK);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, &layer), WSIC_ERROR_STATE);
}
END_TEST

START_TEST(bad_arguments)
{
    wsic_plan_layer layer = {.size = 8};
    wsic_plan *unmade = plan;
    double rates[1];

    ck_assert_int_eq(wsic_plan_create(NULL, &unmade), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(unmade);
    ck_assert_int_eq(wsic_plan_create(context, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_add(NULL, NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_add(plan, NULL, NULL, NULL), WSIC_ERROR_ARGUMENT);
    use_covariance(correlated, 2);
    ck_assert_int_eq(wsic_plan_add(plan, stats, NULL, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 2, 3, NULL), WSIC_ERROR_SHAPE);
    ck_assert_int_eq(add_weights(weights, WSIC_I8, 3, 2, NULL), WSIC_ERROR_DTYPE);
    ck_assert_uint_eq(wsic_plan_count(plan), 0);

    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 0.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 24.5), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, nan("")), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_distortion(plan, 0.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_distortion(plan, HUGE_VAL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_solve_rate(plan, 1.0), WSIC_OK);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_get_layer(plan, 0, &layer), WSIC_ERROR_STRUCT_SIZE);
    layer.size = sizeof layer;
    ck_assert_int_eq(wsic_plan_get_layer(plan, 1, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_plan_message(plan), "index is 1"));
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, NULL, 2), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_plan_get_column_rates(plan, 0, rates, 1), WSIC_ERROR_BUFFER);
    wsic_plan_destroy(NULL);
}
END_TEST

START_TEST(problems_of_another_context_are_refused)
{
    wsic_context *other;
    wsic_plan *elsewhere;
    wsic_problem *problem;
    wsic_matrix matrix;
    size_t index = 77;

    use_covariance(correlated, 2);
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F64, 3, 2, 0);
    ck_assert_int_eq(wsic_problem_create(context, stats, NULL, &matrix, &problem), WSIC_OK);
    ck_assert_int_eq(wsic_context_create(NULL, &other), WSIC_OK);
    ck_assert_int_eq(wsic_plan_create(other, &elsewhere), WSIC_OK);
    ck_assert_int_eq(wsic_plan_add_problem(elsewhere, problem, &index), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_plan_message(elsewhere), "problem belongs to another context");
    ck_assert_uint_eq(wsic_plan_count(elsewhere), 0);
    ck_assert_uint_eq(index, 77);
    ck_assert_int_eq(wsic_plan_add_problem(plan, problem, &index), WSIC_OK);
    ck_assert_uint_eq(index, 0);
    wsic_problem_destroy(problem);
    wsic_plan_destroy(elsewhere);
    wsic_context_destroy(other);
}
END_TEST

START_TEST(bad_numbers)
{
    const double indefinite[] = {1.0, 1e3, 1e3, 1.0};
    const double holes[] = {1.0, nan(""), 2.0, HUGE_VAL};

    use_covariance(correlated, 2);
    ck_assert_int_eq(add_weights(holes, WSIC_F64, 2, 2, NULL), WSIC_ERROR_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(wsic_plan_message(plan), "row 0, column 1"));
    use_covariance(indefinite, 2);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_ERROR_NOT_POSITIVE_DEFINITE);

    wsic_stats_destroy(stats);
    ck_assert_int_eq(wsic_stats_create(context, 2, &stats), WSIC_OK);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_ERROR_NO_SAMPLES);
    ck_assert_uint_eq(wsic_plan_count(plan), 0);
}
END_TEST

/* Every allocation of an addition fails once: nothing is lost, and the call works
 * with more memory. */
START_TEST(memory_limit)
{
    wsic_status status = WSIC_ERROR_MEMORY_LIMIT;
    uint64_t more = 0;

    use_covariance(correlated, 2);
    const uint64_t before = wsic_context_memory(context, NULL);
    while (status == WSIC_ERROR_MEMORY_LIMIT) {
        more += 64;
        wsic_context_set_memory_limit(context, before + more);
        status = add_weights(weights, WSIC_F64, 3, 2, NULL);
        if (status != WSIC_OK)
            ck_assert_uint_eq(wsic_plan_count(plan), 0);
    }
    ck_assert_int_eq(status, WSIC_OK);
    ck_assert_uint_gt(more, 64);
    ck_assert_uint_eq(wsic_plan_count(plan), 1);
}
END_TEST

START_TEST(cancellation)
{
    use_covariance(correlated, 2);
    wsic_context_stop(context);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_ERROR_CANCELLED);
    ck_assert_uint_eq(wsic_plan_count(plan), 0);
    wsic_context_resume(context);
    ck_assert_int_eq(add_weights(weights, WSIC_F64, 3, 2, NULL), WSIC_OK);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("plan");
    TCase *const cases = tcase_create("plan");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, energy_and_damping_by_hand);
    tcase_add_test(cases, high_rate_by_hand);
    tcase_add_test(cases, distortion_target);
    tcase_add_test(cases, dead_columns);
    tcase_add_test(cases, nothing_to_code);
    tcase_add_test(cases, number_types_and_strides);
    tcase_add_test(cases, units_do_not_matter);
    tcase_add_test(cases, many_matrices);
    tcase_add_test(cases, plans_come_true);
    tcase_add_test(cases, equal_outputs_scale_the_plan);
    tcase_add_loop_test(cases, divergence_is_foretold, 0, 2);
    tcase_add_test(cases, order_of_calls);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, problems_of_another_context_are_refused);
    tcase_add_test(cases, bad_numbers);
    tcase_add_test(cases, memory_limit);
    tcase_add_test(cases, cancellation);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
