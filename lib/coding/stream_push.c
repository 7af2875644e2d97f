/* SPDX-License-Identifier: MIT */
#include "coding/stream_push.h"

wsic_push_steps *wsic_push_kernel(int32_t kernels)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(kernels))
        return wsic_push_steps_avx2;
#else
    (void)kernels;
#endif
    return NULL;
}
