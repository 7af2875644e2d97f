/* SPDX-License-Identifier: MIT */
/* Size arithmetic that notices overflow. */
#ifndef WSIC_BASE_CHECKED_H
#define WSIC_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b; false, with *out untouched, if that does not fit. */
static inline bool wsic_mul_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

/* *out = a + b; false, with *out untouched, if that does not fit. */
static inline bool wsic_add_size(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

static inline size_t wsic_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t wsic_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Number of pieces of length `piece`, which is not 0, that cover `total`. */
static inline size_t wsic_div_up(size_t total, size_t piece)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): as the comment above says */
    return total / piece + (total % piece != 0);
}

#endif
