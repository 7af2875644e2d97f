/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding/int_array.h"
#include "coding/codes.h"
#include "coding/scales.h"
#include "coding_env.h"
#include "plain_decoder.h"

START_TEST(values_are_powers_of_two)
{
    for (uint32_t grid = 0; grid <= WSIC_SCALE_GRID_MAX; grid++) {
        const int32_t steps = 1 << grid;
        for (int32_t exponent = -126 * steps; exponent <= 127 * steps;
             exponent += 1 + (grid > 6 ? 37 : 0)) {
            const long double truth = exp2l((long double)exponent / steps);
            const float value = wsic_scale_value(grid, 1, exponent);
            ck_assert_msg(fabsl((long double)value - truth) <= truth * 0x1p-24L * 1.0001L,
                          "2^(%d/%d) is %a", exponent, steps, (double)value);
            ck_assert(wsic_scale_value(grid, -1, exponent) == -value);
        }
    }
    ck_assert(wsic_scale_value(5, 0, 0) == 0.0F);
}
END_TEST

START_TEST(rounding_finds_the_nearest_step)
{
    uint64_t state = 3;

    for (int trial = 0; trial < 20000; trial++) {
        const uint32_t grid = (uint32_t)(random_bits(&state) % (WSIC_SCALE_GRID_MAX + 1));
        const double log_value = 252.9 * random_uniform(&state) - 126;
        const double value = exp2(log_value) * (trial % 2 == 0 ? 1 : -1);
        int8_t sign;
        int32_t exponent;
        ck_assert(wsic_scale_round(value, grid, &sign, &exponent));
        ck_assert_int_eq(sign, trial % 2 == 0 ? 1 : -1);
        ck_assert_double_le(fabs(exponent - ldexp(log_value, (int)grid)), 0.500001);
        /* A value on the grid stays where it is. */
        int32_t again;
        const float stored = wsic_scale_value(grid, sign, exponent);
        if (fabsf(stored) < 0x1p127F) {
            ck_assert(wsic_scale_round((double)stored, grid, &sign, &again));
            ck_assert_int_eq(again, exponent);
        }
    }
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    static const double bad[] = {0x1p127, 0x1p128,  1e300,      0x1.fffffp-127,
                                 1e-310,  HUGE_VAL, (double)NAN};
    int8_t sign;
    int32_t exponent;

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert(!wsic_scale_round(bad[k], 4, &sign, &exponent));
        ck_assert(!wsic_scale_round(-bad[k], 4, &sign, &exponent));
    }
    ck_assert(wsic_scale_round(0x1p-126, 4, &sign, &exponent));
    ck_assert_int_eq(exponent, -126 * 16);
    ck_assert(wsic_scale_round(nextafter(0x1p127, 0), 4, &sign, &exponent));
    ck_assert_int_eq(exponent, 127 * 16);
    ck_assert(wsic_scale_round(0, 4, &sign, &exponent));
    ck_assert_int_eq(sign, 0);
}
END_TEST

START_TEST(grids_out_of_range_are_refused)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_scales scales;

    for (uint32_t grid = WSIC_SCALE_GRID_MAX + 1; grid < 100; grid++)
        ck_assert_int_eq(wsic_scales_create(&env, 3, grid, &scales), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "grid is 99"));
    close_env(context);
}
END_TEST

/* Three scales of the same exponent, in whole octaves. */
static wsic_status decode_exponent(const wsic_env *env, int32_t exponent)
{
    const int32_t exponents[3] = {exponent, exponent, exponent};
    wsic_scales scales;
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    wsic_put_u8(&bytes, 0);
    ck_assert_int_eq(wsic_int_array_write(env, exponents, 3, &bytes), WSIC_OK);
    wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
    const wsic_status status = wsic_scales_decode(env, &cursor, 3, &scales);
    wsic_bytes_release(&bytes);
    if (status == WSIC_OK)
        wsic_scales_release(env, &scales);
    return status;
}

START_TEST(exponents_are_those_of_float)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (int32_t exponent = -200; exponent <= 200; exponent++)
        ck_assert_int_eq(decode_exponent(&env, exponent),
                         exponent < -126 || exponent > 127 ? WSIC_ERROR_FORMAT : WSIC_OK);
    close_env(context);
}
END_TEST

/* Write and read back, with the library and with the decoder made from the text; returns
 * the size. */
static size_t round_trip(const wsic_env *env, const wsic_scales *scales)
{
    float *const values = calloc(scales->count + 1, sizeof *values);
    wsic_bytes bytes;
    wsic_scales back;
    size_t used;

    wsic_bytes_init(&bytes, env);
    ck_assert_int_eq(wsic_scales_encode(env, scales, &bytes), WSIC_OK);
    const size_t size = bytes.size;
    wsic_put_u8(&bytes, 0xA5); /* what follows must not matter */
    wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
    ck_assert_int_eq(wsic_scales_decode(env, &cursor, scales->count, &back), WSIC_OK);
    ck_assert_uint_eq(cursor.position, size);
    ck_assert_uint_eq(back.grid, scales->grid);
    ck_assert_mem_eq(back.sign, scales->sign, scales->count);
    ck_assert_mem_eq(back.exponent, scales->exponent, scales->count * sizeof *scales->exponent);
    ck_assert(plain_decode_scales(bytes.data, bytes.size, scales->count, values, &used));
    ck_assert_uint_eq(used, size);
    for (size_t i = 0; i < scales->count; i++) {
        const float value = wsic_scale_value(scales->grid, scales->sign[i], scales->exponent[i]);
        ck_assert(values[i] == value);
    }
    for (size_t cut = 0; cut < size; cut++) {
        wsic_scales none = {.count = 77};
        cursor = wsic_cursor_make(bytes.data, cut);
        ck_assert_int_lt(wsic_scales_decode(env, &cursor, scales->count, &none), 0);
        ck_assert_uint_eq(none.count, 77);
    }
    wsic_scales_release(env, &back);
    wsic_bytes_release(&bytes);
    free(values);
    return size;
}

START_TEST(scales_come_back_at_the_entropy)
{
    uint64_t state = 11;
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (uint32_t grid = 0; grid <= WSIC_SCALE_GRID_MAX; grid++) {
        wsic_scales scales;
        ck_assert_int_eq(wsic_scales_create(&env, 1000, grid, &scales), WSIC_OK);
        for (size_t i = 0; i < scales.count; i++)
            ck_assert(wsic_scale_round(exp2(random_gauss(&state) - 5), grid, &scales.sign[i],
                                       &scales.exponent[i]));
        /* Entropy of a unit Gaussian in octaves, in steps of the grid: above log2(sqrt(2 pi
         * e)) + grid for grids fine enough. */
        const double entropy = 2.05 + grid;
        const double bits = 8.0 * (double)round_trip(&env, &scales) / 1000;
        ck_assert_msg(bits < entropy + 0.25, "grid %u: %f bits for %f", grid, bits, entropy);
        wsic_scales_release(&env, &scales);
    }
    close_env(context);
}
END_TEST

START_TEST(equal_scales_cost_nothing_and_signs_little)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_scales scales;

    ck_assert_int_eq(wsic_scales_create(&env, 4096, 4, &scales), WSIC_OK);
    ck_assert_uint_le(round_trip(&env, &scales), 4); /* all zero */
    for (size_t i = 0; i < scales.count; i++) {
        scales.sign[i] = 1;
        scales.exponent[i] = -123;
    }
    ck_assert_uint_le(round_trip(&env, &scales), 5);
    scales.sign[17] = -1;
    scales.sign[400] = 0;
    scales.exponent[400] = 0;
    ck_assert_uint_le(round_trip(&env, &scales), 32);
    for (size_t i = 0; i < scales.count; i++) {
        scales.sign[i] = i * 2654435761U >> 20 & 1 ? 1 : -1;
        scales.exponent[i] = 7;
    }
    ck_assert_uint_le(round_trip(&env, &scales), 4096 / 8 + 24);
    wsic_scales_release(&env, &scales);
    for (size_t count = 1; count < 4; count++) {
        ck_assert_int_eq(wsic_scales_create(&env, count, 12, &scales), WSIC_OK);
        for (size_t i = 0; i < count; i++) {
            scales.sign[i] = i % 2 == 0 ? 1 : -1;
            scales.exponent[i] = i % 2 == 0 ? 127 * 4096 : -126 * 4096;
        }
        round_trip(&env, &scales);
        wsic_scales_release(&env, &scales);
    }
    close_env(context);
}
END_TEST

START_TEST(damage_is_refused_as_the_text_says)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_scales scales;
    wsic_bytes bytes;
    uint64_t state = 5;

    ck_assert_int_eq(wsic_scales_create(&env, 24, 3, &scales), WSIC_OK);
    for (size_t i = 0; i < scales.count; i++) {
        scales.sign[i] = (int8_t)(random_bits(&state) % 3 - 1);
        scales.exponent[i] = scales.sign[i] == 0 ? 0 : (int32_t)(8 * random_gauss(&state));
    }
    wsic_bytes_init(&bytes, &env);
    ck_assert_int_eq(wsic_scales_encode(&env, &scales, &bytes), WSIC_OK);
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        wsic_scales back;
        float values[24];
        size_t used;
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
        const wsic_status status = wsic_scales_decode(&env, &cursor, 24, &back);
        const bool good = plain_decode_scales(bytes.data, bytes.size, 24, values, &used);
        ck_assert_msg((status == WSIC_OK) == good, "bit %zu: %s", bit,
                      wsic_context_message(context));
        if (status == WSIC_OK) {
            ck_assert_uint_eq(used, cursor.position);
            for (size_t i = 0; i < 24; i++)
                ck_assert(values[i] == wsic_scale_value(back.grid, back.sign[i], back.exponent[i]));
            wsic_scales_release(&env, &back);
        }
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    wsic_bytes_release(&bytes);
    wsic_scales_release(&env, &scales);
    close_env(context);
}
END_TEST

START_TEST(hints_are_rounded_parts_of_an_octave)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (uint32_t grid = 0; grid <= WSIC_SCALE_GRID_MAX; grid++) {
        wsic_scales scales;
        int32_t hints[2001];
        ck_assert_int_eq(wsic_scales_create(&env, 2001, grid, &scales), WSIC_OK);
        for (int32_t i = 0; i < 2001; i++) {
            scales.sign[i] = i == 5 ? 0 : 1;
            scales.exponent[i] = i == 5 ? 0 : i - 1000;
        }
        wsic_scales_hint(&scales, hints);
        for (int32_t i = 0; i < 2001; i++) {
            const double exact = -64.0 * scales.exponent[i] / (1 << grid);
            ck_assert_double_eq(hints[i], floor(exact + (grid == 0 ? 0 : 0.5)));
        }
        wsic_scales_release(&env, &scales);
    }
    close_env(context);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("scales");
    TCase *const tests = tcase_create("scales");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, values_are_powers_of_two);
    tcase_add_test(tests, rounding_finds_the_nearest_step);
    tcase_add_test(tests, values_out_of_range_are_refused);
    tcase_add_test(tests, grids_out_of_range_are_refused);
    tcase_add_test(tests, exponents_are_those_of_float);
    tcase_add_test(tests, scales_come_back_at_the_entropy);
    tcase_add_test(tests, equal_scales_cost_nothing_and_signs_little);
    tcase_add_test(tests, damage_is_refused_as_the_text_says);
    tcase_add_test(tests, hints_are_rounded_parts_of_an_octave);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
