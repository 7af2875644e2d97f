/* SPDX-License-Identifier: MIT */
/* The fused multiply-add against that of the mathematical library. */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "decode/fused.h"
#include "random.h"

enum { ROUNDS = 200000 };

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* NaN is NaN; everything else is the same to the bit, zeros with their sign. */
static void compare(float a, float b, float c)
{
    const float expected = fmaf(a, b, c);
    float added = c;

    const float found = wsic_fused_emulated(a, b, c);
    wsic_fused_add(&added, &a, b, 1);
    if (isnan(expected) && isnan(found) && isnan(added))
        return;
    if (bits_of(found) != bits_of(expected) || bits_of(added) != bits_of(expected))
        ck_abort_msg("%a * %a + %a is %a, not %a or %a", (double)a, (double)b, (double)c,
                     (double)expected, (double)found, (double)added);
}

START_TEST(any_bits)
{
    random_state random = {1};

    for (int k = 0; k < ROUNDS; k++) {
        const uint64_t first = random_bits(&random), second = random_bits(&random);
        compare(float_of((uint32_t)first), float_of((uint32_t)(first >> 32)),
                float_of((uint32_t)second));
    }
}
END_TEST

/* Products next to the middle of two floats, which a distant third number tips over. */
START_TEST(halves_that_a_trace_decides)
{
    random_state random = {2};

    for (int k = 0; k < ROUNDS; k++) {
        const uint64_t bits = random_bits(&random);
        /* a * b = 2^e (1 + 2^-24) or so: half a step above a float, as c is far below or 0. */
        const float a = 1 + (float)(bits % 4096) * 0x1p-12F;
        const float b = (float)(1 + (bits >> 12) % 4096) * 0x1p-12F;
        const int exponent = (int)(bits >> 24 & 0xFF) - 128;
        const float c = ldexpf((float)((int)(bits >> 32 & 7) - 3), exponent);
        compare(a, b, c);
        compare(c, 1, a * b);
        compare(a, 1 + 0x1p-12F, ldexpf(1, (int)(bits >> 40 & 63) - 60));
        compare(a, 1 + 0x1p-12F, -ldexpf(1, (int)(bits >> 40 & 63) - 60));
    }
}
END_TEST

/* Results among the subnormal numbers, where double rounding is wrong most easily. */
START_TEST(results_below_the_normal_range)
{
    random_state random = {3};

    for (int k = 0; k < ROUNDS; k++) {
        const uint64_t bits = random_bits(&random);
        const float a = ldexpf((float)(bits & 0xFFFFFF), -86 - (int)(bits >> 24 & 15));
        const float b = ldexpf((float)(bits >> 40), -86 - (int)(bits >> 28 & 15));
        const float c = float_of((uint32_t)(bits >> 13) & 0x80FFFFFF);
        compare(a, b, c);
        compare(a, -b, c);
    }
}
END_TEST

START_TEST(every_pair_of_special_values)
{
    static const uint32_t special[] = {0,          1,          2,          0x007FFFFF, 0x00800000,
                                       0x00800001, 0x3F800000, 0x3F800001, 0x3F7FFFFF, 0x33800000,
                                       0x33000000, 0x4B800000, 0x4B7FFFFF, 0x7F7FFFFF, 0x7F000000,
                                       0x7F800000, 0x7FC00000, 0x34000000, 0x73800000};
    enum { COUNT = sizeof special / sizeof *special };

    for (size_t k = 0; k < 8 * COUNT * COUNT * COUNT; k++) {
        const uint32_t signs = (uint32_t)(k & 7);
        const size_t i = k / 8;
        compare(float_of(special[i % COUNT] | (signs & 1) << 31),
                float_of(special[i / COUNT % COUNT] | (signs & 2) << 30),
                float_of(special[i / COUNT / COUNT] | (signs & 4) << 29));
    }
}
END_TEST

/* One element in doubt must not change those beside it. */
START_TEST(vectors_are_their_elements)
{
    random_state random = {4};

    for (int k = 0; k < 20000; k++) {
        float sums[WSIC_FUSED_MOST], values[WSIC_FUSED_MOST], expected[WSIC_FUSED_MOST];
        const float factor = (float)random_symmetric(&random);
        const size_t count = 1 + random_bits(&random) % WSIC_FUSED_MOST;
        for (size_t i = 0; i < count; i++) {
            values[i] = (float)((int)(random_bits(&random) % 31) - 15);
            sums[i] = k % 3 == 0 ? 0 : (float)random_symmetric(&random);
            if (random_bits(&random) % 100 == 0)
                sums[i] = ldexpf(sums[i], -130);
            expected[i] = fmaf(values[i], factor, sums[i]);
        }
        wsic_fused_add(sums, values, factor, count);
        for (size_t i = 0; i < count; i++) {
            if (bits_of(sums[i]) != bits_of(expected[i]))
                ck_abort_msg("element %zu is %a, not %a", i, (double)sums[i], (double)expected[i]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("fused");
    TCase *const tests = tcase_create("fused");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, any_bits);
    tcase_add_test(tests, halves_that_a_trace_decides);
    tcase_add_test(tests, results_below_the_normal_range);
    tcase_add_test(tests, every_pair_of_special_values);
    tcase_add_test(tests, vectors_are_their_elements);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
