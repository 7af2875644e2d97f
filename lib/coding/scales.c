/* SPDX-License-Identifier: MIT */
#include "coding/scales.h"

#include <string.h>

#include "base/checked.h"
#include "coding/codes.h"
#include "coding/int_array.h"
#include "coding/scales_format.h"

enum { TABLE_BITS = 6, TABLE_SIZE = 1 << TABLE_BITS };

/* 2^(i/64) and 2^(i/4096) */
/* clang-format off */
static const double COARSE[64] = {
    0x1p+0, 0x1.02c9a3e778061p+0, 0x1.059b0d3158574p+0, 0x1.0874518759bc8p+0,
    0x1.0b5586cf9890fp+0, 0x1.0e3ec32d3d1a2p+0, 0x1.11301d0125b51p+0, 0x1.1429aaea92dep+0,
    0x1.172b83c7d517bp+0, 0x1.1a35beb6fcb75p+0, 0x1.1d4873168b9aap+0, 0x1.2063b88628cd6p+0,
    0x1.2387a6e756238p+0, 0x1.26b4565e27cddp+0, 0x1.29e9df51fdee1p+0, 0x1.2d285a6e4030bp+0,
    0x1.306fe0a31b715p+0, 0x1.33c08b26416ffp+0, 0x1.371a7373aa9cbp+0, 0x1.3a7db34e59ff7p+0,
    0x1.3dea64c123422p+0, 0x1.4160a21f72e2ap+0, 0x1.44e086061892dp+0, 0x1.486a2b5c13cdp+0,
    0x1.4bfdad5362a27p+0, 0x1.4f9b2769d2ca7p+0, 0x1.5342b569d4f82p+0, 0x1.56f4736b527dap+0,
    0x1.5ab07dd485429p+0, 0x1.5e76f15ad2148p+0, 0x1.6247eb03a5585p+0, 0x1.6623882552225p+0,
    0x1.6a09e667f3bcdp+0, 0x1.6dfb23c651a2fp+0, 0x1.71f75e8ec5f74p+0, 0x1.75feb564267c9p+0,
    0x1.7a11473eb0187p+0, 0x1.7e2f336cf4e62p+0, 0x1.82589994cce13p+0, 0x1.868d99b4492edp+0,
    0x1.8ace5422aa0dbp+0, 0x1.8f1ae99157736p+0, 0x1.93737b0cdc5e5p+0, 0x1.97d829fde4e5p+0,
    0x1.9c49182a3f09p+0, 0x1.a0c667b5de565p+0, 0x1.a5503b23e255dp+0, 0x1.a9e6b5579fdbfp+0,
    0x1.ae89f995ad3adp+0, 0x1.b33a2b84f15fbp+0, 0x1.b7f76f2fb5e47p+0, 0x1.bcc1e904bc1d2p+0,
    0x1.c199bdd85529cp+0, 0x1.c67f12e57d14bp+0, 0x1.cb720dcef9069p+0, 0x1.d072d4a07897cp+0,
    0x1.d5818dcfba487p+0, 0x1.da9e603db3285p+0, 0x1.dfc97337b9b5fp+0, 0x1.e502ee78b3ff6p+0,
    0x1.ea4afa2a490dap+0, 0x1.efa1bee615a27p+0, 0x1.f50765b6e454p+0, 0x1.fa7c1819e90d8p+0,
};

static const double FINE[64] = {
    0x1p+0, 0x1.000b175effdc7p+0, 0x1.00162f3904052p+0, 0x1.0021478e11ce6p+0,
    0x1.002c605e2e8cfp+0, 0x1.003779a95f959p+0, 0x1.0042936faa3d8p+0, 0x1.004dadb113dap+0,
    0x1.0058c86da1c0ap+0, 0x1.0063e3a559473p+0, 0x1.006eff583fc3dp+0, 0x1.007a1b865a8cap+0,
    0x1.0085382faef83p+0, 0x1.00905554425d4p+0, 0x1.009b72f41a12bp+0, 0x1.00a6910f3b6fdp+0,
    0x1.00b1afa5abcbfp+0, 0x1.00bcceb7707ecp+0, 0x1.00c7ee448ee02p+0, 0x1.00d30e4d0c483p+0,
    0x1.00de2ed0ee0f5p+0, 0x1.00e94fd0398ep+0, 0x1.00f4714af41d3p+0, 0x1.00ff93412315cp+0,
    0x1.010ab5b2cbd11p+0, 0x1.0115d89ff3a8bp+0, 0x1.0120fc089ff63p+0, 0x1.012c1fecd613bp+0,
    0x1.0137444c9b5b5p+0, 0x1.01426927f5278p+0, 0x1.014d8e7ee8d2fp+0, 0x1.0158b4517bb88p+0,
    0x1.0163da9fb3335p+0, 0x1.016f0169949edp+0, 0x1.017a28af25567p+0, 0x1.018550706ab62p+0,
    0x1.019078ad6a19fp+0, 0x1.019ba16628de2p+0, 0x1.01a6ca9aac5f3p+0, 0x1.01b1f44af9f9ep+0,
    0x1.01bd1e77170b4p+0, 0x1.01c8491f08f08p+0, 0x1.01d37442d507p+0, 0x1.01de9fe280ac8p+0,
    0x1.01e9cbfe113efp+0, 0x1.01f4f8958c1c6p+0, 0x1.020025a8f6a35p+0, 0x1.020b533856324p+0,
    0x1.02168143b0281p+0, 0x1.0221afcb09e3ep+0, 0x1.022cdece68c4fp+0, 0x1.02380e4dd22adp+0,
    0x1.02433e494b755p+0, 0x1.024e6ec0da046p+0, 0x1.02599fb483385p+0, 0x1.0264d1244c719p+0,
    0x1.027003103b10ep+0, 0x1.027b357854772p+0, 0x1.0286685c9e059p+0, 0x1.02919bbd1d1d8p+0,
    0x1.029ccf99d720ap+0, 0x1.02a803f2d170dp+0, 0x1.02b338c811703p+0, 0x1.02be6e199c811p+0,
};
/* clang-format on */

/* floor(value / 2^shift), without shifting a negative number. */
static int64_t floor_shift(int64_t value, uint32_t shift)
{
    const int64_t bias = INT64_C(1) << 40;
    return ((value + bias) >> shift) - (bias >> shift);
}

float wsic_scale_value(uint32_t grid, int sign, int32_t exponent)
{
    if (sign == 0)
        return 0.0F;
    const int64_t octave = floor_shift(exponent, grid);
    const uint32_t part = (uint32_t)(exponent - octave * (INT64_C(1) << grid))
                          << (WSIC_SCALE_GRID_MAX - grid);
    const double mantissa = COARSE[part >> TABLE_BITS] * FINE[part & (TABLE_SIZE - 1)];
    uint64_t bits;

    /* The mantissa lies within [1, 2), so its exponent can be raised in place. */
    memcpy(&bits, &mantissa, sizeof bits);
    bits += (uint64_t)octave << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)(sign < 0 ? -value : value);
}

wsic_status wsic_scales_create(const wsic_env *env, size_t count, uint32_t grid,
                               wsic_scales *scales)
{
    wsic_scales made = {.count = count, .grid = grid};
    wsic_status status;

    if (grid > WSIC_SCALE_GRID_MAX)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "grid is %u, not within 0 to %d", (unsigned)grid,
                         WSIC_SCALE_GRID_MAX);
    made.exponent = wsic_alloc_zero(env, count, sizeof *made.exponent, &status);
    if (!made.exponent)
        return status;
    made.sign = wsic_alloc_zero(env, count, sizeof *made.sign, &status);
    if (!made.sign) {
        wsic_free(env, made.exponent);
        return status;
    }
    *scales = made;
    return WSIC_OK;
}

void wsic_scales_release(const wsic_env *env, wsic_scales *scales)
{
    wsic_free(env, scales->exponent);
    wsic_free(env, scales->sign);
    *scales = (wsic_scales){.count = 0};
}

static wsic_status take_signs(const wsic_env *env, const int32_t *values, wsic_scales *scales)
{
    for (size_t i = 0; i < scales->count; i++) {
        if (values[i] < -1 || values[i] > 1)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "the sign of scale %zu is %d", i,
                             (int)values[i]);
        scales->sign[i] = (int8_t)values[i];
    }
    return WSIC_OK;
}

/* Exponents are there only for scales that are not 0. */
static wsic_status take_exponents(const wsic_env *env, const int32_t *values, wsic_scales *scales)
{
    size_t next = 0;

    for (size_t i = 0; i < scales->count; i++) {
        if (scales->sign[i] == 0)
            continue;
        const int32_t exponent = values[next++];
        if (exponent < wsic_scale_lowest(scales->grid) ||
            exponent > wsic_scale_highest(scales->grid))
            return wsic_fail(env, WSIC_ERROR_FORMAT,
                             "the exponent of scale %zu is %d, which "
                             "is beyond the range of float",
                             i, (int)exponent);
        scales->exponent[i] = exponent;
    }
    return WSIC_OK;
}

static wsic_status decode(const wsic_env *env, wsic_cursor *cursor, bool signs, int32_t *values,
                          wsic_scales *scales)
{
    wsic_status status = WSIC_OK;
    size_t nonzero = 0;

    if (signs) {
        status = wsic_int_array_read(env, cursor, "signs of the scales", scales->count, values);
        if (status == WSIC_OK)
            status = take_signs(env, values, scales);
        if (status != WSIC_OK)
            return status;
    } else {
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): wsic_scales_create() made it */
        memset(scales->sign, 1, scales->count);
    }
    for (size_t i = 0; i < scales->count; i++)
        nonzero += scales->sign[i] != 0;
    status = wsic_int_array_read(env, cursor, "exponents of the scales", nonzero, values);
    return status == WSIC_OK ? take_exponents(env, values, scales) : status;
}

wsic_status wsic_scales_decode(const wsic_env *env, wsic_cursor *cursor, size_t count,
                               wsic_scales *scales)
{
    const uint8_t head = wsic_get_u8(cursor);
    const uint32_t grid = head & WSIC_SCALES_GRID;
    wsic_scales made = {.count = count};
    wsic_status status;

    if (cursor->failed)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end before the scales");
    if (grid > WSIC_SCALE_GRID_MAX || (head & ~(WSIC_SCALES_GRID | WSIC_SCALES_SIGNS)) != 0)
        return wsic_fail(env, WSIC_ERROR_FORMAT, "the scales begin with %u", (unsigned)head);
    int32_t *const values = wsic_alloc(env, count, sizeof *values, &status);
    if (!values)
        return status;
    status = wsic_scales_create(env, count, grid, &made);
    if (status == WSIC_OK) {
        status = decode(env, cursor, (head & WSIC_SCALES_SIGNS) != 0, values, &made);
        if (status == WSIC_OK)
            *scales = made;
        else
            wsic_scales_release(env, &made);
    }
    wsic_free(env, values);
    return status;
}

void wsic_scales_hint(const wsic_scales *scales, int32_t *hint)
{
    const int64_t half = (INT64_C(1) << scales->grid) >> 1;

    for (size_t i = 0; i < scales->count; i++) {
        const int64_t steps = -(int64_t)scales->exponent[i] * WSIC_HINTS_PER_OCTAVE;
        hint[i] = scales->sign[i] == 0 ? 0 : (int32_t)floor_shift(steps + half, scales->grid);
    }
}
