/* SPDX-License-Identifier: MIT */
#include "linalg/band_chase.h"

static void chase(size_t n, double *band)
{
    wsic_band_chase(n, band);
}

void wsic_reduce_band(const wsic_env *env, size_t n, double *band, double *diagonal, double *beside)
{
#if WSIC_X86
    if (wsic_kernels_have_avx2(wsic_kernels_chosen(env)))
        wsic_band_chase_avx2(n, band);
    else
        chase(n, band);
#else
    (void)env;
    chase(n, band);
#endif
    for (size_t j = 0; j < n; j++) {
        diagonal[j] = column_of(band, j)[j];
        if (j + 1 < n)
            beside[j] = column_of(band, j)[j + 1];
    }
}
