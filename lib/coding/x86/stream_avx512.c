/* SPDX-License-Identifier: MIT */
/* Steps of 32 lanes with AVX-512: two vectors of sixteen states, one of 32 slots. As with AVX2
 * (stream_avx2.c) the states of even lanes lie in the lower halves of the slots' elements, those of
 * odd lanes in the upper ones, and the bounds of an octet are a tree in registers of 16 bytes; but
 * four octets lie side by side, masks choose between registers, and words go to their lanes by one
 * instruction. */
#include "coding/stream_kernels.h"

#if WSIC_X86

#if defined(WSIC_EMULATED_AVX512) /* for tests on machines without it */
#include "emulated_avx512.h"
#else
#include <immintrin.h>
#endif

#include "coding/x86/lanes_trellis.h"

#define AVX512 WSIC_TARGET_AVX512
#define INLINE static inline AVX512 __attribute__((__always_inline__))

enum {
    OCTETS = WSIC_VECTOR_LANES / 8,
    REGISTERS_MOST = 16,
    ROW_BYTES = 2 * WSIC_VECTOR_LANES /* words of a step: no load reads beyond them */
};

/* Four octets. */
typedef struct bounds32 {
    __m512i part[REGISTERS_MOST];
} bounds32;

INLINE __m128i load_octet(const uint16_t *from)
{
    return _mm_loadu_si128((const void *)from);
}

INLINE void load_bounds(bounds32 *bounds, const uint16_t *const *octets, unsigned registers)
{
#pragma GCC unroll 16
    for (unsigned k = 0; k < registers; k++) {
        const size_t at = (size_t)8 * k;
        const __m512i first = _mm512_castsi128_si512(load_octet(octets[0] + at));
        const __m512i second = _mm512_inserti32x4(first, load_octet(octets[1] + at), 1);
        const __m512i third = _mm512_inserti32x4(second, load_octet(octets[2] + at), 2);
        bounds->part[k] = _mm512_inserti32x4(third, load_octet(octets[3] + at), 3);
    }
}

/* The bounds of nodes of `bits` bits: those with more than four are in one of several registers,
 * which the bits after the first one select. */
INLINE __m512i fetch(const bounds32 *bounds, __m512i control, unsigned bits,
                     const __mmask32 *selectors)
{
    const unsigned first = bits <= 3 ? 0 : 1U << (bits - 4);
    const unsigned count = bits <= 4 ? 1 : 1U << (bits - 4);
    __m512i found[REGISTERS_MOST / 2];

    if (bits > 6)
        control = _mm512_and_si512(control, _mm512_set1_epi8(0x7F));
#pragma GCC unroll 8
    for (unsigned k = 0; k < count; k++)
        found[k] = _mm512_shuffle_epi8(bounds->part[first + k], control);
#pragma GCC unroll 3
    for (unsigned left = count, at = bits <= 4 ? 0 : bits - 4; left > 1; left /= 2) {
        at--;
#pragma GCC unroll 4
        for (unsigned k = 0; k < left / 2; k++)
            found[k] = _mm512_mask_blend_epi16(selectors[at], found[2 * k], found[2 * k + 1]);
    }
    return found[0];
}

/* The node, the start and the frequency of each symbol. */
typedef struct symbols32 {
    __m512i control; /* of the node below the last one that was compared */
    __m512i start;
    __m512i frequency;
} symbols32;

INLINE symbols32 find(const bounds32 *bounds, __m512i slot, __m512i control, unsigned contexts_log,
                      unsigned levels)
{
    const __m512i below = _mm512_set1_epi16((int16_t)0xFF00);
    const __m512i beyond = _mm512_set1_epi16(0x0102);
    __mmask32 selectors[8];
    symbols32 at = {control, _mm512_setzero_si512(), _mm512_set1_epi16(WSIC_MODEL_TOTAL)};

    /* The bits of the context select first: they follow the leading one of the root, and the lower
     * byte of a control is twice the node. */
    if (contexts_log == 2) {
        selectors[0] = _mm512_test_epi16_mask(control, _mm512_set1_epi16(4));
        selectors[1] = _mm512_test_epi16_mask(control, _mm512_set1_epi16(2));
    } else if (contexts_log == 1) {
        selectors[0] = _mm512_test_epi16_mask(control, _mm512_set1_epi16(2));
    }
#pragma GCC unroll 6
    for (unsigned level = 0; level < levels; level++) {
        const __m512i bound = fetch(bounds, at.control, contexts_log + level + 1, selectors);
        const __mmask32 above = _mm512_cmpge_epu16_mask(slot, bound);
        selectors[contexts_log + level] = above;
        at.start = _mm512_mask_blend_epi16(above, at.start, bound);
        at.frequency = _mm512_mask_blend_epi16(above, bound, at.frequency);
        /* From 2 h and 2 h + 1 to the same of 2 h, or of 2 h + 1 where the slot is above. */
        at.control = _mm512_add_epi8(_mm512_add_epi8(at.control, at.control),
                                     _mm512_mask_blend_epi16(above, below, beyond));
    }
    at.frequency = _mm512_sub_epi16(at.frequency, at.start);
    return at;
}

/* --- states --------------------------------------------------------------------------- */

typedef struct states32 {
    __m512i even;
    __m512i odd;
} states32;

INLINE __m512i slots_of(const states32 *states)
{
    const __m512i mask = _mm512_set1_epi32(WSIC_MODEL_TOTAL - 1);
    return _mm512_or_si512(_mm512_and_si512(states->even, mask),
                           _mm512_slli_epi32(_mm512_and_si512(states->odd, mask), 16));
}

INLINE void leave(states32 *states, __m512i slot, const symbols32 *at)
{
    const __m512i low = _mm512_set1_epi32(0xFFFF);
    const __m512i bias = _mm512_sub_epi16(slot, at->start);
    const __m512i even = _mm512_mullo_epi32(_mm512_and_si512(at->frequency, low),
                                            _mm512_srli_epi32(states->even, WSIC_MODEL_BITS));
    const __m512i odd = _mm512_mullo_epi32(_mm512_srli_epi32(at->frequency, 16),
                                           _mm512_srli_epi32(states->odd, WSIC_MODEL_BITS));

    states->even = _mm512_add_epi32(even, _mm512_and_si512(bias, low));
    states->odd = _mm512_add_epi32(odd, _mm512_srli_epi32(bias, 16));
}

/* Loaded, then expanded: expanding while loading is slow on some processors. */
INLINE const uint8_t *take_words(__m512i *states, const uint8_t *words)
{
    const __mmask16 due = _mm512_cmplt_epu32_mask(*states, _mm512_set1_epi32(WSIC_STATE_LOW));
    const __m256i next = _mm256_loadu_si256((const void *)words);
    const __m512i placed = _mm512_cvtepu16_epi32(_mm256_maskz_expand_epi16(due, next));

    *states = _mm512_mask_or_epi32(*states, due, _mm512_slli_epi32(*states, 16), placed);
    return words + 2 * (size_t)_mm_popcnt_u32(due);
}

/* --- steps ---------------------------------------------------------------------------- */

/* A group while it is decoded. */
typedef struct lanes32 {
    states32 states;
    __m256i trellis; /* states, by lane */
    const uint8_t *words;
    const uint8_t *limit;
} lanes32;

INLINE void load_lanes(lanes32 *lanes, const wsic_stream *stream)
{
    lanes->states.even = _mm512_loadu_si512((const void *)stream->state);
    lanes->states.odd = _mm512_loadu_si512((const void *)(stream->state + 16));
    lanes->trellis = _mm256_loadu_si256((const void *)stream->trellis);
    lanes->words = stream->words.next;
}

INLINE void store_lanes(const lanes32 *lanes, wsic_stream *stream)
{
    _mm512_storeu_si512((void *)stream->state, lanes->states.even);
    _mm512_storeu_si512((void *)(stream->state + 16), lanes->states.odd);
    _mm256_storeu_si256((void *)stream->trellis, lanes->trellis);
    stream->words.next = lanes->words;
}

/* Both bytes of a control from one byte of each lane. */
INLINE __m512i spread_control(__m256i bytes)
{
    const __m512i low = _mm512_cvtepu8_epi16(bytes);
    return _mm512_add_epi16(_mm512_or_si512(low, _mm512_slli_epi16(low, 8)),
                            _mm512_set1_epi16(0x0100));
}

/* High parts by lane, as bytes. */
INLINE __m256i high_parts(const symbols32 *found, unsigned levels)
{
    const __m512i mask = _mm512_set1_epi16((int16_t)((1 << levels) - 1));
    const __m512i symbols = _mm512_and_si512(_mm512_srli_epi16(found->control, 1), mask);

    return _mm256_sub_epi8(
        _mm512_cvtepi16_epi8(symbols),
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): levels > 0 */
        _mm256_set1_epi8((char)(1 << (levels - 1))));
}

static AVX512 __attribute__((__noinline__)) void
take_escapes(lanes32 *lanes, wsic_vector_group *group, size_t row, uint32_t mask, int8_t *high)
{
    store_lanes(lanes, group->stream);
    wsic_vector_escapes(group, row, mask, high);
    load_lanes(lanes, group->stream);
}

INLINE void step(lanes32 *lanes, wsic_vector_group *group, const vector_trellis *trellis,
                 size_t row, unsigned contexts_log, unsigned levels, bool low_bits)
{
    const wsic_steps *const steps = group->steps;
    int8_t *const out = group->rows + row * WSIC_VECTOR_LANES;
    __m512i control = _mm512_set1_epi16(0x0302);
    lanes_begun begun;
    bounds32 bounds;

    if (contexts_log != 0) {
        begun = begin_step(trellis, lanes->trellis);
        control = spread_control(begun.control);
    }
    const __m512i slot = slots_of(&lanes->states);
    load_bounds(&bounds, steps->bounds + OCTETS * (size_t)steps->row_kind[row],
                1U << (contexts_log + levels - 3));
    const symbols32 found = find(&bounds, slot, control, contexts_log, levels);
    leave(&lanes->states, slot, &found);
    lanes->words = take_words(&lanes->states.even, lanes->words);
    lanes->words = take_words(&lanes->states.odd, lanes->words);

    __m256i high = high_parts(&found, levels);
    const __m256i escape = _mm256_set1_epi8((char)-(1 << (levels - 1)));
    const uint32_t escaped = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, escape));
    if (__builtin_expect(escaped != 0, 0)) {
        _mm256_storeu_si256((void *)out, high);
        take_escapes(lanes, group, row, escaped, out);
        high = _mm256_loadu_si256((const void *)out);
    }
    if (contexts_log != 0)
        high = end_step(group, row, trellis, &begun, low_bits, high, &lanes->trellis);
    _mm256_storeu_si256((void *)out, high);
}

#define KERNEL_TARGET AVX512
#include "coding/stream_run.h"

wsic_vector_steps *wsic_vector_kernel_avx512(const wsic_form *form, bool trellis)
{
    return choose_kernel(form, trellis);
}

#endif
