/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "model_frames.h"
#include "coding/corrections_fit.h"
#include "coding_env.h"

enum { BASE = -20, CLASSES = 60, CONTEXTS = WSIC_TRELLIS_CONTEXTS, CODES = 20000 };

/* Within the rounding of frequencies of 1/4096, of which each symbol has one for itself, a power
 * changes the ratio of its magnitude to one that is not corrected by what it says. */
START_TEST(a_power_is_a_factor)
{
    static const int16_t powers[] = {-256, -100, -33, -1, 0, 1, 17, 64, 128};

    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        const wsic_correction correction = {.count = 2, .power = {0, powers[i]}};
        wsic_model plain, corrected;
        make_builtin(&plain, 1, 16, 0, NULL);
        make_builtin(&corrected, 1, 16, 0, &correction);
        ck_assert_int_eq(corrected.first, plain.first);
        ck_assert_uint_eq(corrected.symbols, plain.symbols);
        ck_assert_uint_eq(corrected.start[corrected.symbols], WSIC_MODEL_TOTAL);
        double truth[3], found[3];
        for (int32_t high = 0; high < 3; high++) {
            const uint32_t symbol = wsic_model_symbol(&plain, high);
            truth[high] = wsic_model_frequency(&plain, symbol) - 1.0;
            found[high] = wsic_model_frequency(&corrected, symbol) - 1.0;
            const uint32_t mirrored = wsic_model_symbol(&plain, -high);
            ck_assert_double_eq_tol(wsic_model_frequency(&corrected, mirrored) - 1.0, found[high],
                                    1.5);
        }
        ck_assert_double_eq_tol(found[0] / found[2], truth[0] / truth[2], 0.03);
        ck_assert_double_eq_tol(found[1] / found[2], exp2(powers[i] / 32.0) * truth[1] / truth[2],
                                0.02 * (1 + exp2(powers[i] / 32.0)));
    }
}
END_TEST

/* Between knots they change evenly; classes with low bits have none. */
START_TEST(classes_between_knots_are_interpolated)
{
    for (unsigned step = 0; step <= 3; step++) {
        const int32_t spacing = 8 >> step;
        wsic_corrections corrections;
        wsic_correction found;
        wsic_corrections_make(&corrections, 1, -3, 40, step);
        ck_assert_uint_eq(corrections.spacing, (uint32_t)spacing);
        corrections.count[0] = 1;
        for (uint32_t knot = 0; knot < corrections.knots; knot++)
            corrections.power[0][0][knot] = (int8_t)(3 * (int)knot - 5);
        for (int32_t index = 0; index < 40; index++) {
            wsic_corrections_get(&corrections, 0, (size_t)index, &found);
            const bool corrected = (index - 3) * (1 << step) < 64;
            ck_assert_uint_eq(found.count, corrected ? 1 : 0);
            if (corrected)
                ck_assert_double_eq(found.power[0], floor(4 * (3.0 * index / spacing - 5)));
        }
    }
}
END_TEST

static void expect_same(const wsic_corrections *a, const wsic_corrections *b)
{
    for (size_t context = 0; context < CONTEXTS; context++) {
        ck_assert_uint_eq(a->count[context], b->count[context]);
        for (uint32_t k = 0; k < a->count[context]; k++)
            ck_assert_mem_eq(a->power[context][k], b->power[context][k], a->knots);
    }
}

START_TEST(corrections_come_back)
{
    uint64_t state = 5;
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (int trial = 0; trial < 50; trial++) {
        wsic_corrections written, back;
        wsic_bytes bytes;
        wsic_bytes_init(&bytes, &env);
        wsic_bit_writer writer = {.bytes = &bytes};
        wsic_corrections_make(&written, CONTEXTS, BASE, CLASSES, 0);
        back = written;
        for (size_t c = 0; c < CONTEXTS; c++) {
            written.count[c] = (uint32_t)(random_bits(&state) % (WSIC_CORRECTED_MOST + 1));
            for (uint32_t k = 0; k < written.count[c]; k++) {
                for (uint32_t knot = 0; knot < written.knots; knot++)
                    written.power[c][k][knot] = (int8_t)((int)(random_bits(&state) % 128) - 64);
            }
        }
        wsic_corrections_write(&writer, &written);
        wsic_finish_bits(&writer);
        wsic_bit_reader reader = {.data = bytes.data, .size = bytes.size};
        ck_assert(wsic_corrections_read(&reader, &back));
        ck_assert(wsic_bits_end(&reader));
        expect_same(&written, &back);
        for (size_t size = 0; size < bytes.size; size++) {
            wsic_bit_reader cut = {.data = bytes.data, .size = size};
            ck_assert(!wsic_corrections_read(&cut, &back) || !wsic_bits_end(&cut));
        }
        wsic_bytes_release(&bytes);
    }
    close_env(context);
}
END_TEST

START_TEST(impossible_corrections_are_refused)
{
    static const struct {
        uint32_t count;
        int32_t first, second;
    } bad[] = {{8, 0, 0}, {1, 64, 0}, {1, -65, 0}, {1, 60, 4}, {1, -60, -5}};
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wsic_corrections corrections;
        wsic_bytes bytes;
        wsic_bytes_init(&bytes, &env);
        wsic_bit_writer writer = {.bytes = &bytes};
        wsic_corrections_make(&corrections, 1, BASE, CLASSES, 0);
        wsic_put_golomb(&writer, bad[i].count);
        wsic_put_golomb_signed(&writer, bad[i].first);
        wsic_put_golomb_signed(&writer, bad[i].second);
        for (int k = 0; k < 200; k++)
            wsic_put_golomb_signed(&writer, 0);
        wsic_finish_bits(&writer);
        wsic_bit_reader reader = {.data = bytes.data, .size = bytes.size};
        ck_assert(!wsic_corrections_read(&reader, &corrections));
        wsic_bytes_release(&bytes);
    }
    close_env(context);
}
END_TEST

/* How often an index occurs in a class, that of the density times a factor: less zeros in
 * the first context, more in the third, in all fewer the wider the class. */
static void fill_histogram(wsic_histogram *histogram, int32_t class_number, unsigned context)
{
    const double zero = (context / 2 == 0 ? -0.5 : 0.5) - class_number / 64.0;
    const wsic_model_frame frame = frame_of(class_number, context / 2);
    double share[2 * WSIC_MODEL_REACH + 1];
    double sum = 0;

    memset(histogram, 0, sizeof *histogram);
    for (int32_t high = -WSIC_MODEL_REACH; high <= WSIC_MODEL_REACH; high++) {
        share[high + WSIC_MODEL_REACH] =
            wsic_builtin_mass(0, &frame, high) * (high == 0        ? exp2(zero)
                                                  : abs(high) == 1 ? 1.1
                                                                   : 1);
        sum += share[high + WSIC_MODEL_REACH];
    }
    for (uint32_t bin = 0; bin < WSIC_BIN_BEYOND; bin++)
        histogram->bins[bin] = (uint64_t)lround(CODES * share[bin] / sum);
}

static double spend(const wsic_histogram *histograms, const wsic_corrections *corrections)
{
    double bits = 0;

    for (size_t index = 0; index < (size_t)CLASSES * CONTEXTS; index++) {
        const size_t context = index % CONTEXTS;
        wsic_correction correction;
        wsic_model model;
        wsic_corrections_get(corrections, context, index / CONTEXTS, &correction);
        make_builtin(&model, 0, BASE + (int32_t)(index / CONTEXTS), (unsigned)context / 2,
                     &correction);
        bits += wsic_model_cost(&model, &histograms[index]);
    }
    return bits / ((double)CODES * CLASSES * CONTEXTS);
}

START_TEST(fitted_corrections_find_what_differs)
{
    wsic_histogram *const histograms = calloc((size_t)CLASSES * CONTEXTS, sizeof *histograms);
    wsic_corrections corrections;
    wsic_bit_writer counter = {.bytes = NULL};
    double least = 0;

    for (size_t index = 0; index < (size_t)CLASSES * CONTEXTS; index++) {
        fill_histogram(&histograms[index], BASE + (int32_t)(index / CONTEXTS), index % CONTEXTS);
        const uint64_t count = wsic_histogram_count(&histograms[index]);
        const unsigned shift = wsic_array_frame(BASE + (int32_t)(index / CONTEXTS)).shift;
        least += wsic_histogram_bits(&histograms[index], count) + (double)(count * shift);
    }
    least /= (double)CODES * CLASSES * CONTEXTS;
    wsic_corrections_make(&corrections, CONTEXTS, BASE, CLASSES, 0);
    const double without = spend(histograms, &corrections);
    wsic_corrections_fit(histograms, 0, BASE, 0, &corrections);
    const double with = spend(histograms, &corrections);
    ck_assert_double_gt(without, least + 0.01);
    ck_assert_msg(with < least + 0.003, "%f bits, %f uncorrected, at least %f", with, without,
                  least);
    wsic_corrections_write(&counter, &corrections);
    ck_assert_uint_lt(counter.total, 600);
    free(histograms);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("corrections");
    TCase *const tests = tcase_create("corrections");

    tcase_add_test(tests, a_power_is_a_factor);
    tcase_add_test(tests, classes_between_knots_are_interpolated);
    tcase_add_test(tests, corrections_come_back);
    tcase_add_test(tests, impossible_corrections_are_refused);
    tcase_add_test(tests, fitted_corrections_find_what_differs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
