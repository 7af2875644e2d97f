/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"
#include "base/half.h"
#include "check_main.h"
#include "random.h"

/* A binary format told by its numbers, and rounding as the definition says it: to the
 * nearest multiple of the spacing, ties to the even multiple. */
typedef struct binary_format {
    int fraction_bits;
    int least_exponent; /* of normal numbers */
    double overflow;    /* 2^(greatest exponent + 1) */
} binary_format;

static const binary_format f16 = {10, -14, 0x1p16};
static const binary_format bf16 = {7, -126, 0x1p128};

static double spacing_at(const binary_format *format, double magnitude)
{
    int exponent;

    frexp(magnitude, &exponent); /* magnitude in [2^(exponent-1), 2^exponent) */
    exponent = magnitude == 0 ? format->least_exponent : exponent - 1;
    if (exponent < format->least_exponent)
        exponent = format->least_exponent;
    return ldexp(1, exponent - format->fraction_bits);
}

static double round_to(const binary_format *format, double value)
{
    const double spacing = spacing_at(format, fabs(value));
    const double rounded = nearbyint(fabs(value) / spacing) * spacing;
    return copysign(rounded >= format->overflow ? (double)INFINITY : rounded, value);
}

/* The value that bits stand for, from the definition of the format. */
static double decode(const binary_format *format, unsigned bits)
{
    const unsigned fraction = bits & ((1U << format->fraction_bits) - 1);
    const unsigned exponent = (bits & 0x7FFFU) >> format->fraction_bits;
    const unsigned greatest = 0x7FFFU >> format->fraction_bits;
    const double sign = bits & 0x8000U ? -1 : 1;
    const double unit = ldexp(1, format->least_exponent - format->fraction_bits);

    if (exponent == greatest)
        return fraction ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * fraction * unit;
    return sign * ldexp(fraction + ldexp(1, format->fraction_bits), (int)exponent - 1) * unit;
}

typedef float widen(uint16_t bits);
typedef uint16_t narrow(float value);

static void check_all_bits(const binary_format *format, widen *to_f32, narrow *from_f32)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        const double expected = decode(format, bits);
        const double found = (double)to_f32((uint16_t)bits);
        if (isnan(expected)) {
            ck_assert(isnan(found));
            ck_assert(isnan(decode(format, from_f32((float)found))));
            continue;
        }
        ck_assert_msg(found == expected && !signbit(found) == !signbit(expected),
                      "%04x is %a, not %a", bits, found, expected);
        ck_assert_uint_eq(from_f32((float)found), bits);
    }
}

static void check_rounding(const binary_format *format, narrow *from_f32, float value)
{
    const double expected = round_to(format, (double)value);
    const double found = decode(format, from_f32(value));

    /* An assertion of Check's costs a system call, which is much here. */
    if (found != expected || !signbit(found) != !signbit(expected))
        ck_abort_msg("%a becomes %a, not %a", (double)value, found, expected);
}

static void check_many(const binary_format *format, widen *to_f32, narrow *from_f32)
{
    random_state random = {1};

    /* Around every midpoint of two neighbours, where rounding is decided. */
    for (unsigned bits = 0; isfinite(decode(format, bits)); bits++) {
        const double low = (double)to_f32((uint16_t)bits);
        const float middle = (float)(low + spacing_at(format, low) / 2);
        check_rounding(format, from_f32, middle);
        check_rounding(format, from_f32, -middle);
        check_rounding(format, from_f32, nextafterf(middle, 0));
        check_rounding(format, from_f32, nextafterf(middle, INFINITY));
    }
    for (int i = 0; i < 1000000; i++) {
        const uint32_t bits = (uint32_t)random_bits(&random);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isnan(value))
            check_rounding(format, from_f32, value);
        else if (!isnan(decode(format, from_f32(value))))
            ck_abort_msg("NaN %08x becomes a number", (unsigned)bits);
    }
}

START_TEST(f16_decodes_and_encodes_every_value)
{
    check_all_bits(&f16, wsic_f16_to_f32, wsic_f32_to_f16);
}
END_TEST

START_TEST(bf16_decodes_and_encodes_every_value)
{
    check_all_bits(&bf16, wsic_bf16_to_f32, wsic_f32_to_bf16);
}
END_TEST

START_TEST(f16_rounds_to_nearest_even)
{
    check_many(&f16, wsic_f16_to_f32, wsic_f32_to_f16);
}
END_TEST

START_TEST(bf16_rounds_to_nearest_even)
{
    check_many(&bf16, wsic_bf16_to_f32, wsic_f32_to_bf16);
}
END_TEST

START_TEST(arrays_are_converted_elementwise)
{
    const float values[] = {1.5F, -0.333333343F, 1e-6F, 70000.0F};
    const uint32_t dtypes[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_BF16};

    for (size_t d = 0; d < 4; d++) {
        double stored[4], loaded[4];
        wsic_store_f32(stored, dtypes[d], values, 4);
        wsic_load_f64(loaded, stored, dtypes[d], 4);
        for (size_t i = 0; i < 4; i++) {
            const double value = (double)values[i];
            const double expected = dtypes[d] == WSIC_F16    ? round_to(&f16, value)
                                    : dtypes[d] == WSIC_BF16 ? round_to(&bf16, value)
                                                             : value;
            ck_assert_msg(loaded[i] == expected, "dtype %u: %a", (unsigned)dtypes[d], loaded[i]);
        }
    }
}
END_TEST

/* The limit is where infinity begins: the number before it is finite. */
/* All finite numbers, in pieces that are no whole number of vectors. */
START_TEST(the_kernel_decodes_every_f16)
{
#if WSIC_X86
    enum { PIECE = 1021 };
    uint16_t halves[PIECE];
    float out[PIECE];

    if (!wsic_kernels_available(WSIC_KERNELS_AVX2))
        return;
    for (uint32_t first = 0; first < 0x10000; first += PIECE) {
        for (uint32_t i = 0; i < PIECE; i++)
            halves[i] = (uint16_t)((first + i) % 0x10000);
        wsic_load_f16_avx2(out, halves, PIECE);
        for (uint32_t i = 0; i < PIECE; i++) {
            const float expected = (float)decode(&f16, halves[i]);
            if ((halves[i] & 0x7C00U) != 0x7C00U)
                ck_assert_mem_eq(&out[i], &expected, sizeof expected);
        }
    }
#endif
}
END_TEST

START_TEST(the_limit_is_where_infinity_begins)
{
    const uint32_t dtypes[] = {WSIC_F16, WSIC_BF16, WSIC_F32, WSIC_F64};

    for (size_t d = 0; d < 4; d++) {
        const float limit = wsic_f32_limit(dtypes[d]);
        const float values[] = {limit, -limit, nextafterf(limit, 0), -nextafterf(limit, 0)};
        double stored[4], loaded[4];
        wsic_store_f32(stored, dtypes[d], values, 4);
        wsic_load_f64(loaded, stored, dtypes[d], 4);
        ck_assert(isinf(loaded[0]) && isinf(loaded[1]));
        ck_assert(isfinite(loaded[2]) && isfinite(loaded[3]));
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("half");
    TCase *const tests = tcase_create("half");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, f16_decodes_and_encodes_every_value);
    tcase_add_test(tests, bf16_decodes_and_encodes_every_value);
    tcase_add_test(tests, f16_rounds_to_nearest_even);
    tcase_add_test(tests, bf16_rounds_to_nearest_even);
    tcase_add_test(tests, arrays_are_converted_elementwise);
    tcase_add_test(tests, the_kernel_decodes_every_f16);
    tcase_add_test(tests, the_limit_is_where_infinity_begins);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
