/* SPDX-License-Identifier: MIT */
/* Steps of full groups in plain C: wsic_stream_step() without its exceptions, unrolled for each
 * form. No branch depends on a code, as every other one would be predicted wrongly. */
#include "coding/stream_kernels.h"

#include <string.h>

#define INLINE static inline
#define UNROLL_LEVELS
#define UNROLL_LANES
#if defined(__GNUC__)
#undef INLINE
#define INLINE static inline __attribute__((__always_inline__))
#undef UNROLL_LEVELS
#define UNROLL_LEVELS _Pragma("GCC unroll 6")
#undef UNROLL_LANES
#define UNROLL_LANES _Pragma("GCC unroll 4")
#endif

enum { NODES = 2 * WSIC_BOUNDS_MOST, OCTET = 1 << WSIC_OCTET_LOG, ROW_BYTES = WSIC_VECTOR_LANES };

/* What stays the same for all rows of the groups, by the node at which a search ends. */
typedef struct plain_tables {
    /* The symbol begins at the bound of the last node from which the search went on above, and ends
     * at that of the last one from which it went on below. Node 0, whose bound is 0, stands for
     * neither. */
    uint8_t start[NODES];
    uint8_t end[NODES];
    int8_t level[NODES];
    uint8_t root[WSIC_TRELLIS_STATES]; /* of the context, by state of the trellis */
} plain_tables;

/* The last node before this one from which the search went on to the other side than `side`. */
static uint8_t last_turn(uint32_t node, uint32_t root, uint32_t side)
{
    while (node > root && node % 2 == side)
        node /= 2;
    return (uint8_t)(node > root ? node / 2 : 0);
}

static void make_tables(plain_tables *tables, const wsic_steps *steps, unsigned levels)
{
    const unsigned contexts_log = steps->form.contexts_log;
    const uint32_t contexts = 1U << contexts_log;
    const int32_t half = 1 << (levels - 1);

    for (uint32_t node = contexts << levels; node < 2 * contexts << levels; node++) {
        const uint32_t root = node >> levels;
        const int32_t high = (int32_t)(node & ((1U << levels) - 1)) - half;
        tables->start[node] = last_turn(node, root, 0);
        tables->end[node] = last_turn(node, root, 1);
        if (steps->trellis)
            tables->level[node] =
                (int8_t)wsic_trellis_level((root - contexts) >> (contexts_log - 1), high);
    }
    for (uint32_t state = 0; steps->trellis && state < steps->trellis->states; state++)
        tables->root[state] =
            (uint8_t)(contexts + wsic_form_context(&steps->form, steps->trellis->context[state]));
}

/* The symbol of one lane, as a node; its word is taken if it needs one. */
INLINE size_t take(uint32_t *state, const uint16_t *bounds, size_t root, unsigned levels,
                   const plain_tables *tables, const uint8_t **words)
{
    const uint32_t slot = *state % WSIC_MODEL_TOTAL;
    size_t node = root;

    UNROLL_LEVELS
    for (unsigned level = 0; level < levels; level++)
        node = 2 * node + 1 - (slot < bounds[node]);
    const uint32_t start = bounds[tables->start[node]];
    const uint32_t end = bounds[tables->end[node]];
    /* An end of 0 is one of WSIC_MODEL_TOTAL. */
    const uint32_t frequency = (end - start - 1) % WSIC_MODEL_TOTAL + 1;
    const uint32_t left = frequency * (*state >> WSIC_MODEL_BITS) + slot - start;
    const uint32_t word = (*words)[0] | (uint32_t)(*words)[1] << 8;
    /* A choice between the two would become a branch. */
    const size_t due = left < WSIC_STATE_LOW;
    *state = (uint32_t)(((uint64_t)left << 16 | word) >> (16 - 16 * due));
    *words += 2 * due;
    return node;
}

/* --- steps ---------------------------------------------------------------------------- */

/* The lanes of one parity. Each has bounds of its own, or all of an octet have the same. */
INLINE const uint8_t *take_half(uint32_t *state, const uint8_t *trellis, size_t count,
                                const uint16_t *const *bounds, bool alone, unsigned levels,
                                const plain_tables *tables, const uint8_t *words, uint8_t *nodes)
{
    for (size_t octet = 0; octet < count / OCTET; octet++) {
        UNROLL_LANES
        for (size_t k = 0; k < OCTET / 2; k++) {
            const size_t lane = OCTET * octet + 2 * k;
            const size_t root = trellis ? tables->root[trellis[lane]] : 1;
            nodes[lane] = (uint8_t)take(&state[OCTET / 2 * octet + k], bounds[alone ? lane : octet],
                                        root, levels, tables, &words);
        }
    }
    return words;
}

static bool any_escape(const uint8_t *nodes, unsigned levels)
{
    uint8_t any = 0;

    for (size_t lane = 0; lane < ROW_BYTES; lane++)
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all are set */
        any |= (nodes[lane] & ((1U << levels) - 1)) == 0;
    return any;
}

static void take_escapes(wsic_vector_group *group, size_t row, const uint8_t *nodes,
                         unsigned levels, int8_t *high)
{
    uint32_t mask = 0;

    for (uint32_t lane = 0; lane < ROW_BYTES; lane++)
        mask |= (uint32_t)((nodes[lane] & ((1U << levels) - 1)) == 0) << lane;
    wsic_vector_escapes(group, row, mask, high);
}

/* From nodes to levels, and to the next states. */
INLINE void follow(wsic_stream *stream, const wsic_trellis *trellis, const plain_tables *tables,
                   size_t count, const uint8_t *nodes, int8_t *levels)
{
    UNROLL_LANES
    for (size_t lane = 0; lane < count; lane++) {
        levels[lane] = tables->level[nodes[lane]];
        stream->trellis[lane] = trellis->next[stream->trellis[lane]][nodes[lane] % 2];
    }
}

/* The same from high parts. */
static void follow_escapes(wsic_stream *stream, const wsic_trellis *trellis, size_t count,
                           int8_t *high)
{
    for (size_t lane = 0; lane < count; lane++) {
        const unsigned state = stream->trellis[lane];
        const int32_t index = high[lane];
        stream->trellis[lane] = (uint8_t)wsic_trellis_next(trellis, state, index);
        high[lane] = (int8_t)wsic_trellis_level(trellis->codebook[state], index);
    }
}

/* The states of a trellis whose indices have low bits: the lowest one moves it. */
INLINE uint32_t follow_planes(wsic_stream *stream, const wsic_steps *steps, size_t row)
{
    const wsic_trellis *const trellis = steps->trellis;
    const uint8_t *const plane =
        stream->planes + row * wsic_step_planes(&steps->form, steps->lanes);
    const uint8_t flip = wsic_vector_flips(steps->form.shift) ? 0xFF : 0;
    uint32_t codebooks = 0;

    for (size_t octet = 0; octet < steps->lanes / OCTET; octet++) {
        const uint32_t parities = plane[octet] ^ flip;
        UNROLL_LANES
        for (size_t k = 0; k < OCTET; k++) {
            const size_t lane = OCTET * octet + k;
            const unsigned state = stream->trellis[lane];
            codebooks |= (uint32_t)trellis->codebook[state] << lane;
            stream->trellis[lane] = trellis->next[state][parities >> k & 1];
        }
    }
    return codebooks;
}

INLINE void high_parts(const uint8_t *nodes, unsigned levels, int8_t *high)
{
    for (size_t lane = 0; lane < ROW_BYTES; lane++)
        high[lane] = (int8_t)((nodes[lane] & ((1U << levels) - 1)) - (1U << (levels - 1)));
}

INLINE void step(wsic_vector_group *group, const plain_tables *tables, size_t row, unsigned levels,
                 bool trellis, bool low_bits)
{
    const wsic_steps *const steps = group->steps;
    const size_t lanes = steps->lanes;
    const bool alone = steps->octet_log == 0;
    const uint16_t *const *const bounds =
        steps->bounds + steps->row_kind[row] * (lanes >> steps->octet_log);
    wsic_stream *const stream = group->stream;
    int8_t *const high = group->rows + row * ROW_BYTES;
    uint8_t nodes[ROW_BYTES];

    /* Lanes that are not there have not escaped. */
    for (size_t lane = lanes; lane < ROW_BYTES; lane++)
        nodes[lane] = 1;
    for (size_t half = 0; half < 2; half++)
        stream->words.next =
            alone ? take_half(stream->state + half * (lanes / 2),
                              trellis ? stream->trellis + half : NULL, lanes, bounds + half, true,
                              levels, tables, stream->words.next, nodes + half)
                  : take_half(stream->state + half * (lanes / 2),
                              trellis ? stream->trellis + half : NULL, lanes, bounds, false, levels,
                              tables, stream->words.next, nodes + half);
    const bool escaped = any_escape(nodes, levels);
    if (trellis && !low_bits && !escaped) {
        follow(stream, steps->trellis, tables, lanes, nodes, high);
        return;
    }
    high_parts(nodes, levels, high);
    if (escaped)
        take_escapes(group, row, nodes, levels, high);
    if (trellis && !low_bits)
        follow_escapes(stream, steps->trellis, lanes, high);
    if (trellis && low_bits)
        group->codebooks[row] = follow_planes(stream, steps, row);
}

INLINE size_t run(wsic_vector_group *groups, size_t count, size_t from, size_t to, unsigned levels,
                  bool trellis, bool low_bits)
{
    plain_tables tables;
    size_t row = from;
    bool go = true;

    make_tables(&tables, groups[0].steps, levels);
    for (; row < to && go; row++) {
        for (size_t k = 0; k < count; k++) {
            const wsic_word_source *const words = &groups[k].stream->words;
            go &= (size_t)(words->end - words->next) >= 2 * groups[k].steps->lanes + 2;
        }
        if (!go)
            break;
        for (size_t k = 0; k < count; k++) {
            step(&groups[k], &tables, row, levels, trellis, low_bits);
            go &= !groups[k].outside;
        }
    }
    return row;
}

#define KERNEL(name, levels, trellis, low_bits)                                                    \
    static size_t name(wsic_vector_group *groups, size_t count, size_t from, size_t to)            \
    {                                                                                              \
        return run(groups, count, from, to, levels, trellis, low_bits);                            \
    }

KERNEL(plain_16, 4, false, false)
KERNEL(plain_32, 5, false, false)
KERNEL(plain_64, 6, false, false)
KERNEL(trellis_16, 4, true, false)
KERNEL(trellis_32, 5, true, false)
KERNEL(trellis_64, 6, true, false)
KERNEL(trellis_low, 6, true, true)

wsic_vector_steps *wsic_vector_kernel_c(const wsic_form *form, bool trellis)
{
    static wsic_vector_steps *const kernels[2][3] = {{plain_16, plain_32, plain_64},
                                                     {trellis_16, trellis_32, trellis_64}};
    if (trellis && form->shift != 0)
        return trellis_low;
    return kernels[trellis][form->symbols_log - 4];
}
