/* SPDX-License-Identifier: MIT */
/* Steps of full groups in plain C: wsic_stream_step() without its exceptions, unrolled for each form. */
#include "coding/stream_kernels.h"

#define INLINE static inline
#if defined(__GNUC__)
#undef INLINE
#define INLINE static inline __attribute__((__always_inline__))
#endif

/* What stays the same for all rows of a group. */
typedef struct plain_lanes {
    const uint8_t *words;
    uint8_t lane[WSIC_LANES_MAX]; /* by place */
    /* Of each state of the trellis: the root of its context. */
    uint8_t root[WSIC_TRELLIS_STATES];
} plain_lanes;

static void begin(plain_lanes *lanes, const wsic_vector_group *group)
{
    const wsic_steps *const steps = group->steps;

    lanes->words = group->stream->words.next;
    for (size_t place = 0; place < steps->lanes; place++)
        lanes->lane[place] = (uint8_t)wsic_lane_at(place, steps->lanes);
    for (size_t state = 0; steps->trellis && state < steps->trellis->states; state++)
        lanes->root[state] =
            (uint8_t)((1U << steps->form.contexts_log) +
                      wsic_form_context(&steps->form, steps->trellis->context[state]));
}

/* The symbol of one lane; its word is taken if it needs one. */
INLINE uint32_t take(uint32_t *state, const uint16_t *bounds, uint32_t root, unsigned levels,
                     const uint8_t **words)
{
    const uint32_t slot = *state % WSIC_MODEL_TOTAL;
    uint32_t node = root, start = 0, end = WSIC_MODEL_TOTAL;

#if defined(__GNUC__)
#pragma GCC unroll 6
#endif
    for (unsigned level = 0; level < levels; level++) {
        const uint32_t bound = bounds[node];
        const uint32_t above = slot >= bound;
        /* Without a branch, which would be taken at random. */
        const uint32_t keep = 0 - above;
        start = (bound & keep) | (start & ~keep);
        end = (end & keep) | (bound & ~keep);
        node = 2 * node + above;
    }
    const uint32_t left = (end - start) * (*state >> WSIC_MODEL_BITS) + slot - start;
    const uint32_t due = left < WSIC_STATE_LOW;
    const uint32_t word = (*words)[0] | (uint32_t)(*words)[1] << 8;
    *state = left << 16 * due | (word & (0 - due));
    *words += 2 * due;
    return node & ((1U << levels) - 1);
}

static void take_escapes(plain_lanes *lanes, wsic_vector_group *group, size_t row, uint32_t mask,
                         int8_t *high)
{
    group->stream->words.next = lanes->words;
    wsic_vector_escapes(group, row, mask, high);
    lanes->words = group->stream->words.next;
}

INLINE void follow(wsic_stream *stream, const wsic_trellis *trellis, size_t lanes, int8_t *high)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        const unsigned state = stream->trellis[lane];
        const int32_t index = high[lane];
        stream->trellis[lane] = (uint8_t)wsic_trellis_next(trellis, state, index);
        high[lane] = (int8_t)wsic_trellis_level(trellis->codebook[state], index);
    }
}

INLINE void step(plain_lanes *lanes, wsic_vector_group *group, size_t row, unsigned levels,
                 bool trellis)
{
    const wsic_steps *const steps = group->steps;
    const size_t count = steps->lanes;
    const uint16_t *const *const bounds =
        steps->bounds + steps->row_kind[row] * (count >> WSIC_OCTET_LOG);
    wsic_stream *const stream = group->stream;
    int8_t *const high = group->rows + row * WSIC_VECTOR_LANES;
    const uint8_t *words = lanes->words;
    uint32_t escaped = 0;

    for (size_t place = 0; place < count; place++) {
        const size_t lane = lanes->lane[place];
        const uint32_t root = trellis ? lanes->root[stream->trellis[lane]] : 1;
        const uint32_t symbol =
            take(&stream->state[place], bounds[lane >> WSIC_OCTET_LOG], root, levels, &words);
        high[lane] = (int8_t)((int32_t)symbol - (1 << (levels - 1)));
        escaped |= (uint32_t)(symbol == 0) << lane;
    }
    lanes->words = words;
    if (escaped != 0)
        take_escapes(lanes, group, row, escaped, high);
    if (trellis)
        follow(stream, steps->trellis, count, high);
}

INLINE size_t run(wsic_vector_group *groups, size_t count, size_t from, size_t to, unsigned levels,
                  bool trellis)
{
    plain_lanes lanes[WSIC_VECTOR_STREAMS];
    size_t row = from;
    bool go = true;

    for (size_t k = 0; k < count; k++)
        begin(&lanes[k], &groups[k]);
    for (; row < to && go; row++) {
        for (size_t k = 0; k < count; k++) {
            const size_t left = (size_t)(groups[k].stream->words.end - lanes[k].words);
            go &= left >= 2 * groups[k].steps->lanes + 2;
        }
        if (!go)
            break;
        for (size_t k = 0; k < count; k++) {
            step(&lanes[k], &groups[k], row, levels, trellis);
            go &= !groups[k].outside;
        }
    }
    for (size_t k = 0; k < count; k++)
        groups[k].stream->words.next = lanes[k].words;
    return row;
}

#define KERNEL(name, levels, trellis)                                                              \
    static size_t name(wsic_vector_group *groups, size_t count, size_t from, size_t to)            \
    {                                                                                              \
        return run(groups, count, from, to, levels, trellis);                                      \
    }

KERNEL(plain_16, 4, false)
KERNEL(plain_32, 5, false)
KERNEL(plain_64, 6, false)
KERNEL(trellis_16, 4, true)
KERNEL(trellis_32, 5, true)
KERNEL(trellis_64, 6, true)

wsic_vector_steps *wsic_vector_kernel_c(const wsic_form *form, bool trellis)
{
    static wsic_vector_steps *const kernels[2][3] = {{plain_16, plain_32, plain_64},
                                                     {trellis_16, trellis_32, trellis_64}};
    return kernels[trellis][form->symbols_log - 4];
}
