/* SPDX-License-Identifier: MIT */
/* Steps of 32 lanes with NEON: eight vectors of four states, four of eight slots, one to an octet.
 * The states of even lanes lie in the lower halves of the slots' elements, those of odd lanes in
 * the upper ones.
 *
 * A symbol is found in the tree of its bounds (coding/form.h), all of which are in registers:
 * `control` holds 2 h and 2 h + 1 in the two bytes of an element, where bound h is in the table. */
#include "coding/stream_kernels.h"

#if WSIC_NEON

#include <arm_neon.h>

#include "coding/expand.h"

#define INLINE static inline __attribute__((__always_inline__))

enum {
    OCTETS = WSIC_VECTOR_LANES / 8,
    REGISTERS_MOST = 16,
    ROW_BYTES = 2 * WSIC_VECTOR_LANES /* words of a step: no load reads beyond them */
};

typedef struct octet_bounds {
    uint8x16_t part[REGISTERS_MOST];
} octet_bounds;

INLINE void load_bounds(octet_bounds *bounds, const uint16_t *from, unsigned registers)
{
#pragma GCC unroll 16
    for (unsigned k = 0; k < registers; k++)
        bounds->part[k] = vreinterpretq_u8_u16(vld1q_u16(from + (size_t)8 * k));
}

INLINE uint8x16x4_t four_from(const octet_bounds *bounds, unsigned first)
{
    const uint8x16_t *const part = bounds->part + first;
    return (uint8x16x4_t){{part[0], part[1], part[2], part[3]}};
}

/* The bounds of nodes of `bits` bits, which are 2^bits bytes from the beginning. */
INLINE uint16x8_t fetch(const octet_bounds *bounds, uint8x16_t control, unsigned bits)
{
    const uint8x16_t at = vsubq_u8(control, vdupq_n_u8((uint8_t)(bits <= 3 ? 0 : 1U << bits)));
    uint8x16_t found;

    if (bits <= 3) {
        found = vqtbl1q_u8(bounds->part[0], at);
    } else if (bits == 4) {
        found = vqtbl1q_u8(bounds->part[1], at);
    } else if (bits == 5) {
        found = vqtbl2q_u8((uint8x16x2_t){{bounds->part[2], bounds->part[3]}}, at);
    } else if (bits == 6) {
        found = vqtbl4q_u8(four_from(bounds, 4), at);
    } else {
        /* What is beyond a table stays as it is. */
        found = vqtbl4q_u8(four_from(bounds, 8), at);
        found = vqtbx4q_u8(found, four_from(bounds, 12), vsubq_u8(at, vdupq_n_u8(64)));
    }
    return vreinterpretq_u16_u8(found);
}

/* The node, the start and the frequency of eight symbols. */
typedef struct symbols8 {
    uint8x16_t control; /* of the node below the last one that was compared */
    uint16x8_t start;
    uint16x8_t frequency;
} symbols8;

INLINE symbols8 find(const octet_bounds *bounds, uint16x8_t slot, uint8x16_t control,
                     unsigned contexts_log, unsigned levels)
{
    const uint8x16_t odd = vreinterpretq_u8_u16(vdupq_n_u16(0xFF00));
    symbols8 at = {control, vdupq_n_u16(0), vdupq_n_u16(WSIC_MODEL_TOTAL)};

#pragma GCC unroll 6
    for (unsigned level = 0; level < levels; level++) {
        const uint16x8_t bound = fetch(bounds, at.control, contexts_log + level + 1);
        const uint16x8_t above = vcgeq_u16(slot, bound);
        at.start = vbslq_u16(above, bound, at.start);
        at.frequency = vbslq_u16(above, at.frequency, bound);
        /* From 2 h and 2 h + 1 to the same of 2 h, or of 2 h + 1 where the slot is above. */
        const uint8x16_t half = vsubq_u8(at.control, vreinterpretq_u8_u16(above));
        at.control = vaddq_u8(vaddq_u8(half, half), odd);
    }
    at.frequency = vsubq_u16(at.frequency, at.start);
    return at;
}

/* --- states --------------------------------------------------------------------------- */

INLINE uint16x8_t slots_of(uint32x4_t even, uint32x4_t odd)
{
    const uint32x4_t mask = vdupq_n_u32(WSIC_MODEL_TOTAL - 1);
    return vreinterpretq_u16_u32(
        vorrq_u32(vandq_u32(even, mask), vshlq_n_u32(vandq_u32(odd, mask), 16)));
}

INLINE void leave(uint32x4_t *even, uint32x4_t *odd, uint16x8_t slot, const symbols8 *at)
{
    const uint32x4_t low = vdupq_n_u32(0xFFFF);
    const uint32x4_t bias = vreinterpretq_u32_u16(vsubq_u16(slot, at->start));
    const uint32x4_t frequency = vreinterpretq_u32_u16(at->frequency);

    *even = vmlaq_u32(vandq_u32(bias, low), vandq_u32(frequency, low),
                      vshrq_n_u32(*even, WSIC_MODEL_BITS));
    *odd = vmlaq_u32(vshrq_n_u32(bias, 16), vshrq_n_u32(frequency, 16),
                     vshrq_n_u32(*odd, WSIC_MODEL_BITS));
}

/* The words of two vectors of states, one behind the other in the order of lanes. */
INLINE const uint8_t *take_words(uint32x4_t *first, uint32x4_t *second, const uint8_t *words)
{
    static const uint16_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint32x4_t due_first = vcltq_u32(*first, vdupq_n_u32(WSIC_STATE_LOW));
    const uint32x4_t due_second = vcltq_u32(*second, vdupq_n_u32(WSIC_STATE_LOW));
    const uint16x8_t due = vcombine_u16(vmovn_u32(due_first), vmovn_u32(due_second));
    const unsigned mask = vaddvq_u16(vandq_u16(due, vld1q_u16(bits)));
    const uint8x8_t place = vshl_n_u8(vcreate_u8(wsic_expand[mask]), 1);
    const uint8x8x2_t order = vzip_u8(place, vadd_u8(place, vdup_n_u8(1)));
    const uint16x8_t word =
        vreinterpretq_u16_u8(vqtbl1q_u8(vld1q_u8(words), vcombine_u8(order.val[0], order.val[1])));

    *first = vbslq_u32(due_first, vorrq_u32(vshlq_n_u32(*first, 16), vmovl_u16(vget_low_u16(word))),
                       *first);
    *second = vbslq_u32(
        due_second, vorrq_u32(vshlq_n_u32(*second, 16), vmovl_u16(vget_high_u16(word))), *second);
    return words + 2 * (size_t)vaddvq_u16(vshrq_n_u16(due, 15));
}

/* --- the trellis: two vectors of sixteen lanes ------------------------------------------ */

/* What a state says is linear in its bits: the sum of what its two halves say. */
typedef struct linear_map {
    uint8x16_t low;
    uint8x16_t high;
} linear_map;

typedef struct vector_trellis {
    linear_map control;  /* 2 * (contexts + context): twice the root of a search */
    linear_map next;     /* the state after an even index */
    uint8x16_t codebook; /* its bit in the control */
    uint8x16_t flip;     /* of the bits of planes */
} vector_trellis;

static void make_trellis(vector_trellis *made, const wsic_trellis *trellis, const wsic_form *form)
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
    made->control = (linear_map){vld1q_u8(control[0]), vld1q_u8(control[1])};
    made->next = (linear_map){vld1q_u8(next[0]), vld1q_u8(next[1])};
    made->codebook = vdupq_n_u8((uint8_t)contexts);
    made->flip = vdupq_n_u8(wsic_vector_flips(form->shift) ? 0xFF : 0);
}

INLINE uint8x16_t apply_map(const linear_map *map, uint8x16_t states)
{
    return veorq_u8(vqtbl1q_u8(map->low, vandq_u8(states, vdupq_n_u8(15))),
                    vqtbl1q_u8(map->high, vshrq_n_u8(states, 4)));
}

INLINE uint8x16_t bit_of_lane(void)
{
    return vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
}

/* 1 for each lane whose index is odd, as the lowest of its low bits says. */
INLINE uint8x16_t parities_in_plane(const vector_trellis *trellis, const uint8_t *plane)
{
    const uint8x16_t bytes = vcombine_u8(vdup_n_u8(plane[0]), vdup_n_u8(plane[1]));
    return vshrq_n_u8(vtstq_u8(veorq_u8(bytes, trellis->flip), bit_of_lane()), 7);
}

INLINE uint32_t mask_of(uint8x16_t lanes)
{
    const uint8x16_t bits = vandq_u8(lanes, bit_of_lane());
    return vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

INLINE int8x16_t levels_of(int8x16_t high, uint8x16_t odd_codebook)
{
    const int8x16_t sign =
        vsubq_s8(vreinterpretq_s8_u8(vcltzq_s8(high)), vreinterpretq_s8_u8(vcgtzq_s8(high)));
    return vsubq_s8(vaddq_s8(high, high), vandq_s8(sign, vreinterpretq_s8_u8(odd_codebook)));
}

/* --- steps ---------------------------------------------------------------------------- */

/* A group while it is decoded. */
typedef struct lanes32 {
    uint32x4_t even[OCTETS];
    uint32x4_t odd[OCTETS];
    uint8x16_t trellis[2]; /* states, by lane */
    const uint8_t *words;
    const uint8_t *limit;
} lanes32;

INLINE void load_lanes(lanes32 *lanes, const wsic_stream *stream)
{
    for (unsigned k = 0; k < OCTETS; k++) {
        lanes->even[k] = vld1q_u32(stream->state + 4 * k);
        lanes->odd[k] = vld1q_u32(stream->state + 16 + 4 * k);
    }
    lanes->trellis[0] = vld1q_u8(stream->trellis);
    lanes->trellis[1] = vld1q_u8(stream->trellis + 16);
    lanes->words = stream->words.next;
}

INLINE void store_lanes(const lanes32 *lanes, wsic_stream *stream)
{
    for (unsigned k = 0; k < OCTETS; k++) {
        vst1q_u32(stream->state + 4 * k, lanes->even[k]);
        vst1q_u32(stream->state + 16 + 4 * k, lanes->odd[k]);
    }
    vst1q_u8(stream->trellis, lanes->trellis[0]);
    vst1q_u8(stream->trellis + 16, lanes->trellis[1]);
    stream->words.next = lanes->words;
}

static __attribute__((__noinline__)) void take_escapes(lanes32 *lanes, wsic_vector_group *group,
                                                       size_t row, uint32_t mask, int8x16_t *high)
{
    int8_t bytes[WSIC_VECTOR_LANES];

    vst1q_s8(bytes, high[0]);
    vst1q_s8(bytes + 16, high[1]);
    store_lanes(lanes, group->stream);
    wsic_vector_escapes(group, row, mask, bytes);
    load_lanes(lanes, group->stream);
    high[0] = vld1q_s8(bytes);
    high[1] = vld1q_s8(bytes + 16);
}

/* Both bytes of the controls of an octet. */
INLINE uint8x16_t control_of(const uint8x16_t *bytes, unsigned octet)
{
    const uint8x16_t low = bytes[octet / 2];
    const uint8x16_t above = vaddq_u8(low, vdupq_n_u8(1));
    return octet % 2 == 0 ? vzip1q_u8(low, above) : vzip2q_u8(low, above);
}

/* The high parts of all lanes before escapes; words are taken. */
INLINE void take_symbols(lanes32 *lanes, const uint16_t *const *octets, const uint8x16_t *controls,
                         unsigned contexts_log, unsigned levels, int8x16_t *high)
{
    const uint16x8_t mask = vdupq_n_u16((uint16_t)((1U << levels) - 1));
    const int8x16_t half = vdupq_n_s8((int8_t)(1 << (levels - 1)));
    uint8x8_t symbols[OCTETS];

#pragma GCC unroll 4
    for (unsigned k = 0; k < OCTETS; k++) {
        const uint16x8_t slot = slots_of(lanes->even[k], lanes->odd[k]);
        const uint8x16_t control =
            contexts_log != 0 ? control_of(controls, k) : vreinterpretq_u8_u16(vdupq_n_u16(0x0302));
        octet_bounds bounds;
        load_bounds(&bounds, octets[k], 1U << (contexts_log + levels - 3));
        const symbols8 found = find(&bounds, slot, control, contexts_log, levels);
        leave(&lanes->even[k], &lanes->odd[k], slot, &found);
        symbols[k] =
            vmovn_u16(vandq_u16(vshrq_n_u16(vreinterpretq_u16_u8(found.control), 1), mask));
    }
    lanes->words = take_words(&lanes->even[0], &lanes->even[1], lanes->words);
    lanes->words = take_words(&lanes->even[2], &lanes->even[3], lanes->words);
    lanes->words = take_words(&lanes->odd[0], &lanes->odd[1], lanes->words);
    lanes->words = take_words(&lanes->odd[2], &lanes->odd[3], lanes->words);
    for (unsigned k = 0; k < 2; k++)
        high[k] =
            vsubq_s8(vreinterpretq_s8_u8(vcombine_u8(symbols[2 * k], symbols[2 * k + 1])), half);
}

/* The next states of the trellis; high parts become what the row receives: they, or levels. */
INLINE void follow(lanes32 *lanes, const wsic_vector_group *group, size_t row,
                   const vector_trellis *trellis, const uint8x16_t *controls, bool low_bits,
                   int8x16_t *high)
{
    const uint8_t *const plane =
        group->stream->planes + row * wsic_step_planes(&group->steps->form, WSIC_VECTOR_LANES);
    uint32_t codebooks = 0;

#pragma GCC unroll 2
    for (unsigned k = 0; k < 2; k++) {
        const uint8x16_t next = apply_map(&trellis->next, lanes->trellis[k]);
        const uint8x16_t odd = vtstq_u8(controls[k], trellis->codebook);
        const uint8x16_t parity = low_bits ? parities_in_plane(trellis, plane + 2 * k)
                                           : vandq_u8(vreinterpretq_u8_s8(high[k]), vdupq_n_u8(1));
        lanes->trellis[k] = veorq_u8(next, parity);
        if (low_bits)
            codebooks |= mask_of(odd) << 16 * k;
        else
            high[k] = levels_of(high[k], odd);
    }
    if (low_bits)
        group->codebooks[row] = codebooks;
}

INLINE void step(lanes32 *lanes, wsic_vector_group *group, const vector_trellis *trellis,
                 size_t row, unsigned contexts_log, unsigned levels, bool low_bits)
{
    const wsic_steps *const steps = group->steps;
    int8_t *const out = group->rows + row * WSIC_VECTOR_LANES;
    const int8x16_t escape = vdupq_n_s8((int8_t) - (1 << (levels - 1)));
    uint8x16_t controls[2];
    int8x16_t high[2];

    for (unsigned k = 0; contexts_log != 0 && k < 2; k++)
        controls[k] = apply_map(&trellis->control, lanes->trellis[k]);
    take_symbols(lanes, steps->bounds + OCTETS * (size_t)steps->row_kind[row], controls,
                 contexts_log, levels, high);
    const uint8x16_t escaped[2] = {vceqq_s8(high[0], escape), vceqq_s8(high[1], escape)};
    if (__builtin_expect(vmaxvq_u8(vorrq_u8(escaped[0], escaped[1])) != 0, 0))
        take_escapes(lanes, group, row, mask_of(escaped[0]) | mask_of(escaped[1]) << 16, high);
    if (contexts_log != 0)
        follow(lanes, group, row, trellis, controls, low_bits, high);
    vst1q_s8(out, high[0]);
    vst1q_s8(out + 16, high[1]);
}

#define KERNEL_TARGET
#include "coding/stream_run.h"

wsic_vector_steps *wsic_vector_kernel_neon(const wsic_form *form, bool trellis)
{
    return choose_kernel(form, trellis);
}

#endif
