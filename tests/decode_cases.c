/* SPDX-License-Identifier: MIT */
#include "decode_cases.h"

#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "decode/fused.h"

enum { COLUMNS_MOST = WSIC_TILE_COLUMNS, STRIDE = 3 * WSIC_STRIP_ROWS, COUNT_MOST = 70 };

/* splitmix64, without the mathematical library that tests/random.h needs */
static uint64_t bits_after(uint64_t *counter)
{
    uint64_t z = *counter += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value == value ? bits : 0x7FC00000; /* of NaN only that it is one */
}

/* Usual numbers, and now and then any bits at all. */
static float some_float(uint64_t *counter)
{
    const uint64_t bits = bits_after(counter);

    if (bits % 16 == 0)
        return float_of((uint32_t)(bits >> 32));
    return ((float)(bits >> 40) - 0x1p23F) * 0x1p-22F;
}

static void compare(decode_report *report, const char *what, size_t place, uint32_t found,
                    uint32_t expected)
{
    report->hash = (report->hash ^ found) * 0x100000001B3U;
    report->numbers++;
    if (found != expected && report->failure[0] == '\0')
        snprintf(report->failure, sizeof report->failure, "%s, number %zu: %08x, not %08x", what,
                 place, (unsigned)found, (unsigned)expected);
}

/* --- products ------------------------------------------------------------ */

typedef struct product_case {
    _Alignas(64) int8_t codes[COLUMNS_MOST * STRIDE];
    _Alignas(64) float floats[COLUMNS_MOST * WSIC_STRIP_ROWS];
    float factors[COLUMNS_MOST * WSIC_GROUP_TOKENS];
    float before[WSIC_GROUP_TOKENS * WSIC_STRIP_ROWS];
    float sums[WSIC_GROUP_TOKENS * WSIC_STRIP_ROWS];
} product_case;

static void fill_product(uint64_t *counter, product_case *c)
{
    for (size_t k = 0; k < sizeof c->codes; k++)
        c->codes[k] = (int8_t)bits_after(counter);
    for (size_t k = 0; k < sizeof c->factors / sizeof *c->factors; k++)
        c->factors[k] = some_float(counter);
    for (size_t k = 0; k < sizeof c->before / sizeof *c->before; k++)
        c->before[k] = some_float(counter);
}

/* One fused multiply-add after the other. */
static void compare_sums(const product_case *c, const char *what, size_t columns, size_t tokens,
                         decode_report *report)
{
    for (size_t k = 0; k < tokens * WSIC_STRIP_ROWS; k++) {
        const size_t row = k % WSIC_STRIP_ROWS, token = k / WSIC_STRIP_ROWS;
        float sum = c->before[k];
        for (size_t j = 0; j < columns; j++)
            sum = wsic_fused_emulated((float)c->codes[j * STRIDE + row],
                                      c->factors[j * tokens + token], sum);
        compare(report, what, k, bits_of(c->sums[k]), bits_of(sum));
    }
}

static void check_product(const wsic_product_kernels *kernels, product_case *c, size_t columns,
                          size_t tokens, decode_report *report)
{
    kernels->convert(c->codes, STRIDE, columns, c->floats);
    for (size_t k = 0; k < columns * WSIC_STRIP_ROWS; k++) {
        const int8_t code = c->codes[k / WSIC_STRIP_ROWS * STRIDE + k % WSIC_STRIP_ROWS];
        compare(report, "convert", k, bits_of(c->floats[k]), bits_of((float)code));
    }
    memcpy(c->sums, c->before, sizeof c->sums);
    kernels->add_floats(c->sums, c->floats, columns, c->factors, tokens);
    compare_sums(c, "add_floats", columns, tokens, report);
    memcpy(c->sums, c->before, sizeof c->sums);
    kernels->add_narrow(c->sums, c->codes, STRIDE, columns, c->factors, tokens);
    compare_sums(c, "add_narrow", columns, tokens, report);
}

static void check_products(const wsic_product_kernels *kernels, decode_report *report)
{
    static product_case c;
    uint64_t counter = 1;

    for (size_t tokens = 1; tokens <= WSIC_GROUP_TOKENS; tokens++) {
        for (size_t columns = 1; columns <= COLUMNS_MOST; columns += columns < 4 ? 1 : 7) {
            fill_product(&counter, &c);
            check_product(kernels, &c, columns, tokens, report);
        }
    }
}

/* --- weights ------------------------------------------------------------- */

static void check_scaled(const wsic_weight_kernels *kernels, uint64_t *counter, size_t count,
                         decode_report *report)
{
    int8_t narrow[COUNT_MOST] = {0};
    int32_t wide[COUNT_MOST] = {0};
    float scales[COUNT_MOST] = {0}, found[COUNT_MOST];
    const float row_scale = some_float(counter);

    for (size_t j = 0; j < count; j++) {
        narrow[j] = (int8_t)bits_after(counter);
        wide[j] = (int32_t)bits_after(counter);
        scales[j] = some_float(counter);
    }
    kernels->from_narrow(narrow, scales, row_scale, count, found);
    for (size_t j = 0; j < count; j++) {
        const float scaled = scales[j] * (float)narrow[j];
        compare(report, "from_narrow", j, bits_of(found[j]), bits_of(row_scale * scaled));
    }
    kernels->from_wide(wide, scales, row_scale, count, found);
    for (size_t j = 0; j < count; j++) {
        const float scaled = scales[j] * (float)wide[j];
        compare(report, "from_wide", j, bits_of(found[j]), bits_of(row_scale * scaled));
    }
}

/* Finite numbers of all sizes within the type, many of them halfway between two of it. */
static float number_for(uint32_t dtype, uint64_t *counter)
{
    const uint64_t bits = bits_after(counter);
    const uint32_t below = dtype == WSIC_F16 ? 0x1FFF : 0xFFFF;
    const uint32_t tail = bits % 3 == 0 ? below / 2 + 1 : (uint32_t)(bits >> 8) & below;
    const uint32_t magnitude = (uint32_t)(bits >> 32) & 0x7FFFFFFF & ~below;

    return float_of(((uint32_t)bits & 0x80000000) | (magnitude | tail) % wsic_weights_limit(dtype));
}

static void check_halves(const wsic_weight_kernels *kernels, uint64_t *counter, size_t count,
                         decode_report *report)
{
    float weights[COUNT_MOST] = {0};
    uint16_t found[COUNT_MOST];

    for (size_t j = 0; j < count; j++)
        weights[j] = number_for(WSIC_F16, counter);
    kernels->to_f16(weights, count, found);
    for (size_t j = 0; j < count; j++)
        compare(report, "to_f16", j, found[j], wsic_f32_to_f16(weights[j]));
    for (size_t j = 0; j < count; j++)
        weights[j] = number_for(WSIC_BF16, counter);
    kernels->to_bf16(weights, count, found);
    for (size_t j = 0; j < count; j++)
        compare(report, "to_bf16", j, found[j], wsic_f32_to_bf16(weights[j]));
}

static void check_limits(const wsic_weight_kernels *kernels, uint64_t *counter, size_t count,
                         decode_report *report)
{
    float weights[COUNT_MOST] = {0};
    const uint32_t limit = wsic_weights_limit(WSIC_F16);
    const size_t first = (size_t)(bits_after(counter) % (count + 1));

    for (size_t j = 0; j < count; j++)
        weights[j] = number_for(WSIC_F16, counter);
    if (first < count)
        weights[first] = float_of(limit | ((uint32_t)bits_after(counter) & 0x80000000));
    if (first + 1 < count)
        weights[first + 1] = float_of(0xFFC00000); /* NaN */
    compare(report, "find_beyond", count, (uint32_t)kernels->find_beyond(weights, count, limit),
            (uint32_t)first);
}

static void check_weights(const wsic_weight_kernels *kernels, decode_report *report)
{
    uint64_t counter = 2;

    for (int round = 0; round < 20; round++) {
        for (size_t count = 0; count <= COUNT_MOST; count += count < 35 ? 1 : 5) {
            check_scaled(kernels, &counter, count, report);
            check_halves(kernels, &counter, count, report);
            check_limits(kernels, &counter, count, report);
        }
    }
}

/* --- squares ------------------------------------------------------------- */

static void check_transpose(wsic_transpose_function *transpose, decode_report *report)
{
    enum { FROM = WSIC_SQUARE + 3, TO = WSIC_SQUARE + 5 };
    int8_t columns[WSIC_SQUARE * FROM], rows[WSIC_SQUARE * TO];
    uint64_t counter = 3;

    for (size_t k = 0; k < sizeof columns; k++)
        columns[k] = (int8_t)bits_after(&counter);
    transpose(columns, FROM, rows, TO);
    for (size_t k = 0; k < WSIC_SQUARE * WSIC_SQUARE; k++) {
        const size_t i = k / WSIC_SQUARE, j = k % WSIC_SQUARE;
        compare(report, "transpose", k, (uint8_t)rows[i * TO + j], (uint8_t)columns[j * FROM + i]);
    }
}

/* --- all ----------------------------------------------------------------- */

void decode_check(const decode_kernels *kernels, decode_report *report)
{
    *report = (decode_report){.hash = 0xCBF29CE484222325U};
    check_products(kernels->product, report);
    check_weights(kernels->weights, report);
    check_transpose(kernels->transpose, report);
}

size_t decode_kernels_here(decode_kernels *list)
{
    size_t count = 0;

    list[count++] = (decode_kernels){"C", &wsic_product_c, &wsic_weights_c, wsic_transpose_c};
#if defined(WSIC_EMULATED_AVX512)
    list[count++] = (decode_kernels){"AVX-512, emulated", &wsic_product_avx512,
                                     &wsic_weights_avx512, wsic_transpose_c};
#elif WSIC_X86
    if (wsic_kernels_available(WSIC_KERNELS_AVX2))
        list[count++] = (decode_kernels){"AVX2", &wsic_product_avx2, &wsic_weights_avx2,
                                         wsic_transpose_for(WSIC_KERNELS_AVX2)};
    if (wsic_kernels_available(WSIC_KERNELS_AVX512))
        list[count++] = (decode_kernels){"AVX-512", &wsic_product_avx512, &wsic_weights_avx512,
                                         wsic_transpose_for(WSIC_KERNELS_AVX512)};
#elif WSIC_NEON
    list[count++] =
        (decode_kernels){"NEON", &wsic_product_neon, &wsic_weights_neon, wsic_transpose_neon};
#endif
    return count;
}
