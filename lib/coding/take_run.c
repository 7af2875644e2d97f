/* SPDX-License-Identifier: MIT */
#include "coding/take_run.h"

#include "coding/bits.h"
#include "coding/take_loops.h"

static uint64_t collect(const uint8_t *bytes, unsigned number)
{
    uint64_t bits = 0;

    for (size_t first = 0; first < WSIC_TAKE_RUN; first += 8)
        bits |= wsic_collect_bits(wsic_load_octet(bytes + first) >> number) << first;
    return bits;
}

static void spread(uint64_t twice, uint64_t once, uint8_t *bytes)
{
    for (size_t first = 0; first < WSIC_TAKE_RUN; first += 8) {
        const uint64_t each = 2 * wsic_spread_bits((uint8_t)(twice >> first)) +
                              wsic_spread_bits((uint8_t)(once >> first));
        for (size_t k = 0; k < 8; k++)
            bytes[first + k] = (uint8_t)(each >> 8 * k);
    }
}

bool wsic_take_run_c(const int32_t *codes, const wsic_token_taps *taps, uint64_t *before,
                     int16_t *data, uint8_t *buckets, uint64_t *energy)
{
    return taps ? wsic_loop_take_levels(codes, taps, before, collect, spread, data, buckets, energy)
                : wsic_loop_take_codes(codes, data, buckets, energy);
}

wsic_take_run *wsic_take_run_kernel(int32_t kernels)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(kernels))
        return wsic_take_run_avx2;
#else
    (void)kernels;
#endif
    return wsic_take_run_c;
}
