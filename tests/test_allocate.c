/* SPDX-License-Identifier: MIT */
/* The scalar model against direct sums in higher precision and its two limits; the
 * allocation against its targets. */
#include <math.h>
#include <stdint.h>

#include "check_main.h"
#include "waterfill/allocate.h"
#include "waterfill/scalar_curve.h"
#include "waterfill/scalar_rate.h"

static const double pi = 3.14159265358979323846;

/* --- the scalar model ----------------------------------------------------- */

typedef struct direct_figures {
    long double entropy;
    long double distortion;
} direct_figures;

/* Q((k - ½) / ρ), the probability that x is beyond the lower edge of cell k. */
static long double upper_tail(long double k, long double rho)
{
    return 0.5L * erfcl((k - 0.5L) / (rho * sqrtl(2.0L)));
}

static long double density(long double x, long double rho)
{
    return expl(-0.5L * (x / rho) * (x / rho)) / (rho * sqrtl(2.0L * acosl(-1.0L)));
}

/* Straight from the definitions, cell by cell; ∫ x f over a cell is ρ² (f(low) - f(high)). */
static direct_figures direct_sums(long double rho)
{
    const long double centre = 1.0L - 2.0L * upper_tail(1.0L, rho);
    long double entropy = -centre * log2l(centre), correlation = 0.0L, energy = 0.0L;

    for (long double k = 1.0L; k < 2.0L + 40.0L * rho; k += 1.0L) {
        const long double p = upper_tail(k, rho) - upper_tail(k + 1.0L, rho);
        if (p > 0.0L)
            entropy -= 2.0L * p * log2l(p);
        energy += 2.0L * k * k * p;
        correlation += 2.0L * k * rho * rho * (density(k - 0.5L, rho) - density(k + 0.5L, rho));
    }
    const long double explained = energy > 0.0L ? correlation * correlation / energy : 0.0L;
    return (direct_figures){entropy, rho * rho - explained};
}

START_TEST(scalar_figures_are_those_of_direct_sums)
{
    for (double rho = 0.03; rho < 40.0; rho *= 1.013) {
        const direct_figures direct = direct_sums((long double)rho);
        ck_assert_double_eq_tol(wsic_scalar_entropy(rho), (double)direct.entropy, 1e-10);
        ck_assert_double_eq_tol(wsic_scalar_distortion(rho), (double)direct.distortion, 1e-10);
    }
}
END_TEST

START_TEST(scalar_figures_are_smooth_where_the_method_changes)
{
    const double below = nextafter(2.0, 0.0);

    ck_assert_double_eq_tol(wsic_scalar_entropy(below), wsic_scalar_entropy(2.0), 1e-10);
    ck_assert_double_eq_tol(wsic_scalar_distortion(below), wsic_scalar_distortion(2.0), 1e-14);
}
END_TEST

START_TEST(high_rate_limits)
{
    for (double rho = 1e3; rho < 1e300; rho *= 1e7) {
        const double law = log2(rho) + 0.5 * log2(2.0 * pi * exp(1.0));
        ck_assert_double_eq_tol(wsic_scalar_entropy(rho), law, 0.1 / rho / rho + 1e-12);
        ck_assert_double_eq_tol(wsic_scalar_distortion(rho), 1.0 / 12.0, 1e-2 / rho / rho + 1e-15);
    }
}
END_TEST

START_TEST(low_rate_limits)
{
    for (double rho = 0.1; rho > 1e-150; rho *= 0.3) {
        ck_assert_double_le(wsic_scalar_distortion(rho), rho * rho);
        ck_assert_double_ge(wsic_scalar_distortion(rho), rho * rho * (1.0 - 1e-4));
        ck_assert_double_ge(wsic_scalar_entropy(rho), 0.0);
        ck_assert_double_le(wsic_scalar_entropy(rho), 1e-4);
    }
    ck_assert_double_eq(wsic_scalar_entropy(0.0), 0.0);
    ck_assert_double_eq(wsic_scalar_distortion(0.0), 0.0);
}
END_TEST

/* Rounding cannot beat the Gaussian rate-distortion function, and at high rate loses
 * ½ log2(2πe / 12) to it. */
START_TEST(scalar_loss_is_between_zero_and_a_quarter_bit)
{
    const double most = 0.5 * log2(2.0 * pi * exp(1.0) / 12.0);

    for (double rho = 0.05; rho < 100.0; rho *= 1.01) {
        const double limit = 0.5 * log2(rho * rho / wsic_scalar_distortion(rho));
        const double loss = wsic_scalar_entropy(rho) - limit;
        ck_assert_double_ge(loss, -1e-15);
        ck_assert_double_le(loss, most + 1e-10);
    }
    ck_assert_double_eq_tol(most, 0.2546, 5e-5);
}
END_TEST

START_TEST(scalar_figures_are_monotone)
{
    for (double rho = 0.2; rho < 50.0; rho *= 1.003) {
        const double wider = 1.003 * rho;
        ck_assert_double_gt(wsic_scalar_entropy(wider), wsic_scalar_entropy(rho));
        ck_assert_double_gt(wsic_scalar_distortion(wider), wsic_scalar_distortion(rho));
        /* also relative to the energy: a finer step never hurts */
        ck_assert_double_lt(wsic_scalar_distortion(wider) / (wider * wider),
                            wsic_scalar_distortion(rho) / (rho * rho));
    }
}
END_TEST

/* --- the allocation ------------------------------------------------------- */

enum { N = 64 };

/* The columns of two layers of 96 × 64: σ_j = √s_j L_jj. The steps that go with
 * them were computed by the authors' implementation. */
static const double layer_at_1_bit[N] = {
    3.406353928,  1.4330977,    0.8759616296, 0.5261258232, 0.5069867196, 2.828210429,
    0.7673775923, 0.4673578557, 0.1614201982, 1.997748497,  0.5881200773, 1.848919712,
    0.6345445084, 1.431740282,  0.253180602,  0.6381707141, 0.4385638281, 0.6870346379,
    1.131420417,  0.55445539,   0.5759833508, 0.1326643831, 0.6364619397, 0.2948624568,
    0.4574092518, 0.3920882578, 0.6705363536, 0.5155396196, 0.7447585642, 0.3077917233,
    0.3856859522, 0.2730420049, 0.3865787089, 0.8164430391, 0.714795003,  0.2437784437,
    0.2658992293, 0.2379091848, 1.634870851,  0.3927536385, 0.4746883156, 0.8856471711,
    0.4503530077, 0.772215612,  0.5020339671, 0.3796541894, 0.3895652638, 1.013298159,
    0.8096485336, 0.3761063623, 1.16126183,   0.6536159857, 0.7501374048, 0.3047521353,
    0.9119174219, 0.1440840424, 0.3714308839, 0.4109160123, 0.2255281375, 0.7419069251,
    0.2452962275, 0.3226735847, 0.6227820207, 0.9002689267};
static const double layer_at_3_bits[N] = {
    0.07559493333, 2.830396568,  0.5679486202, 0.7327526925, 0.5712937878, 0.8612632694,
    0.8128585087,  0.4812544789, 0.2329611851, 0.4956890026, 0.3480814246, 0.4619861587,
    0.4226577521,  0.193990863,  0.2658541194, 0.2882965604, 0.644349478,  0.7516986584,
    0.4420048186,  0.187212781,  0.7408174015, 1.236047499,  0.2773264281, 0.5472045553,
    0.4847023073,  0.5696971435, 0.5806189612, 1.670492821,  0.8748446604, 0.5011538849,
    0.4729109031,  0.2817516567, 2.429176795,  0.5795082842, 0.6428487116, 0.390574001,
    1.005284578,   0.2885787898, 0.9628000928, 0.3627311425, 0.4246890857, 0.720298554,
    0.8142036235,  0.8545138253, 0.2523519127, 0.14074843,   0.3871201833, 0.208724208,
    0.6074458654,  0.8760301952, 0.8364633258, 0.6736708872, 0.7561858624, 0.1958883804,
    0.1005206043,  0.1825662028, 0.7954343019, 0.3765895393, 0.562274422,  0.4566313607,
    1.248244141,   0.4184207901, 0.1814002726, 0.3551995292};

static double mean_energy(const double *sigma, size_t n)
{
    double sum = 0.0;
    for (size_t j = 0; j < n; j++)
        sum += sigma[j] * sigma[j];
    return sum / (double)n;
}

START_TEST(reference_step_is_that_of_the_authors)
{
    ck_assert_double_eq_tol(wsic_reference_step(layer_at_1_bit, N, 1.0), 0.9624867995580704, 1e-9);
    ck_assert_double_eq_tol(wsic_reference_step(layer_at_3_bits, N, 3.0), 0.21014681089532597,
                            1e-9);
}
END_TEST

START_TEST(reference_step_skips_zeros)
{
    const double sigma[] = {0.0, 2.0, 0.0, 8.0};
    const double zeros[] = {0.0, 0.0};

    /* geometric mean 4, so √12 · 4 / 2^3 */
    ck_assert_double_eq_tol(wsic_reference_step(sigma, 4, 3.0), sqrt(12.0) / 2.0, 1e-14);
    ck_assert_double_eq(wsic_reference_step(zeros, 2, 3.0), 0.0);
}
END_TEST

START_TEST(rate_target_is_met)
{
    wsic_allocation found;
    double rates[N];

    for (double bits = 0.001; bits <= 24.0; bits *= 1.3) {
        double sum = 0.0;
        wsic_allocate_rate(layer_at_1_bit, N, bits, &found);
        ck_assert_double_eq_tol(found.rate, bits, 1e-9);
        ck_assert_double_eq_tol(found.water_level, found.step * found.step / 12.0,
                                1e-15 * found.water_level);
        wsic_column_rates(layer_at_1_bit, N, found.step, rates);
        for (size_t j = 0; j < N; j++)
            sum += rates[j] / N;
        ck_assert_double_eq_tol(sum, bits, 1e-9);
    }
}
END_TEST

START_TEST(distortion_target_is_met)
{
    const double energy = mean_energy(layer_at_1_bit, N);
    wsic_allocation found, again;

    for (double target = 1e-14 * energy; target < 0.999 * energy; target *= 1.7) {
        wsic_allocate_distortion(layer_at_1_bit, N, target, &found);
        ck_assert_double_eq_tol(found.distortion, target, 1e-9 * target);
        wsic_allocate_rate(layer_at_1_bit, N, found.rate, &again);
        ck_assert_double_eq_tol(again.step, found.step, 1e-8 * found.step);
        ck_assert_double_eq_tol(again.distortion, target, 1e-8 * target);
    }
}
END_TEST

/* One kind of column has nothing to allocate: the step is that of the scalar model. */
START_TEST(equal_columns_follow_the_scalar_model)
{
    double sigma[N];
    wsic_allocation found;

    for (size_t j = 0; j < N; j++)
        sigma[j] = 5.0;
    for (double rho = 0.2; rho < 1e4; rho *= 2.3) {
        wsic_allocate_rate(sigma, N, wsic_scalar_entropy(rho), &found);
        ck_assert_double_eq_tol(found.step, 5.0 / rho, 1e-8 * found.step);
        ck_assert_double_eq_tol(found.distortion, 25.0 * wsic_scalar_distortion(rho) / (rho * rho),
                                1e-8 * found.distortion);
    }
}
END_TEST

/* Where every column is far above the water, the mean rate is that of reverse waterfilling
 * at level c²/12 and 0.2546 bit. */
START_TEST(high_rate_is_waterfilling_and_a_quarter_bit)
{
    const double loss = 0.5 * log2(2.0 * pi * exp(1.0) / 12.0);
    wsic_allocation found;

    wsic_allocate_rate(layer_at_3_bits, N, 9.0 + loss, &found);
    ck_assert_double_eq_tol(found.step, wsic_reference_step(layer_at_3_bits, N, 9.0),
                            1e-4 * found.step);
    ck_assert_double_eq_tol(found.distortion, found.water_level, 1e-3 * found.water_level);
}
END_TEST

START_TEST(rates_and_distortion_are_monotone)
{
    double rates[N];
    wsic_allocation coarse, fine;

    wsic_allocate_rate(layer_at_1_bit, N, 0.002, &coarse);
    for (double bits = 0.0025; bits < 20.0; bits *= 1.25, coarse = fine) {
        wsic_allocate_rate(layer_at_1_bit, N, bits, &fine);
        ck_assert_double_lt(fine.step, coarse.step);
        ck_assert_double_lt(fine.distortion, coarse.distortion);
        wsic_column_rates(layer_at_1_bit, N, fine.step, rates);
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++) {
                if (layer_at_1_bit[i] < layer_at_1_bit[j])
                    ck_assert_double_le(rates[i], rates[j]);
            }
        }
    }
}
END_TEST

/* A power of two changes exponents alone: all digits of a rate, and of a step but for that power,
 * stay. */
START_TEST(powers_of_two_change_no_digit)
{
    const int powers[] = {-300, -41, -1, 1, 14, 200};
    wsic_allocation found, scaled;
    double sigma[N];

    for (size_t k = 0; k < sizeof powers / sizeof *powers; k++) {
        for (size_t j = 0; j < N; j++)
            sigma[j] = ldexp(layer_at_1_bit[j], powers[k]);
        wsic_allocate_rate(layer_at_1_bit, N, 2.3, &found);
        wsic_allocate_rate(sigma, N, 2.3, &scaled);
        ck_assert(scaled.step == ldexp(found.step, powers[k]));
        ck_assert(scaled.rate == found.rate);
        ck_assert(scaled.distortion == ldexp(found.distortion, 2 * powers[k]));
        wsic_allocate_distortion(layer_at_1_bit, N, 0.3 * found.distortion, &found);
        wsic_allocate_distortion(sigma, N, 0.3 * scaled.distortion, &scaled);
        ck_assert(scaled.step == ldexp(found.step, powers[k]));
        ck_assert(wsic_reference_step(sigma, N, 1.7) ==
                  ldexp(wsic_reference_step(layer_at_1_bit, N, 1.7), powers[k]));
    }
}
END_TEST

START_TEST(the_unit_of_the_weights_does_not_matter)
{
    const double scales[] = {1e-150, 1e-20, 1e20, 1e140};
    wsic_allocation found, scaled;
    double sigma[N];

    wsic_allocate_rate(layer_at_1_bit, N, 1.5, &found);
    for (size_t k = 0; k < 4; k++) {
        for (size_t j = 0; j < N; j++)
            sigma[j] = scales[k] * layer_at_1_bit[j];
        wsic_allocate_rate(sigma, N, 1.5, &scaled);
        ck_assert_double_eq_tol(scaled.step / scales[k], found.step, 1e-9 * found.step);
        ck_assert_double_eq_tol(scaled.rate, 1.5, 1e-9);
        wsic_allocate_distortion(sigma, N, scaled.distortion, &scaled);
        ck_assert_double_eq_tol(scaled.step / scales[k], found.step, 1e-8 * found.step);
    }
}
END_TEST

START_TEST(zero_columns_count_in_the_mean)
{
    double sigma[2 * N] = {0.0};
    double rates[2 * N];
    wsic_allocation with_zeros, without;

    for (size_t j = 0; j < N; j++)
        sigma[2 * j] = layer_at_1_bit[j];
    wsic_allocate_rate(sigma, 2 * N, 1.0, &with_zeros);
    wsic_allocate_rate(layer_at_1_bit, N, 2.0, &without);
    ck_assert_double_eq_tol(with_zeros.step, without.step, 1e-9 * without.step);
    ck_assert_double_eq_tol(2.0 * with_zeros.distortion, without.distortion,
                            1e-9 * without.distortion);
    wsic_column_rates(sigma, 2 * N, with_zeros.step, rates);
    for (size_t j = 0; j < N; j++)
        ck_assert_double_eq(rates[2 * j + 1], 0.0);
}
END_TEST

/* A mean over the same columns many times is the same mean, and that over many columns is one of
 * polynomials. */
START_TEST(repeated_columns_change_nothing)
{
    enum { COPIES = 512 / N + 1 };
    static double sigma[COPIES * N];
    wsic_allocation many, few;

    for (size_t j = 0; j < COPIES * N; j++)
        sigma[j] = layer_at_1_bit[j % N];
    for (double bits = 0.001; bits <= 24.0; bits *= 1.7) {
        wsic_allocate_rate(sigma, COPIES * N, bits, &many);
        wsic_allocate_rate(layer_at_1_bit, N, bits, &few);
        ck_assert_double_eq_tol(many.step, few.step, 1e-8 * few.step);
        ck_assert_double_eq_tol(many.distortion, few.distortion, 1e-8 * few.distortion);
        wsic_allocate_distortion(sigma, COPIES * N, few.distortion, &many);
        ck_assert_double_eq_tol(many.rate, few.rate, 1e-8 * fmax(1.0, few.rate));
    }
}
END_TEST

START_TEST(nothing_to_code)
{
    const double zeros[] = {0.0, 0.0, 0.0};
    const double live[] = {1.0, 2.0};
    double rates[2] = {9.0, 9.0};
    wsic_allocation found;

    wsic_allocate_rate(zeros, 3, 2.0, &found);
    ck_assert_double_eq(found.step, 0.0);
    ck_assert_double_eq(found.rate, 0.0);
    ck_assert_double_eq(found.distortion, 0.0);
    wsic_allocate_distortion(zeros, 3, 1e-3, &found);
    ck_assert_double_eq(found.step, 0.0);

    wsic_allocate_distortion(live, 2, 2.5, &found); /* the energy itself */
    ck_assert_double_eq(found.step, 0.0);
    ck_assert_double_eq(found.rate, 0.0);
    ck_assert_double_eq(found.distortion, 2.5);
    wsic_column_rates(live, 2, 0.0, rates);
    ck_assert_double_eq(rates[0], 0.0);
    ck_assert_double_eq(rates[1], 0.0);
}
END_TEST

START_TEST(extreme_columns)
{
    const double one = 3.0;
    const double far_apart[] = {1e-120, 1.0, 1e120};
    double lonely[1000] = {0.0};
    wsic_allocation found;

    wsic_allocate_rate(&one, 1, 2.0, &found);
    ck_assert_double_eq_tol(wsic_scalar_entropy(3.0 / found.step), 2.0, 1e-9);

    wsic_allocate_rate(far_apart, 3, 2.0, &found); /* 6 bits, all on the last */
    ck_assert_double_eq_tol(found.rate, 2.0, 1e-9);
    ck_assert_double_eq_tol(wsic_scalar_entropy(1e120 / found.step), 6.0, 1e-8);

    /* 24 bits on average would be 24000 on the only one: the nearest is given. */
    lonely[500] = 1.0;
    wsic_allocate_rate(lonely, 1000, 24.0, &found);
    ck_assert_double_gt(found.step, 0.0);
    ck_assert_double_gt(found.rate, 0.1);
    ck_assert_double_lt(found.rate, 24.0);
}
END_TEST

/* Also at the ends of the pieces and beyond them. */
START_TEST(polynomials_are_the_functions)
{
    static wsic_scalar_curve curve;

    wsic_scalar_curve_make(&curve);
    for (double rho = 0.02; rho < 3.0; rho *= 1.0003) {
        const double relative = wsic_scalar_distortion(rho) / (rho * rho);
        ck_assert_double_eq_tol(wsic_scalar_curve_entropy(&curve, rho), wsic_scalar_entropy(rho),
                                1e-12);
        ck_assert_double_eq_tol(wsic_scalar_curve_distortion(&curve, rho), relative, 1e-12);
    }
    for (int eighths = 8; eighths <= 16; eighths++) {
        for (double rho = 0x1p-8 * eighths; rho < 3.0; rho *= 2.0)
            ck_assert_double_eq_tol(wsic_scalar_curve_entropy(&curve, rho),
                                    wsic_scalar_entropy(rho), 1e-12);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("allocate");
    TCase *const scalar = tcase_create("scalar");
    TCase *const allocation = tcase_create("allocation");

    tcase_add_test(scalar, polynomials_are_the_functions);
    tcase_add_test(scalar, scalar_figures_are_those_of_direct_sums);
    tcase_add_test(scalar, scalar_figures_are_smooth_where_the_method_changes);
    tcase_add_test(scalar, high_rate_limits);
    tcase_add_test(scalar, low_rate_limits);
    tcase_add_test(scalar, scalar_loss_is_between_zero_and_a_quarter_bit);
    tcase_add_test(scalar, scalar_figures_are_monotone);
    suite_add_tcase(suite, scalar);

    tcase_add_test(allocation, reference_step_is_that_of_the_authors);
    tcase_add_test(allocation, reference_step_skips_zeros);
    tcase_add_test(allocation, rate_target_is_met);
    tcase_add_test(allocation, distortion_target_is_met);
    tcase_add_test(allocation, equal_columns_follow_the_scalar_model);
    tcase_add_test(allocation, high_rate_is_waterfilling_and_a_quarter_bit);
    tcase_add_test(allocation, rates_and_distortion_are_monotone);
    tcase_add_test(allocation, powers_of_two_change_no_digit);
    tcase_add_test(allocation, the_unit_of_the_weights_does_not_matter);
    tcase_add_test(allocation, zero_columns_count_in_the_mean);
    tcase_add_test(allocation, repeated_columns_change_nothing);
    tcase_add_test(allocation, nothing_to_code);
    tcase_add_test(allocation, extreme_columns);
    suite_add_tcase(suite, allocation);
    return run_suite(suite);
}
