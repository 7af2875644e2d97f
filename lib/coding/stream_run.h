/* SPDX-License-Identifier: MIT */
/* What the vector kernels have in common: the walk over the rows of one or two streams, a kernel
 * for each form, and their choice. Included once by the file of an instruction set, behind its
 * lanes32, load_lanes(), store_lanes(), vector_trellis, make_trellis(), step(), INLINE, ROW_BYTES,
 * and KERNEL_TARGET, the attributes of its functions. It is unrolled there, by its instructions. A
 * file that has another step() defines STEP and NAMED(), which tells the other names apart, and
 * includes this once more. */
#ifndef STEP
#define STEP        step
#define NAMED(name) name
#endif

INLINE size_t NAMED(run)(wsic_vector_group *groups, size_t count, size_t from, size_t to,
                         unsigned contexts_log, unsigned levels, bool low_bits)
{
    vector_trellis trellis;
    lanes32 lanes[WSIC_VECTOR_STREAMS];
    size_t row = from;
    bool go = true;

    if (contexts_log != 0)
        make_trellis(&trellis, groups[0].steps->trellis, &groups[0].steps->form);
    for (size_t k = 0; k < count; k++) {
        load_lanes(&lanes[k], groups[k].stream);
        lanes[k].limit = groups[k].stream->words.end;
    }
    for (; row < to && go; row++) {
        bool room = true;
#pragma GCC unroll 2
        for (size_t k = 0; k < count; k++)
            room &= lanes[k].limit - lanes[k].words >= ROW_BYTES;
        if (!room)
            break;
#pragma GCC unroll 2
        for (size_t k = 0; k < count; k++) {
            STEP(&lanes[k], &groups[k], &trellis, row, contexts_log, levels, low_bits);
            go &= !groups[k].outside;
        }
    }
    for (size_t k = 0; k < count; k++)
        store_lanes(&lanes[k], groups[k].stream);
    return row;
}

#define KERNEL(name, contexts_log, levels, low_bits)                                               \
    static KERNEL_TARGET size_t NAMED(name)(wsic_vector_group * groups, size_t count, size_t from, \
                                            size_t to)                                             \
    {                                                                                              \
        return count == 1 ? NAMED(run)(groups, 1, from, to, contexts_log, levels, low_bits)        \
                          : NAMED(run)(groups, 2, from, to, contexts_log, levels, low_bits);       \
    }

KERNEL(plain_16, 0, 4, false)
KERNEL(plain_32, 0, 5, false)
KERNEL(plain_64, 0, 6, false)
KERNEL(trellis_16, 2, 4, false)
KERNEL(trellis_32, 1, 5, false)
KERNEL(trellis_64, 1, 6, false)
KERNEL(trellis_low, 1, 6, true)

static inline wsic_vector_steps *NAMED(choose_kernel)(const wsic_form *form, bool trellis)
{
    static wsic_vector_steps *const kernels[2][3] = {
        {NAMED(plain_16), NAMED(plain_32), NAMED(plain_64)},
        {NAMED(trellis_16), NAMED(trellis_32), NAMED(trellis_64)}};
    if (trellis && form->shift != 0)
        return NAMED(trellis_low);
    return kernels[trellis][form->symbols_log - 4];
}

#undef KERNEL
#undef NAMED
#undef STEP
