/* SPDX-License-Identifier: MIT */
#include "quant/reals.h"

#include "linalg/linalg.h"

/* Lanes of sums: the compiler may not reorder them, but these it can keep in vectors. */
enum { LANES = 8 };

size_t wsic_reals_size(bool single)
{
    return single ? sizeof(float) : sizeof(double);
}

wsic_reals wsic_reals_at(wsic_reals reals, bool single, size_t index)
{
    return single ? (wsic_reals){.f32 = reals.f32 + index} : (wsic_reals){.f64 = reals.f64 + index};
}

void wsic_reals_multiply_lower(bool single, size_t m, size_t n, wsic_reals l, wsic_reals y,
                               size_t ldy)
{
    if (single)
        wsic_multiply_lower_f32(m, n, l.f32, n, y.f32, ldy);
    else
        wsic_multiply_lower(m, n, l.f64, n, y.f64, ldy);
}

void wsic_reals_multiply_lower_transposed(bool single, size_t m, size_t n, wsic_reals l,
                                          wsic_reals y, size_t ldy)
{
    if (single)
        wsic_multiply_lower_transposed_f32(m, n, l.f32, n, y.f32, ldy);
    else
        wsic_multiply_lower_transposed(m, n, l.f64, n, y.f64, ldy);
}

void wsic_reals_solve_lower_transposed(bool single, size_t m, size_t n, wsic_reals l, wsic_reals y,
                                       size_t ldy)
{
    if (single)
        wsic_solve_lower_transposed_f32(m, n, l.f32, n, y.f32, ldy);
    else
        wsic_solve_lower_transposed(m, n, l.f64, n, y.f64, ldy);
}

void wsic_reals_scale(bool single, size_t count, double factor, wsic_reals in, wsic_reals out)
{
    if (single) {
        for (size_t i = 0; i < count; i++)
            out.f32[i] = (float)factor * in.f32[i];
    } else {
        for (size_t i = 0; i < count; i++)
            out.f64[i] = factor * in.f64[i];
    }
}

void wsic_reals_subtract(bool single, size_t count, wsic_reals x, wsic_reals y)
{
    if (single) {
        for (size_t i = 0; i < count; i++)
            y.f32[i] -= x.f32[i];
    } else {
        for (size_t i = 0; i < count; i++)
            y.f64[i] -= x.f64[i];
    }
}

static double square(double x)
{
    return x * x;
}

double wsic_reals_square_sum(bool single, size_t count, wsic_reals y)
{
    double lane[LANES] = {0.0}, sum = 0.0;
    size_t i = 0;

    if (single) {
        for (; i + LANES <= count; i += LANES) {
            for (size_t l = 0; l < LANES; l++)
                lane[l] += square(y.f32[i + l]);
        }
        for (; i < count; i++)
            lane[0] += square(y.f32[i]);
    } else {
        for (; i + LANES <= count; i += LANES) {
            for (size_t l = 0; l < LANES; l++)
                lane[l] += square(y.f64[i + l]);
        }
        for (; i < count; i++)
            lane[0] += square(y.f64[i]);
    }
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}
