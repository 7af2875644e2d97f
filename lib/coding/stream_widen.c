/* SPDX-License-Identifier: MIT */
#include "coding/stream_widen.h"

#include "coding/bits.h"

enum { OCTET = 1 << WSIC_OCTET_LOG };

/* Low bits of a square of steps, by step; with a trellis shifted by one, the codebook below them.
 */
typedef int8_t low_steps[WSIC_SQUARE][WSIC_VECTOR_LANES];

static inline uint64_t low_of_octet(const wsic_narrow_steps *steps, size_t step, size_t octet)
{
    const size_t plane_bytes = steps->lanes / OCTET;
    const uint8_t *const planes = steps->planes + step * steps->shift * plane_bytes + octet;
    uint64_t low = 0;

    for (unsigned plane = 0; plane < steps->shift; plane++)
        low |= wsic_spread_bits(planes[plane * plane_bytes]) << plane;
    if (steps->codebooks)
        low = low << 1 | wsic_spread_bits((uint8_t)(steps->codebooks[step] >> OCTET * octet));
    return low;
}

static void gather_low(const wsic_narrow_steps *steps, size_t first, low_steps low)
{
    for (size_t i = 0; i < WSIC_SQUARE; i++) {
        for (size_t octet = 0; octet < WSIC_VECTOR_LANES / OCTET; octet++) {
            const bool there = first + i < steps->count && octet < steps->lanes / OCTET;
            const uint64_t bits = there ? low_of_octet(steps, first + i, octet) : 0;
            for (size_t k = 0; k < OCTET; k++)
                low[i][OCTET * octet + k] = (int8_t)(bits >> 8 * k & 0xFF);
        }
    }
}

/* --- columns -------------------------------------------------------------------------- */

typedef int8_t square[WSIC_SQUARE][WSIC_SQUARE];

static void put_codes(const int8_t *high, const int8_t *low, unsigned shift, int32_t *out)
{
    const int32_t half = (int32_t)wsic_shift_half(shift);

    for (size_t i = 0; i < WSIC_SQUARE; i++)
        out[i] = high[i] * (1 << shift) - half + low[i];
}

static void put_levels(const int8_t *high, const int8_t *low, unsigned shift, int32_t *out)
{
    const int32_t half = (int32_t)wsic_shift_half(shift);

    for (size_t i = 0; i < WSIC_SQUARE; i++) {
        const uint32_t bits = (uint8_t)low[i];
        out[i] = wsic_trellis_level(bits & 1, high[i] * (1 << shift) - half + (int32_t)(bits >> 1));
    }
}

static void put_square(const wsic_narrow_steps *steps, square high, square low, int32_t *tile,
                       size_t stride)
{
    for (size_t lane = 0; lane < WSIC_SQUARE; lane++) {
        int32_t *const out = tile + lane * stride;
        if (steps->codebooks)
            put_levels(high[lane], low[lane], steps->shift, out);
        else
            put_codes(high[lane], low[lane], steps->shift, out);
    }
}

void wsic_widen_steps(const wsic_narrow_steps *steps, wsic_transpose_function *transpose,
                      int32_t *tile, size_t stride)
{
    low_steps low;
    square high_columns, low_columns;

    for (size_t step = 0; step < steps->count; step += WSIC_SQUARE) {
        gather_low(steps, step, low);
        for (size_t lane = 0; lane < WSIC_VECTOR_LANES; lane += WSIC_SQUARE) {
            transpose(steps->high + step * WSIC_VECTOR_LANES + lane, WSIC_VECTOR_LANES,
                      high_columns[0], WSIC_SQUARE);
            transpose(low[0] + lane, WSIC_VECTOR_LANES, low_columns[0], WSIC_SQUARE);
            put_square(steps, high_columns, low_columns, tile + lane * stride + step, stride);
        }
    }
}
