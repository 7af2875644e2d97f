/* SPDX-License-Identifier: MIT */
/* How the processor rounds, which the host may have changed. */
#ifndef WSIC_BASE_ROUNDING_H
#define WSIC_BASE_ROUNDING_H

#include <stdbool.h>

/* Asked of the arithmetic itself: fegetround() is of the mathematical library. Upward rounding
 * shows above 1, the other two below it. */
static inline bool wsic_rounds_to_nearest(void)
{
    const volatile double one = 1.0, tiny = 0x1p-60;
    const volatile double above = one + tiny, below = one - tiny;

    return above == 1.0 && below == 1.0;
}

#endif
