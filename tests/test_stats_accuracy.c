/* SPDX-License-Identifier: MIT */
/* Sums of products in single precision against sums in long double, on data that make it hard, and
 * the bound that docs/algorithm.md states ("Sums of products"). */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "check_main.h"
#include "random.h"
#include "watersic/watersic.h"

/* More than one tile, and tokens in three blocks, the last one short. */
enum { n = 300, tokens = 1600, block = 768 };

static const double deepest = 518 * 0x1p-24 / (1 - 518 * 0x1p-24);

static double x[tokens][n];
static double weights[tokens];
static float stored[tokens * n]; /* room for any type but doubles */

/* --- data -------------------------------------------------------------------- */

typedef double maker(random_state *random, size_t t, size_t j);

static double plain(random_state *random, size_t t, size_t j)
{
    (void)t;
    (void)j;
    return random_normal(random);
}

static double large_mean(random_state *random, size_t t, size_t j)
{
    (void)t;
    return (j % 2 ? 1000 : -3000) + random_normal(random);
}

static double constant(random_state *random, size_t t, size_t j)
{
    (void)t;
    return j % 3 == 0 ? 0.1 * (double)(j + 1) : random_normal(random);
}

/* The squares of the largest and the smallest leave the range of single precision. */
static double wide_scales(random_state *random, size_t t, size_t j)
{
    (void)t;
    return ldexp(random_normal(random), (int)(j % 241) - 120);
}

static double outliers(random_state *random, size_t t, size_t j)
{
    (void)j;
    return (t % 97 == 5 ? 1e4 : 1) * random_normal(random);
}

static double jumping_mean(random_state *random, size_t t, size_t j)
{
    return (t < tokens / 2 ? 0 : 500 + (double)j) + random_normal(random);
}

/* All of one sign, so that nothing cancels and every rounding goes the same way. */
static double one_sided(random_state *random, size_t t, size_t j)
{
    (void)t;
    (void)j;
    return 1 + 0x1p-12 * random_uniform(random);
}

static double least_numbers(random_state *random, size_t t, size_t j)
{
    (void)t;
    return 1e-41 * random_normal(random) + (j % 5 == 0 ? 1e-39 : 0);
}

static double greatest_numbers(random_state *random, size_t t, size_t j)
{
    (void)t;
    return j == 0 ? 1e10 * random_normal(random) : 3e38 * random_symmetric(random);
}

static maker *const makers[] = {plain,        large_mean, constant,      wide_scales,     outliers,
                                jumping_mean, one_sided,  least_numbers, greatest_numbers};

enum { maker_count = sizeof makers / sizeof makers[0] };

/* As it is stored: x holds what the library sees. */
static void store(maker *make, uint32_t dtype)
{
    random_state random = {17};
    const size_t size = wsic_dtype_size(dtype);

    for (size_t t = 0; t < tokens; t++) {
        for (size_t j = 0; j < n; j++) {
            const float value = (float)make(&random, t, j);
            wsic_store_f32((char *)stored + (t * n + j) * size, dtype, &value, 1);
        }
        wsic_load_f64(x[t], (const char *)stored + t * n * size, dtype, n);
    }
}

/* --- what is true ------------------------------------------------------------- */

static long double exact_sum(size_t i, size_t j, bool weighted)
{
    long double sum = 0;

    for (size_t t = 0; t < tokens; t++)
        sum += (weighted ? weights[t] : 1.0L) * (long double)x[t][i] * x[t][j];
    return sum;
}

/* Σ w (x - c)² of a block, where c is within rounding of the mean, or 0 where that is at most twice
 * as much. */
static double spread(size_t j, size_t first, size_t end, bool weighted)
{
    long double weight = 0, sum = 0, squares = 0;

    for (size_t t = first; t < end; t++) {
        const long double w = weighted ? weights[t] : 1.0L;
        weight += w;
        sum += w * x[t][j];
    }
    const long double mean = weight > 0 ? sum / weight : 0;
    for (size_t t = first; t < end; t++) {
        const long double w = weighted ? weights[t] : 1.0L;
        squares += w * (x[t][j] - mean) * (x[t][j] - mean);
    }
    return (double)(2 * squares + weight * 0x1p-48L * mean * mean);
}

/* The bound of the documentation. */
static double allowed(size_t i, size_t j, bool weighted)
{
    double sum = 0;

    for (size_t first = 0; first < tokens; first += block) {
        const size_t end = first + block < tokens ? first + block : tokens;
        sum += deepest * sqrt(spread(i, first, end, weighted) * spread(j, first, end, weighted));
    }
    return sum + 0x1p-48 * sqrt((double)(exact_sum(i, i, weighted) * exact_sum(j, j, weighted)));
}

/* Elements here and there, the same ones for every kind of data, with all tiles among them. */
static void check(const double *found, double samples, bool weighted)
{
    random_state random = {23};

    for (int sample = 0; sample < 60; sample++) {
        const size_t i = (size_t)(random_bits(&random) % n);
        const size_t j = sample % 4 == 0 ? i : (size_t)(random_bits(&random) % n);
        const long double error =
            found[i * n + j] * (long double)samples - exact_sum(i, j, weighted);
        ck_assert_msg(fabsl(error) <= allowed(i, j, weighted), "(%zu, %zu): %Lg, more than %g", i,
                      j, fabsl(error), allowed(i, j, weighted));
    }
}

/* --- runs ---------------------------------------------------------------------- */

struct request {
    int32_t threads;
    uint32_t dtype;
    bool weighted;
    bool pairs;
    int32_t moment;
};

static void read_moment(struct request request, double *found)
{
    const double *const used = request.weighted ? weights : NULL;
    wsic_context *context;
    wsic_stats *stats;
    wsic_matrix given, values;

    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(context, request.threads), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, n, &stats), WSIC_OK);
    wsic_matrix_init(&given, sizeof given, stored, request.dtype, tokens, n, 0);
    wsic_matrix_init(&values, sizeof values, found, WSIC_F64, n, n, 0);
    const wsic_status status = request.pairs
                                   ? wsic_stats_add_pair(stats, &given, &given, NULL, used)
                                   : wsic_stats_add_activations(stats, &given, used);
    ck_assert_int_eq(status, WSIC_OK);
    ck_assert_int_eq(wsic_stats_get_moment(stats, request.moment, &values), WSIC_OK);
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
}

static void covariance(int32_t threads, uint32_t dtype, bool weighted, bool pairs, double *found)
{
    read_moment((struct request){threads, dtype, weighted, pairs,
                                 pairs ? WSIC_MOMENT_CROSS : WSIC_MOMENT_INPUT},
                found);
}

static void moment_of_pairs(int32_t moment, double *found)
{
    read_moment((struct request){1, WSIC_F32, false, true, moment}, found);
}

static double *make_covariance(void)
{
    double *const found = malloc(n * n * sizeof *found);

    ck_assert_ptr_nonnull(found);
    return found;
}

static void set_weights(double least, double most)
{
    random_state random = {29};

    for (size_t t = 0; t < tokens; t++)
        weights[t] = t % 50 == 7 ? 0 : least * pow(most / least, random_uniform(&random));
}

START_TEST(sums_keep_to_their_bound)
{
    double *const found = make_covariance();
    double samples = 0;

    store(makers[_i], WSIC_F32);
    covariance(1, WSIC_F32, false, false, found);
    check(found, tokens, false);
    covariance(1, WSIC_F32, false, true, found);
    check(found, tokens, false);
    set_weights(1e-6, 1e6);
    for (size_t t = 0; t < tokens; t++)
        samples += weights[t];
    covariance(1, WSIC_F32, true, false, found);
    check(found, samples, true);
    free(found);
}
END_TEST

START_TEST(narrow_types_keep_to_the_bound)
{
    double *const found = make_covariance();

    store(large_mean, WSIC_F16);
    covariance(1, WSIC_F16, false, false, found);
    check(found, tokens, false);
    store(makers[_i], WSIC_BF16);
    covariance(1, WSIC_BF16, false, false, found);
    check(found, tokens, false);
    free(found);
}
END_TEST

/* Their roots would not fit into single precision. */
START_TEST(weights_far_apart_lose_nothing)
{
    double *const found = make_covariance();
    double samples = 0;

    set_weights(1e-90, 1e90);
    store(plain, WSIC_F32);
    for (size_t t = 0; t < tokens; t++)
        samples += weights[t];
    covariance(1, WSIC_F32, true, false, found);
    check(found, samples, true);
    free(found);
}
END_TEST

/* By rounding neither: what does not drift is told by the two being the same. */
START_TEST(equal_pairs_have_equal_moments)
{
    static const int32_t moments[] = {WSIC_MOMENT_INPUT, WSIC_MOMENT_QUANTIZED, WSIC_MOMENT_CROSS};
    double *const found[] = {make_covariance(), make_covariance(), make_covariance()};

    store(makers[_i], WSIC_F32);
    for (size_t k = 0; k < 3; k++)
        moment_of_pairs(moments[k], found[k]);
    ck_assert_mem_eq(found[1], found[0], n * n * sizeof *found[0]);
    ck_assert_mem_eq(found[2], found[0], n * n * sizeof *found[0]);
    for (size_t k = 0; k < 3; k++)
        free(found[k]);
}
END_TEST

START_TEST(whole_numbers_are_exact)
{
    double *const found = make_covariance();
    random_state random = {31};

    for (size_t t = 0; t < tokens; t++)
        for (size_t j = 0; j < n; j++) {
            x[t][j] = (double)(random_bits(&random) % 201) - 100;
            stored[t * n + j] = (float)x[t][j];
        }
    covariance(1, WSIC_F32, false, false, found);
    for (size_t i = 0; i < n; i += 7)
        for (size_t j = 0; j < n; j += 5)
            ck_assert_double_eq(found[i * n + j], (double)exact_sum(i, j, false) / tokens);
    free(found);
}
END_TEST

START_TEST(a_constant_input_has_no_error)
{
    double *const found = make_covariance();

    for (size_t t = 0; t < tokens; t++)
        for (size_t j = 0; j < n; j++)
            stored[t * n + j] = 0.1F * (float)(j + 1);
    covariance(1, WSIC_F32, false, false, found);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double expected = (double)stored[i] * (double)stored[j];
            ck_assert_double_eq_tol(found[i * n + j], expected, 1e-13 * expected);
        }
    free(found);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const uint32_t dtypes[] = {WSIC_F32, WSIC_F16, WSIC_BF16};
    double *const alone = make_covariance();
    double *const shared = make_covariance();

    set_weights(0.1, 10);
    for (size_t d = 0; d < 3; d++)
        for (int pairs = 0; pairs < 2; pairs++) {
            store(large_mean, dtypes[d]);
            covariance(1, dtypes[d], true, pairs, alone);
            for (int32_t threads = 2; threads <= 5; threads += 3) {
                covariance(threads, dtypes[d], true, pairs, shared);
                ck_assert_mem_eq(shared, alone, n * n * sizeof *alone);
            }
        }
    free(alone);
    free(shared);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("accuracy of statistics");
    TCase *const sums = tcase_create("sums");

    tcase_set_timeout(sums, 60);
    tcase_add_loop_test(sums, sums_keep_to_their_bound, 0, maker_count);
    tcase_add_loop_test(sums, narrow_types_keep_to_the_bound, 0, maker_count);
    tcase_add_test(sums, weights_far_apart_lose_nothing);
    tcase_add_loop_test(sums, equal_pairs_have_equal_moments, 0, maker_count);
    tcase_add_test(sums, whole_numbers_are_exact);
    tcase_add_test(sums, a_constant_input_has_no_error);
    tcase_add_test(sums, threads_do_not_change_a_bit);
    suite_add_tcase(suite, sums);
    return run_suite(suite);
}
