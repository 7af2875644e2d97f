/* SPDX-License-Identifier: MIT */
/* The trellis of 32 lanes in vectors of bytes: what kernels with AVX2 and AVX-512 have in common.
 */
#ifndef WSIC_CODING_X86_LANES_TRELLIS_H
#define WSIC_CODING_X86_LANES_TRELLIS_H

#include <immintrin.h>
#include <string.h>

#include "coding/stream_kernels.h"

#define WSIC_INLINE_AVX2 static inline WSIC_TARGET_AVX2 __attribute__((__always_inline__))

/* What a state says is linear in its bits: the sum of what its two halves say. */
typedef struct linear_map {
    __m256i low;
    __m256i high;
} linear_map;

typedef struct vector_trellis {
    linear_map control; /* 2 * (contexts + context): twice the root of a search */
    linear_map next;    /* the state after an even index */
    __m256i codebook;   /* its bit in the control */
} vector_trellis;

WSIC_INLINE_AVX2 linear_map make_map(const uint8_t low[16], const uint8_t high[16])
{
    return (linear_map){_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)low)),
                        _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)high))};
}

WSIC_INLINE_AVX2 void make_trellis(vector_trellis *made, const wsic_trellis *trellis,
                                   const wsic_form *form)
{
    const unsigned contexts = 1U << form->contexts_log;
    uint8_t control[2][16] = {{0}}, next[2][16] = {{0}};

    for (unsigned k = 0; k < 16; k++) {
        for (unsigned half = 0; half < 2; half++) {
            const unsigned state = k << 4 * half;
            if (state >= trellis->states)
                continue;
            const unsigned context = wsic_form_context(form, trellis->context[state]);
            control[half][k] = (uint8_t)(2 * (context + (half == 0 ? contexts : 0)));
            next[half][k] = trellis->next[state][0];
        }
    }
    made->control = make_map(control[0], control[1]);
    made->next = make_map(next[0], next[1]);
    made->codebook = _mm256_set1_epi8((char)contexts);
}

/* --- a step --------------------------------------------------------------------------- */

/* What the states of the lanes say at its beginning. */
typedef struct lanes_begun {
    __m256i control;
    __m256i next;
} lanes_begun;

WSIC_INLINE_AVX2 __m256i apply_map(const linear_map *map, __m256i low, __m256i high)
{
    return _mm256_xor_si256(_mm256_shuffle_epi8(map->low, low),
                            _mm256_shuffle_epi8(map->high, high));
}

WSIC_INLINE_AVX2 lanes_begun begin_step(const vector_trellis *trellis, __m256i states)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(states, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(states, 4), nibble);

    return (lanes_begun){apply_map(&trellis->control, low, high),
                         apply_map(&trellis->next, low, high)};
}

/* 1 for each lane whose index is odd, as the lowest of its low bits says. */
WSIC_INLINE_AVX2 __m256i parities_in_plane(const wsic_vector_group *group, size_t row)
{
    const wsic_form *const form = &group->steps->form;
    const uint8_t *const plane =
        group->stream->planes + row * wsic_step_planes(form, WSIC_VECTOR_LANES);
    const __m256i each = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i octets =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    uint32_t bits;

    memcpy(&bits, plane, sizeof bits);
    bits ^= wsic_vector_flips(form->shift) ? UINT32_MAX : 0;
    const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)bits), octets);
    return _mm256_min_epu8(_mm256_and_si256(spread, each), _mm256_set1_epi8(1));
}

/* The next states; returns what the row receives for these high parts: they, or levels. */
WSIC_INLINE_AVX2 __m256i end_step(const wsic_vector_group *group, size_t row,
                                  const vector_trellis *trellis, const lanes_begun *begun,
                                  bool low_bits, __m256i high, __m256i *states)
{
    const __m256i odd =
        _mm256_cmpeq_epi8(_mm256_and_si256(begun->control, trellis->codebook), trellis->codebook);

    if (low_bits) {
        *states = _mm256_xor_si256(begun->next, parities_in_plane(group, row));
        group->codebooks[row] = (uint32_t)_mm256_movemask_epi8(odd);
        return high;
    }
    *states = _mm256_xor_si256(begun->next, _mm256_and_si256(high, _mm256_set1_epi8(1)));
    return _mm256_add_epi8(_mm256_add_epi8(high, high), _mm256_sign_epi8(odd, high));
}

#endif
