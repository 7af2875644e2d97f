/* SPDX-License-Identifier: MIT */
#include "coding/stream_kernels.h"

#include <string.h>

wsic_vector_steps *wsic_vector_kernel(int32_t kernels, const wsic_steps *steps)
{
    const bool trellis = steps->trellis != NULL;

    if (steps->columns != steps->lanes || steps->form.shift > WSIC_VECTOR_SHIFT_MOST)
        return NULL;
#if WSIC_X86 || WSIC_NEON
    const bool all = steps->lanes == WSIC_VECTOR_LANES;
    const bool wide = all && steps->octet_log == WSIC_OCTET_LOG;
#endif
#if WSIC_X86
    if (all && !wide && wsic_kernels_have_avx2(kernels))
        return wsic_vector_kernel_avx2_alone(&steps->form, trellis);
    if (wide && kernels == WSIC_KERNELS_AVX512)
        return wsic_vector_kernel_avx512(&steps->form, trellis);
    if (wide && wsic_kernels_have_avx2(kernels))
        return wsic_vector_kernel_avx2(&steps->form, trellis);
#elif WSIC_NEON
    if (wide && kernels == WSIC_KERNELS_NEON)
        return wsic_vector_kernel_neon(&steps->form, trellis);
#else
    (void)kernels;
#endif
    return wsic_vector_kernel_c(&steps->form, trellis);
}

/* The steps for which a stream has hardly enough words. */
static void decode_last(wsic_vector_steps *kernel, wsic_vector_group *group, size_t from, size_t to)
{
    uint8_t padded[2 * WSIC_VECTOR_STEP_BYTES] = {0};
    wsic_word_source *const words = &group->stream->words;
    const uint8_t *const next = words->next;
    const uint8_t *const end = words->end;
    const size_t left = (size_t)(end - next);

    if (left > WSIC_VECTOR_STEP_BYTES) {
        group->stream->failed = true;
        return;
    }
    memcpy(padded, next, left);
    words->next = padded;
    words->end = padded + left + WSIC_VECTOR_STEP_BYTES;
    const size_t done = kernel(group, 1, from, to);
    const size_t used = (size_t)(words->next - padded);
    group->stream->failed |= done < to || used > left;
    words->next = used > left ? end : next + used;
    words->end = end;
}

void wsic_vector_decode(wsic_vector_steps *kernel, wsic_vector_group *groups, size_t count,
                        size_t to)
{
    const size_t together = kernel(groups, count, 0, to);

    for (size_t k = 0; k < count; k++) {
        size_t done = together;
        if (done < to && !groups[k].outside && count > 1)
            done = kernel(&groups[k], 1, done, to);
        if (done < to && !groups[k].outside)
            decode_last(kernel, &groups[k], done, to);
        groups[k].stream->failed |= groups[k].stream->words.failed;
    }
}
