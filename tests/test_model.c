/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "model_frames.h"
#include "coding/model_fit.h"
#include "coding_env.h"
#include "gamma_tail.h"

static const double EXPONENTS[WSIC_MODEL_SHAPES] = {2, 1.5, 1, 0.7};

START_TEST(tails_are_those_of_the_densities)
{
    for (int shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        for (int i = 0; i <= WSIC_TAIL_STEPS; i++) {
            const double truth = gaussian_tail(EXPONENTS[shape], i / 32.0) * 0x1p24;
            ck_assert_msg(fabs(wsic_model_tail[shape][i] - truth) <= 0.500001,
                          "shape %d, step %d: %u for %f", shape, i, wsic_model_tail[shape][i],
                          truth);
        }
    }
}
END_TEST

START_TEST(tails_agree_with_closed_forms)
{
    for (int i = 0; i <= WSIC_TAIL_STEPS; i++) {
        const double t = i / 32.0;
        ck_assert_double_eq_tol(wsic_model_tail[0][i], erfc(t / sqrt(2)) * 0x1p23, 0.500001);
        ck_assert_double_eq_tol(wsic_model_tail[2][i], exp(-sqrt(2) * t) * 0x1p23, 0.500001);
    }
}
END_TEST

START_TEST(frequencies_sum_up_and_none_is_zero)
{
    for (int32_t number = WSIC_CLASS_LOWEST; number <= WSIC_CLASS_HIGHEST; number++) {
        for (uint32_t k = 0; k < 2 * WSIC_MODEL_SHAPES; k++) {
            wsic_model model;
            make_builtin(&model, k / 2, number, k % 2, NULL);
            ck_assert_uint_ge(model.symbols, 2);
            ck_assert_uint_le(model.symbols, WSIC_MODEL_SYMBOLS);
            ck_assert_uint_eq(model.start[0], 0);
            ck_assert_uint_eq(model.start[model.symbols], WSIC_MODEL_TOTAL);
            for (uint32_t symbol = 0; symbol < model.symbols; symbol++)
                ck_assert_uint_gt(model.start[symbol + 1], model.start[symbol]);
        }
    }
}
END_TEST

/* Upper edge of the bin of a magnitude: halfway to the next one; in codebook 1, which
 * stands for 0, 1/2, 3/2, ..., halfway between those. */
static double upper_edge(unsigned codebook, int32_t magnitude)
{
    if (codebook == 0)
        return magnitude + 0.5;
    return magnitude == 0 ? 0.25 : magnitude;
}

/* Bits per value that a model spends on its own density, and that density's entropy
 * on the same bins. */
static void compare_with_density(uint32_t shape, int32_t number, unsigned codebook, double *spent,
                                 double *ideal)
{
    const double deviation = exp2(number / 16.0);
    wsic_model model;

    *spent = 0;
    *ideal = 0;
    make_builtin(&model, shape, number, codebook, NULL);
    for (int32_t value = -(int32_t)(20 * deviation) - 1; value <= 20 * deviation + 1; value++) {
        const double above =
            gaussian_tail(EXPONENTS[shape], upper_edge(codebook, abs(value)) / deviation);
        const double mass = value == 0
                                ? 1 - 2 * above
                                : gaussian_tail(EXPONENTS[shape],
                                                upper_edge(codebook, abs(value) - 1) / deviation) -
                                      above;
        if (mass < 1e-12)
            continue;
        const int32_t part = wsic_high_part(value, model.shift);
        const uint32_t symbol = wsic_model_symbol(&model, part);
        double bits = wsic_frequency_bits(wsic_model_frequency(&model, symbol)) + model.shift;
        if (symbol == 0)
            bits += wsic_escape_bits(wsic_escape_distance(&model, part));
        *spent += mass * bits;
        *ideal -= mass * log2(mass);
    }
}

/* Twelve bits of probability and an escape cost more the heavier the tails are. */
START_TEST(models_spend_little_more_than_the_entropy)
{
    static const double bounds[WSIC_MODEL_SHAPES] = {0.0045, 0.0065, 0.013, 0.023};

    for (int32_t number = -32; number <= 112; number += 3) {
        for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
            double spent;
            double ideal;
            for (unsigned codebook = 0; codebook < 2; codebook++) {
                compare_with_density(shape, number, codebook, &spent, &ideal);
                ck_assert_msg(spent >= ideal - 1e-6 && spent < ideal + bounds[shape],
                              "shape %u, class %d, codebook %u: %f bits for %f", shape, number,
                              codebook, spent, ideal);
            }
        }
    }
}
END_TEST

START_TEST(high_parts_round_down_from_the_middle)
{
    static const int32_t values[] = {
        INT32_MIN, INT32_MIN + 1, -9, -8, -5, -4, -1, 0, 1, 3, 4, 7, 8, 11, 12, INT32_MAX};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        for (unsigned shift = 0; shift <= 28; shift++) {
            const double half = shift == 0 ? 0 : ldexp(1, (int)shift - 1);
            const double truth = floor(ldexp(values[k] + half, -(int)shift));
            ck_assert_double_eq(wsic_high_part(values[k], shift), truth);
        }
    }
}
END_TEST

static void write_and_read(const wsic_env *env, const wsic_model *model, int32_t number)
{
    wsic_bytes bytes;
    wsic_bytes_init(&bytes, env);
    wsic_bit_writer writer = {.bytes = &bytes};
    wsic_model back;

    wsic_model_write(&writer, model);
    wsic_finish_bits(&writer);
    ck_assert_uint_eq(bytes.size, (writer.total + 7) / 8);
    wsic_bit_reader reader = {.data = bytes.data, .size = bytes.size};
    const wsic_model_frame frame = frame_of(number, 0);
    ck_assert(wsic_model_read(&reader, &frame, &back));
    ck_assert(wsic_bits_end(&reader));
    ck_assert_uint_eq(wsic_bits_used(&reader), bytes.size);
    ck_assert_int_eq(back.first, model->first);
    ck_assert_uint_eq(back.symbols, model->symbols);
    ck_assert_mem_eq(back.start, model->start, (model->symbols + 1) * sizeof *model->start);
    for (size_t size = 0; size < bytes.size; size++) {
        wsic_bit_reader cut = {.data = bytes.data, .size = size};
        ck_assert(!wsic_model_read(&cut, &frame, &back) || !wsic_bits_end(&cut));
    }
    wsic_bytes_release(&bytes);
}

START_TEST(fitted_tables_come_back_and_are_near_the_entropy)
{
    uint64_t state = 7;
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (int trial = 0; trial < 200; trial++) {
        wsic_histogram histogram;
        wsic_model model;
        double entropy = 0;
        double total = 0;
        memset(&histogram, 0, sizeof histogram);
        const double deviation = exp2(5 * random_uniform(&state) - 2);
        for (int i = 0; i < 5000; i++)
            wsic_histogram_add(&histogram, (int32_t)lrint(deviation * random_gauss(&state)) + 3);
        const wsic_model_frame frame = frame_of(0, 0);
        ck_assert(wsic_model_fit_table(&histogram, &frame, &model));
        write_and_read(&env, &model, 0);
        for (int bin = 0; bin < WSIC_BINS; bin++) {
            const double count = (double)histogram.bins[bin];
            total += count;
            entropy += count > 0 ? count * log2(5000 / count) : 0;
        }
        ck_assert_double_eq(total, 5000);
        const double cost = wsic_model_cost(&model, &histogram);
        ck_assert_double_ge(cost, entropy - 1e-6);
        ck_assert_double_lt(cost, entropy + 0.01 * 5000);
    }
    close_env(context);
}
END_TEST

START_TEST(golomb_codes_come_back)
{
    static const uint64_t values[] = {0, 1,    2,     3,          6,          7,
                                      8, 1000, 65535, 2147483647, 2147483648, 4294967294};
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, &env);
    wsic_bit_writer writer = {.bytes = &bytes};
    unsigned total = 0;
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        wsic_put_golomb(&writer, values[k]);
        total += wsic_golomb_bits(values[k]);
        wsic_put_bits(&writer, k & 1, 1);
        total++;
    }
    ck_assert_uint_eq(writer.total, total);
    wsic_finish_bits(&writer);
    wsic_bit_reader reader = {.data = bytes.data, .size = bytes.size};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        ck_assert_uint_eq(wsic_get_golomb(&reader), values[k]);
        ck_assert_uint_eq(wsic_get_bits(&reader, 1), k & 1);
    }
    ck_assert(wsic_bits_end(&reader));
    wsic_bytes_release(&bytes);
    close_env(context);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("model");
    TCase *const tests = tcase_create("model");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, tails_are_those_of_the_densities);
    tcase_add_test(tests, tails_agree_with_closed_forms);
    tcase_add_test(tests, frequencies_sum_up_and_none_is_zero);
    tcase_add_test(tests, models_spend_little_more_than_the_entropy);
    tcase_add_test(tests, high_parts_round_down_from_the_middle);
    tcase_add_test(tests, fitted_tables_come_back_and_are_near_the_entropy);
    tcase_add_test(tests, golomb_codes_come_back);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
