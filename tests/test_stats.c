/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include "api/stats.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "tokens.h"
#include "watersic/watersic.h"

static counting_allocator counter;
static wsic_context *context;
static wsic_stats *stats;

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &stats), WSIC_OK);
}

static void end(void)
{
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

/* --- helpers ------------------------------------------------------------- */

static double token_value(const tokens *batch, size_t t, size_t j)
{
    const size_t size = wsic_dtype_size(batch->matrix.dtype);
    double value;

    wsic_load_f64(&value, (const char *)batch->storage + (t * STRIDE + j) * size,
                  batch->matrix.dtype, 1);
    return value;
}

/* The definition: the mean of w x x^T. */
static double naive_covariance(const tokens *batch, const double *weights, size_t i, size_t j)
{
    double sum = 0, total = 0;

    for (size_t t = 0; t < batch->matrix.rows; t++) {
        const double w = weights ? weights[t] : 1;
        sum += w * token_value(batch, t, i) * token_value(batch, t, j);
        total += w;
    }
    return sum / total;
}

static void covariance_of(const wsic_stats *from, double *out)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, out, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(from, &matrix), WSIC_OK);
}

static void check_close(const double *found, const double *expected, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs(found[i] - expected[i]) <= 1e-12 * largest, "%zu: %.17g, not %.17g", i,
                      found[i], expected[i]);
}

/* error: in units of the roots of the two variances. */
static void check_within(const double *found, const double *expected, double error)
{
    for (size_t i = 0; i < N * N; i++) {
        const double unit = sqrt(expected[i / N * (N + 1)] * expected[i % N * (N + 1)]);
        ck_assert_double_le(fabs(found[i] - expected[i]), error * unit);
    }
}

/* Nothing of a refused call may remain. */
static void check_untouched(double samples, const double *covariance)
{
    double found[N * N];

    ck_assert(wsic_stats_samples(stats) == samples);
    covariance_of(stats, found);
    ck_assert_mem_eq(found, covariance, sizeof found);
}

static const char *message(void)
{
    return wsic_stats_message(stats);
}

/* --- activations --------------------------------------------------------- */

START_TEST(activations_of_every_type_match_the_definition)
{
    const uint32_t dtypes[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_BF16};
    const size_t counts[] = {1, 255, 256, 257, TOKENS};
    static tokens batch;
    double expected[N * N], found[N * N];

    for (size_t d = 0; d < 4; d++) {
        for (size_t c = 0; c < 5; c++) {
            for (int weighted = 0; weighted < 2; weighted++) {
                wsic_stats *fresh;
                make_tokens(&batch, dtypes[d], counts[c], d + 10 * c);
                const double *const weights = weighted ? batch.weights : NULL;
                ck_assert_int_eq(wsic_stats_create(context, N, &fresh), WSIC_OK);
                ck_assert_int_eq(wsic_stats_add_activations(fresh, &batch.matrix, weights),
                                 WSIC_OK);
                for (size_t i = 0; i < N * N; i++)
                    expected[i] = naive_covariance(&batch, weights, i / N, i % N);
                covariance_of(fresh, found);
                check_within(found, expected, tokens_error(dtypes[d]));
                wsic_stats_destroy(fresh);
            }
        }
    }
}
END_TEST

START_TEST(samples_are_the_sum_of_weights)
{
    static tokens batch;
    double total = 0;

    make_tokens(&batch, WSIC_F32, 300, 5);
    for (size_t t = 0; t < 300; t++)
        total += batch.weights[t];
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights), WSIC_OK);
    ck_assert_double_eq_tol(wsic_stats_samples(stats), total, 1e-12 * total);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    ck_assert_double_eq_tol(wsic_stats_samples(stats), total + 300, 1e-12 * total);
}
END_TEST

START_TEST(a_weight_of_two_is_adding_twice)
{
    static tokens batch;
    wsic_stats *twice;
    double found[N * N], expected[N * N];

    make_tokens(&batch, WSIC_F64, TOKENS, 6);
    for (size_t t = 0; t < TOKENS; t++)
        batch.weights[t] = 2;
    ck_assert_int_eq(wsic_stats_create(context, N, &twice), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(twice, &batch.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(twice, &batch.matrix, NULL), WSIC_OK);
    ck_assert(wsic_stats_samples(stats) == wsic_stats_samples(twice));
    covariance_of(stats, found);
    covariance_of(twice, expected);
    check_close(found, expected, N * N);
    wsic_stats_destroy(twice);
}
END_TEST

START_TEST(a_weight_of_zero_is_not_adding)
{
    static tokens batch;
    double before[N * N], after[N * N];

    make_tokens(&batch, WSIC_F64, 100, 7);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    covariance_of(stats, before);
    memset(batch.weights, 0, sizeof batch.weights);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights), WSIC_OK);
    covariance_of(stats, after);
    ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

START_TEST(bad_batches_change_nothing)
{
    static tokens batch;
    double covariance[N * N];
    wsic_matrix bad;

    make_tokens(&batch, WSIC_F64, 300, 8);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    covariance_of(stats, covariance);

    ck_assert_int_eq(wsic_stats_add_activations(NULL, &batch.matrix, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_activations(stats, NULL, NULL), WSIC_ERROR_ARGUMENT);
    bad = batch.matrix;
    bad.columns = N + 1;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_SHAPE);
    bad = batch.matrix;
    bad.dtype = WSIC_I8;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_DTYPE);
    bad = batch.matrix;
    bad.rows = 0;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_ARGUMENT);
    bad = batch.matrix;
    bad.row_stride = N - 1;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_ARGUMENT);
    bad = batch.matrix;
    bad.data = NULL;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_ARGUMENT);
    bad = batch.matrix;
    bad.size = 0;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &bad, NULL), WSIC_ERROR_STRUCT_SIZE);
    check_untouched(300, covariance);

    batch.storage[290 * STRIDE + 3] = (double)NAN;
    batch.storage[299 * STRIDE + 6] = (double)INFINITY;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_ERROR_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(message(), "290"));
    ck_assert_ptr_nonnull(strstr(message(), "3"));
    ck_assert_ptr_nonnull(strstr(message(), "2 such"));
    check_untouched(300, covariance);
}
END_TEST

START_TEST(bad_weights_change_nothing)
{
    static tokens batch;
    double covariance[N * N];

    make_tokens(&batch, WSIC_F64, 300, 9);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    covariance_of(stats, covariance);
    batch.weights[271] = -0.25;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(message(), "weights[271] is -0.25"));
    batch.weights[271] = (double)INFINITY;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights),
                     WSIC_ERROR_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(message(), "weights[271]"));
    check_untouched(300, covariance);
}
END_TEST

START_TEST(sums_cannot_overflow)
{
    double x[2 * N] = {1e200, 1};
    const double tiny[2] = {1e-200, 1e-200};
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, x, WSIC_F64, 2, N, 0);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &matrix, NULL), WSIC_ERROR_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(message(), "range"));
    /* The sum would be finite, but not the covariance. */
    ck_assert_int_eq(wsic_stats_add_activations(stats, &matrix, tiny), WSIC_ERROR_NOT_FINITE);
    ck_assert(wsic_stats_samples(stats) == 0);
    x[0] = 1e150;
    ck_assert_int_eq(wsic_stats_add_activations(stats, &matrix, NULL), WSIC_OK);
    ck_assert(wsic_stats_samples(stats) == 2);
}
END_TEST

/* --- covariances --------------------------------------------------------- */

static void symmetric(double *covariance)
{
    random_state random = {3};

    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j <= i; j++)
            covariance[i * N + j] = covariance[j * N + i] = random_symmetric(&random) * 0.1;
        covariance[i * N + i] = 1 + (double)i;
    }
}

START_TEST(a_covariance_comes_back)
{
    double covariance[N * N], found[N * N];
    float single[N * N];
    wsic_matrix matrix;

    symmetric(covariance);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 40), WSIC_OK);
    ck_assert(wsic_stats_samples(stats) == 40);
    covariance_of(stats, found);
    check_close(found, covariance, N * N);

    wsic_matrix_init(&matrix, sizeof matrix, single, WSIC_F32, N, N, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_OK);
    for (size_t i = 0; i < N * N; i++)
        ck_assert_double_eq_tol((double)single[i], covariance[i], 1e-6);
    /* Adding the mean again changes the number of samples only. */
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 2.5), WSIC_OK);
    ck_assert(wsic_stats_samples(stats) == 42.5);
    covariance_of(stats, found);
    for (size_t i = 0; i < N * N; i++)
        ck_assert_double_eq_tol(found[i], covariance[i], 1e-6);
}
END_TEST

START_TEST(halves_are_averaged)
{
    double covariance[N * N], found[N * N];
    wsic_matrix matrix;

    symmetric(covariance);
    covariance[3 * N + 1] = 0.5 + 2e-6;
    covariance[1 * N + 3] = 0.5;
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_OK);
    covariance_of(stats, found);
    ck_assert_double_eq_tol(found[3 * N + 1], 0.5 + 1e-6, 1e-12);
    ck_assert(found[3 * N + 1] == found[1 * N + 3]);
}
END_TEST

START_TEST(bad_covariances_change_nothing)
{
    const double bad_samples[] = {0, -1, (double)NAN, (double)INFINITY};
    double covariance[N * N];
    wsic_matrix matrix;

    symmetric(covariance);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, N, N, 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, bad_samples[i]),
                         WSIC_ERROR_ARGUMENT);
    /* The largest diagonal element is N: 1e-5 of it is 7e-5. */
    covariance[5 * N + 2] += 8e-5;
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(message(), "(5, 2)"));
    symmetric(covariance);
    covariance[4 * N + 4] = -1e-3;
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(message(), "(4, 4)"));
    covariance[4 * N + 4] = (double)NAN;
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_ERROR_NOT_FINITE);
    symmetric(covariance);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, DBL_MAX), WSIC_ERROR_NOT_FINITE);
    matrix.rows = N - 1;
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_ERROR_SHAPE);
    matrix.rows = N;
    matrix.dtype = WSIC_F16;
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_ERROR_DTYPE);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, NULL, 1), WSIC_ERROR_ARGUMENT);
    ck_assert(wsic_stats_samples(stats) == 0);
}
END_TEST

START_TEST(reading_checks_its_matrix)
{
    double covariance[N * (N + 2)] = {0};
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, N, N, N + 2);
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_ERROR_NO_SAMPLES);
    matrix.dtype = WSIC_BF16;
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_ERROR_DTYPE);
    matrix.dtype = WSIC_F64;
    matrix.columns = N + 1;
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_ERROR_SHAPE);
    matrix.columns = N;

    /* Gaps between rows stay as they are. */
    static tokens batch;
    make_tokens(&batch, WSIC_F32, 3, 1);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    for (size_t i = 0; i < N * (N + 2); i++)
        covariance[i] = 99;
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_OK);
    for (size_t i = 0; i < N; i++) {
        ck_assert(covariance[i * (N + 2) + N] == 99 && covariance[i * (N + 2) + N + 1] == 99);
        ck_assert(covariance[i * (N + 2) + i] != 99);
    }
}
END_TEST

/* --- merging ------------------------------------------------------------- */

START_TEST(merging_is_adding_all)
{
    static tokens first, second;
    double found[N * N], expected[N * N];
    wsic_context *elsewhere;
    wsic_stats *other, *all;

    make_tokens(&first, WSIC_F32, 100, 11);
    make_tokens(&second, WSIC_F16, 200, 12);
    ck_assert_int_eq(wsic_context_create(NULL, &elsewhere), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(elsewhere, N, &other), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &all), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &first.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(other, &second.matrix, second.weights), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(all, &first.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(all, &second.matrix, second.weights), WSIC_OK);

    ck_assert_int_eq(wsic_stats_merge(stats, other), WSIC_OK);
    covariance_of(stats, found);
    covariance_of(all, expected);
    check_close(found, expected, N * N);
    ck_assert_double_eq_tol(wsic_stats_samples(stats), wsic_stats_samples(all), 1e-9);

    ck_assert_int_eq(wsic_stats_merge(stats, stats), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_merge(stats, NULL), WSIC_ERROR_ARGUMENT);
    wsic_stats_destroy(other);
    ck_assert_int_eq(wsic_stats_create(elsewhere, N + 1, &other), WSIC_OK);
    ck_assert_int_eq(wsic_stats_merge(stats, other), WSIC_ERROR_SHAPE);
    wsic_stats_destroy(other);
    wsic_stats_destroy(all);
    wsic_context_destroy(elsewhere);
}
END_TEST

/* --- spectrum ------------------------------------------------------------ */

START_TEST(the_spectrum_is_that_of_the_covariance)
{
    double covariance[N * N] = {0}, eigenvalues[N];
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_stats_get_spectrum(stats, eigenvalues), WSIC_ERROR_NO_SAMPLES);
    /* Two coupled coordinates: 2 +- 1; the others 5, 0.5 and 0. */
    covariance[0] = covariance[N + 1] = 2;
    covariance[1] = covariance[N] = 1;
    covariance[3 * N + 3] = 5;
    covariance[4 * N + 4] = 0.5;
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 10), WSIC_OK);
    ck_assert_ptr_null(wsic_stats_cached_spectrum(stats));
    ck_assert_int_eq(wsic_stats_get_spectrum(stats, eigenvalues), WSIC_OK);
    const double expected[N] = {5, 3, 1, 0.5, 0, 0, 0};
    check_close(eigenvalues, expected, N);
    for (size_t i = 0; i < N; i++)
        ck_assert(eigenvalues[i] >= 0 && !signbit(eigenvalues[i]));
}
END_TEST

START_TEST(the_spectrum_is_kept_until_samples_are_added)
{
    static tokens batch;
    double first[N], again[N], trace = 0, covariance[N * N];

    make_tokens(&batch, WSIC_F32, 100, 2);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_stats_get_spectrum(stats, NULL), WSIC_OK);
    const double *const kept = wsic_stats_cached_spectrum(stats);
    ck_assert_ptr_nonnull(kept);
    counter.calls = 0;
    ck_assert_int_eq(wsic_stats_get_spectrum(stats, first), WSIC_OK);
    ck_assert_uint_eq(counter.calls, 0);
    ck_assert_mem_eq(first, kept, sizeof first);

    make_tokens(&batch, WSIC_F32, 100, 3);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, NULL), WSIC_OK);
    ck_assert_ptr_null(wsic_stats_cached_spectrum(stats));
    ck_assert_int_eq(wsic_stats_get_spectrum(stats, again), WSIC_OK);
    ck_assert(first[0] != again[0]);
    covariance_of(stats, covariance);
    for (size_t i = 0; i < N; i++)
        trace += covariance[i * N + i] - again[i];
    ck_assert_double_eq_tol(trace, 0, 1e-11 * again[0]);
}
END_TEST

/* --- creation ------------------------------------------------------------ */

/* A number of 16 bits becomes one of 32 without rounding, and so all kernels must read the same. */
START_TEST(kernels_read_the_same_halves)
{
    static const int32_t kernels[] = {WSIC_KERNELS_C, WSIC_KERNELS_AUTO};
    uint16_t halves[40 * N];
    double found[2][N * N];
    wsic_matrix matrix;

    for (size_t k = 0; k < sizeof halves / sizeof *halves; k++)
        halves[k] = (uint16_t)((k + 1) * 2654435761U >> 16 & 0xBFFFU); /* below 2 */
    wsic_matrix_init(&matrix, sizeof matrix, halves, WSIC_F16, 40, N, 0);
    for (size_t k = 0; k < 2; k++) {
        wsic_stats *made;
        ck_assert_int_eq(wsic_context_set_kernels(context, kernels[k]), WSIC_OK);
        ck_assert_int_eq(wsic_stats_create(context, N, &made), WSIC_OK);
        ck_assert_int_eq(wsic_stats_add_activations(made, &matrix, NULL), WSIC_OK);
        covariance_of(made, found[k]);
        wsic_stats_destroy(made);
    }
    ck_assert_mem_eq(found[0], found[1], sizeof found[0]);
}
END_TEST

START_TEST(creation_checks_its_arguments)
{
    wsic_stats *none = stats;

    ck_assert_int_eq(wsic_stats_create(NULL, N, &none), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(wsic_stats_create(context, N, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_create(context, 0, &none), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_create(context, (size_t)1 << 31, &none), WSIC_ERROR_TOO_LARGE);
    ck_assert_int_eq(wsic_stats_create(context, SIZE_MAX, &none), WSIC_ERROR_TOO_LARGE);
    ck_assert_ptr_null(none);
    wsic_stats_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stats");
    TCase *const tests = tcase_create("stats");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, activations_of_every_type_match_the_definition);
    tcase_add_test(tests, samples_are_the_sum_of_weights);
    tcase_add_test(tests, a_weight_of_two_is_adding_twice);
    tcase_add_test(tests, a_weight_of_zero_is_not_adding);
    tcase_add_test(tests, bad_batches_change_nothing);
    tcase_add_test(tests, bad_weights_change_nothing);
    tcase_add_test(tests, sums_cannot_overflow);
    tcase_add_test(tests, a_covariance_comes_back);
    tcase_add_test(tests, halves_are_averaged);
    tcase_add_test(tests, bad_covariances_change_nothing);
    tcase_add_test(tests, reading_checks_its_matrix);
    tcase_add_test(tests, merging_is_adding_all);
    tcase_add_test(tests, the_spectrum_is_that_of_the_covariance);
    tcase_add_test(tests, the_spectrum_is_kept_until_samples_are_added);
    tcase_add_test(tests, kernels_read_the_same_halves);
    tcase_add_test(tests, creation_checks_its_arguments);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
