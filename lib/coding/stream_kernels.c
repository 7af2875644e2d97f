/* SPDX-License-Identifier: MIT */
#include "coding/stream_kernels.h"

wsic_vector_steps *wsic_vector_kernel(int32_t kernels, const wsic_steps *steps)
{
    const bool trellis = steps->trellis != NULL;

    if (steps->columns != steps->lanes || steps->octet_log != WSIC_OCTET_LOG ||
        steps->form.shift > WSIC_VECTOR_SHIFT_MOST)
        return NULL;
#if WSIC_X86
    if (kernels == WSIC_KERNELS_AVX512 && steps->lanes == WSIC_VECTOR_LANES)
        return wsic_vector_kernel_avx512(&steps->form, trellis);
    if (wsic_kernels_have_avx2(kernels) && steps->lanes == WSIC_VECTOR_LANES)
        return wsic_vector_kernel_avx2(&steps->form, trellis);
#elif WSIC_NEON
    if (kernels == WSIC_KERNELS_NEON && steps->lanes == WSIC_VECTOR_LANES)
        return wsic_vector_kernel_neon(&steps->form, trellis);
#else
    (void)kernels;
#endif
    return wsic_vector_kernel_c(&steps->form, trellis);
}

void wsic_vector_escapes(wsic_vector_group *group, size_t row, uint32_t mask, int8_t *high)
{
    uint8_t places[WSIC_VECTOR_LANES] = {0};
    int64_t escapes[WSIC_VECTOR_LANES];
    size_t count = 0;

    const size_t lanes = group->steps->lanes;
    for (size_t place = 0; place < lanes; place++) {
        if (mask >> wsic_lane_at(place, lanes) & 1)
            places[count++] = (uint8_t)place;
    }
    wsic_stream_escapes(group->stream, group->steps, row, places, count, escapes);
    for (size_t k = 0; k < count; k++) {
        /* Levels are twice as large. */
        group->outside |= escapes[k] < INT8_MIN / 2 || escapes[k] > INT8_MAX / 2;
        high[wsic_lane_at(places[k], lanes)] = (int8_t)escapes[k];
    }
}
