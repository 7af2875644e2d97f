/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_X86

#include "linalg/band_chase.h"

WSIC_TARGET_AVX2
void wsic_band_chase_avx2(size_t n, double *band)
{
    wsic_band_chase(n, band);
}

#endif
