/* SPDX-License-Identifier: MIT */
/* Steps of 32 lanes: four vectors of eight states, two of sixteen slots. The states of even lanes
 * lie in the lower halves of the slots' elements, those of odd lanes in the upper ones, so that
 * going from states to slots and back takes no shuffle; hence the order in which lanes take words.
 *
 * A symbol is found in the tree of its bounds (coding/form.h). A register of 16 bytes holds eight
 * bounds of one octet; node h is element h mod 8 of register h / 8. `control` holds 2 h and 2 h + 1
 * in the two bytes of an element, which is what a shuffle of bytes takes to fetch bound h. Where
 * each column has a class of its own, bounds are gathered from memory instead. */
#include "coding/stream_kernels.h"

#if WSIC_X86

#include <immintrin.h>

#include "coding/expand.h"
#include "coding/x86/lanes_trellis.h"

#define AVX2   WSIC_TARGET_AVX2
#define INLINE WSIC_INLINE_AVX2

enum {
    REGISTERS_MOST = 16,
    SELECTORS_MOST = 3,
    ROW_BYTES = 64 + 16 /* words of a step, and what a load reads beyond */
};

/* A vector of sixteen lanes: two octets. */
typedef struct bounds16 {
    __m256i part[REGISTERS_MOST];
} bounds16;

INLINE __m256i load_pair(const uint16_t *low, const uint16_t *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
                                   _mm_loadu_si128((const void *)high), 1);
}

INLINE void load_bounds(bounds16 *bounds, const uint16_t *low, const uint16_t *high,
                        unsigned registers)
{
#pragma GCC unroll 16
    for (unsigned k = 0; k < registers; k++)
        bounds->part[k] = load_pair(low + 8 * k, high + 8 * k);
}

/* The bounds of nodes of `bits` bits: those with more than four are in one of several registers,
 * which the bits after the first one select. */
INLINE __m256i fetch(const bounds16 *bounds, __m256i control, unsigned bits,
                     const __m256i *selectors)
{
    const unsigned first = bits <= 3 ? 0 : 1U << (bits - 4);
    const unsigned count = bits <= 4 ? 1 : 1U << (bits - 4);
    __m256i found[REGISTERS_MOST / 2];

    if (bits > 6)
        control = _mm256_and_si256(control, _mm256_set1_epi8(0x7F));
#pragma GCC unroll 8
    for (unsigned k = 0; k < count; k++)
        found[k] = _mm256_shuffle_epi8(bounds->part[first + k], control);
#pragma GCC unroll 3
    for (unsigned left = count, at = bits <= 4 ? 0 : bits - 4; left > 1; left /= 2) {
        at--;
#pragma GCC unroll 4
        for (unsigned k = 0; k < left / 2; k++)
            found[k] = _mm256_blendv_epi8(found[2 * k], found[2 * k + 1], selectors[at]);
    }
    return found[0];
}

/* Sixteen symbols: the node, the start and the frequency of each. */
typedef struct symbols16 {
    __m256i control; /* of the node below the last one that was compared */
    __m256i start;
    __m256i frequency;
} symbols16;

INLINE symbols16 find(const bounds16 *bounds, __m256i slot, __m256i control, unsigned contexts_log,
                      unsigned levels)
{
    const __m256i after = _mm256_add_epi16(slot, _mm256_set1_epi16(1));
    const __m256i odd = _mm256_set1_epi16((int16_t)0xFF00);
    __m256i selectors[8];
    symbols16 at = {control, _mm256_setzero_si256(), _mm256_set1_epi16(WSIC_MODEL_TOTAL)};

    /* The bits of the context select first: they follow the leading one of the root. */
    if (contexts_log == 2) {
        selectors[0] = _mm256_slli_epi16(control, 5);
        selectors[1] = _mm256_slli_epi16(control, 6);
    } else if (contexts_log == 1) {
        selectors[0] = _mm256_slli_epi16(control, 6);
    }
#pragma GCC unroll 6
    for (unsigned level = 0; level < levels; level++) {
        const __m256i bound = fetch(bounds, at.control, contexts_log + level + 1, selectors);
        const __m256i above = _mm256_cmpgt_epi16(after, bound);
        selectors[contexts_log + level] = above;
        at.start = _mm256_blendv_epi8(at.start, bound, above);
        at.frequency = _mm256_blendv_epi8(bound, at.frequency, above);
        /* From 2 h and 2 h + 1 to the same of 2 h, or of 2 h + 1 where the slot is above. */
        const __m256i half = _mm256_sub_epi8(at.control, above);
        at.control = _mm256_add_epi8(_mm256_add_epi8(half, half), odd);
    }
    at.frequency = _mm256_sub_epi16(at.frequency, at.start);
    return at;
}

/* --- states --------------------------------------------------------------------------- */

/* Sixteen lanes: the even ones and the odd ones. */
typedef struct states16 {
    __m256i even;
    __m256i odd;
} states16;

INLINE __m256i slots_of(const states16 *states)
{
    const __m256i mask = _mm256_set1_epi32(WSIC_MODEL_TOTAL - 1);
    return _mm256_or_si256(_mm256_and_si256(states->even, mask),
                           _mm256_slli_epi32(_mm256_and_si256(states->odd, mask), 16));
}

INLINE void leave(states16 *states, __m256i slot, const symbols16 *at)
{
    const __m256i low = _mm256_set1_epi32(0xFFFF);
    const __m256i bias = _mm256_sub_epi16(slot, at->start);
    const __m256i even = _mm256_mullo_epi32(_mm256_and_si256(at->frequency, low),
                                            _mm256_srli_epi32(states->even, WSIC_MODEL_BITS));
    const __m256i odd = _mm256_mullo_epi32(_mm256_srli_epi32(at->frequency, 16),
                                           _mm256_srli_epi32(states->odd, WSIC_MODEL_BITS));

    states->even = _mm256_add_epi32(even, _mm256_and_si256(bias, low));
    states->odd = _mm256_add_epi32(odd, _mm256_srli_epi32(bias, 16));
}

INLINE const uint8_t *take_words(__m256i *states, const uint8_t *words)
{
    const __m256i due = _mm256_cmpeq_epi32(_mm256_srli_epi32(*states, 16), _mm256_setzero_si256());
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(due));
    const __m256i next = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)words));
    const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)&wsic_expand[mask]));
    const __m256i refilled =
        _mm256_or_si256(_mm256_slli_epi32(*states, 16), _mm256_permutevar8x32_epi32(next, order));

    *states = _mm256_blendv_epi8(*states, refilled, due);
    return words + 2 * (size_t)_mm_popcnt_u32(mask);
}

/* --- steps ---------------------------------------------------------------------------- */

/* Both bytes of sixteen elements from one byte of each lane. */
INLINE void spread_control(__m256i bytes, __m256i *low, __m256i *high)
{
    const __m256i ordered = _mm256_permute4x64_epi64(bytes, 0xD8);
    const __m256i above = _mm256_add_epi8(ordered, _mm256_set1_epi8(1));

    *low = _mm256_unpacklo_epi8(ordered, above);
    *high = _mm256_unpackhi_epi8(ordered, above);
}

/* A group while it is decoded. */
typedef struct lanes32 {
    states16 states[2];
    __m256i trellis; /* states, by lane */
    const uint8_t *words;
    const uint8_t *limit;
} lanes32;

INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

INLINE void load_lanes(lanes32 *lanes, const wsic_stream *stream)
{
    for (unsigned half = 0; half < 2; half++) {
        lanes->states[half].even = load(stream->state + 8 * half);
        lanes->states[half].odd = load(stream->state + 16 + 8 * half);
    }
    lanes->trellis = load(stream->trellis);
    lanes->words = stream->words.next;
}

INLINE void store_lanes(const lanes32 *lanes, wsic_stream *stream)
{
    for (unsigned half = 0; half < 2; half++) {
        _mm256_storeu_si256((void *)(stream->state + 8 * half), lanes->states[half].even);
        _mm256_storeu_si256((void *)(stream->state + 16 + 8 * half), lanes->states[half].odd);
    }
    _mm256_storeu_si256((void *)stream->trellis, lanes->trellis);
    stream->words.next = lanes->words;
}

/* High parts by lane, as bytes. */
INLINE __m256i high_parts(const symbols16 *first, const symbols16 *second, unsigned levels)
{
    const __m256i mask = _mm256_set1_epi16((int16_t)((1 << levels) - 1));
    const __m256i low = _mm256_and_si256(_mm256_srli_epi16(first->control, 1), mask);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(second->control, 1), mask);
    const __m256i symbols = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xD8);

    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): levels > 0 */
    return _mm256_sub_epi8(symbols, _mm256_set1_epi8((char)(1 << (levels - 1))));
}

static AVX2 __attribute__((__noinline__)) __m256i
take_escapes(lanes32 *lanes, wsic_vector_group *group, size_t row, uint32_t mask, __m256i high)
{
    int8_t bytes[WSIC_VECTOR_LANES];

    _mm256_storeu_si256((void *)bytes, high);
    store_lanes(lanes, group->stream);
    wsic_vector_escapes(group, row, mask, bytes);
    load_lanes(lanes, group->stream);
    return load(bytes);
}

/* What each lane takes after its symbol; then the row of the output. */
INLINE void finish_step(lanes32 *lanes, wsic_vector_group *group, const vector_trellis *trellis,
                        size_t row, const symbols16 *found, const lanes_begun *begun,
                        unsigned levels, bool low_bits)
{
    lanes->words = take_words(&lanes->states[0].even, lanes->words);
    lanes->words = take_words(&lanes->states[1].even, lanes->words);
    lanes->words = take_words(&lanes->states[0].odd, lanes->words);
    lanes->words = take_words(&lanes->states[1].odd, lanes->words);

    __m256i high = high_parts(&found[0], &found[1], levels);
    const __m256i escape = _mm256_set1_epi8((char)-(1 << (levels - 1)));
    const uint32_t escaped = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, escape));
    if (__builtin_expect(escaped != 0, 0))
        high = take_escapes(lanes, group, row, escaped, high);
    if (begun)
        high = end_step(group, row, trellis, begun, low_bits, high, &lanes->trellis);
    _mm256_storeu_si256((void *)(group->rows + row * WSIC_VECTOR_LANES), high);
}

INLINE void step(lanes32 *lanes, wsic_vector_group *group, const vector_trellis *trellis,
                 size_t row, unsigned contexts_log, unsigned levels, bool low_bits)
{
    const unsigned registers = 1U << (contexts_log + levels - 3);
    const wsic_steps *const steps = group->steps;
    const uint16_t *const *const octets = steps->bounds + 4 * (size_t)steps->row_kind[row];
    __m256i control[2] = {_mm256_set1_epi16(0x0302), _mm256_set1_epi16(0x0302)};
    lanes_begun begun;
    symbols16 found[2];
    bounds16 bounds;

    if (contexts_log != 0) {
        begun = begin_step(trellis, lanes->trellis);
        spread_control(begun.control, &control[0], &control[1]);
    }
#pragma GCC unroll 2
    for (unsigned half = 0; half < 2; half++) {
        const __m256i slot = slots_of(&lanes->states[half]);
        load_bounds(&bounds, octets[2 * half], octets[2 * half + 1], registers);
        found[half] = find(&bounds, slot, control[half], contexts_log, levels);
        leave(&lanes->states[half], slot, &found[half]);
    }
    finish_step(lanes, group, trellis, row, found, contexts_log != 0 ? &begun : NULL, levels,
                low_bits);
}

/* --- lanes with models of their own --------------------------------------------------- */

/* Eight lanes of one parity: the distances of their bounds from a base, in elements. */
INLINE void find_distances(const uint16_t *const *bounds, const uint16_t *base, __m256i *even,
                           __m256i *odd)
{
    const __m256i origin = _mm256_set1_epi64x((int64_t)(uintptr_t)base);
    __m256i eight[2];

#pragma GCC unroll 2
    for (unsigned k = 0; k < 2; k++) {
        const __m256i low = _mm256_sub_epi64(load(bounds + 8 * k), origin);
        const __m256i high = _mm256_sub_epi64(load(bounds + 8 * k + 4), origin);
        const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high),
                                              _MM_SHUFFLE(2, 0, 2, 0));
        eight[k] = _mm256_srai_epi32(_mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xD8), 1);
    }
    const __m256 first = _mm256_castsi256_ps(eight[0]), second = _mm256_castsi256_ps(eight[1]);
    *even = _mm256_permute4x64_epi64(
        _mm256_castps_si256(_mm256_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0))), 0xD8);
    *odd = _mm256_permute4x64_epi64(
        _mm256_castps_si256(_mm256_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1))), 0xD8);
}

/* Decode the symbols of eight lanes, from the roots of their searches; returns the last nodes. A
 * bound is the upper half of what is gathered: its node is at least 1, so the element before it
 * belongs to the same bounds. */
INLINE __m256i leave_gathered(__m256i *states, const uint16_t *base, __m256i distance, __m256i node,
                              unsigned levels)
{
    const __m256i total = _mm256_set1_epi32(WSIC_MODEL_TOTAL);
    const __m256i slot = _mm256_and_si256(*states, _mm256_set1_epi32(WSIC_MODEL_TOTAL - 1));
    const __m256i after = _mm256_add_epi32(slot, _mm256_set1_epi32(1));
    const __m256i before = _mm256_sub_epi32(distance, _mm256_set1_epi32(1));
    __m256i start = _mm256_setzero_si256(), end = total;

#pragma GCC unroll 6
    for (unsigned level = 0; level < levels; level++) {
        const __m256i at = _mm256_add_epi32(before, node);
        const __m256i bound =
            _mm256_srli_epi32(_mm256_i32gather_epi32((const void *)base, at, sizeof *base), 16);
        const __m256i above = _mm256_cmpgt_epi32(after, bound);
        start = _mm256_blendv_epi8(start, bound, above);
        end = _mm256_blendv_epi8(bound, end, above);
        node = _mm256_sub_epi32(_mm256_add_epi32(node, node), above);
    }
    const __m256i scaled = _mm256_mullo_epi32(_mm256_sub_epi32(end, start),
                                              _mm256_srli_epi32(*states, WSIC_MODEL_BITS));
    *states = _mm256_add_epi32(scaled, _mm256_sub_epi32(slot, start));
    return node;
}

/* What a search leaves as control, from nodes. */
INLINE __m256i control_of(__m256i even, __m256i odd)
{
    return _mm256_or_si256(_mm256_slli_epi32(even, 1), _mm256_slli_epi32(odd, 17));
}

INLINE void step_alone(lanes32 *lanes, wsic_vector_group *group, const vector_trellis *trellis,
                       size_t row, unsigned contexts_log, unsigned levels, bool low_bits)
{
    const wsic_steps *const steps = group->steps;
    const uint16_t *const *const bounds =
        steps->bounds + WSIC_VECTOR_LANES * (size_t)steps->row_kind[row];
    const uint16_t *const base = steps->bounds[0];
    __m256i control[2] = {_mm256_set1_epi16(0x0302), _mm256_set1_epi16(0x0302)};
    const __m256i root = _mm256_set1_epi32(0x7F);
    lanes_begun begun;
    symbols16 found[2];

    if (contexts_log != 0) {
        begun = begin_step(trellis, lanes->trellis);
        spread_control(begun.control, &control[0], &control[1]);
    }
#pragma GCC unroll 2
    for (unsigned half = 0; half < 2; half++) {
        states16 *const states = &lanes->states[half];
        __m256i even, odd;
        find_distances(bounds + 16 * half, base, &even, &odd);
        even = leave_gathered(&states->even, base, even,
                              _mm256_and_si256(_mm256_srli_epi32(control[half], 1), root), levels);
        odd = leave_gathered(&states->odd, base, odd,
                             _mm256_and_si256(_mm256_srli_epi32(control[half], 17), root), levels);
        found[half].control = control_of(even, odd);
    }
    finish_step(lanes, group, trellis, row, found, contexts_log != 0 ? &begun : NULL, levels,
                low_bits);
}

#define KERNEL_TARGET AVX2
#include "coding/stream_run.h"

#define STEP        step_alone
#define NAMED(name) name##_alone
#include "coding/stream_run.h"

wsic_vector_steps *wsic_vector_kernel_avx2(const wsic_form *form, bool trellis)
{
    return choose_kernel(form, trellis);
}

wsic_vector_steps *wsic_vector_kernel_avx2_alone(const wsic_form *form, bool trellis)
{
    return choose_kernel_alone(form, trellis);
}

#endif
