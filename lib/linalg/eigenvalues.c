/* SPDX-License-Identifier: MIT */
#include "linalg/eigenvalues.h"

#include <math.h>

#include "linalg/band.h"
#include "linalg/linalg.h"

/* Infinite if an element is not finite. */
static double largest_element(size_t n, const double *a)
{
    double largest = 0.0;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            const double magnitude = fabs(a[j * n + i]);
            if (!(magnitude <= largest))
                largest = isfinite(magnitude) ? magnitude : INFINITY;
        }
    }
    return largest;
}

/* All elements times a power of two. */
static void scale(size_t n, double *a, int exponent)
{
    const double factor = ldexp(1.0, exponent);

    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++)
            a[j * n + i] *= factor;
    }
}

static wsic_status reduce(const wsic_env *env, size_t n, double *a, double *diagonal,
                          double *beside)
{
    wsic_status status = WSIC_OK;
    double *const band = wsic_alloc_zero(env, wsic_band_size(n), sizeof *band, &status);

    if (!band)
        return status;
    status = wsic_reduce_to_band(env, n, a, band);
    if (status == WSIC_OK)
        wsic_reduce_band(env, n, band, diagonal, beside);
    wsic_free(env, band);
    return status;
}

/* Of elements whose squares neither overflow nor vanish. */
static wsic_status find_scaled(const wsic_env *env, size_t n, double *a, double *eigenvalues)
{
    wsic_status status = WSIC_OK;
    double *const beside = wsic_alloc(env, n, sizeof *beside, &status);

    if (!beside)
        return status;
    status = reduce(env, n, a, eigenvalues, beside);
    if (status == WSIC_OK && !wsic_tridiagonal_eigenvalues(n, eigenvalues, beside))
        status = wsic_fail(env, WSIC_ERROR_NOT_FINITE, "the eigenvalue iteration did not converge");
    wsic_free(env, beside);
    return status;
}

wsic_status wsic_eigenvalues(const wsic_env *env, size_t n, double *a, double *eigenvalues)
{
    const double largest = largest_element(n, a);
    int exponent = 0;

    if (!isfinite(largest))
        return wsic_fail(env, WSIC_ERROR_NOT_FINITE,
                         "eigenvalues of a matrix with an element that is not finite");
    if (largest > 0.0)
        frexp(largest, &exponent);
    /* Within what a double can be: 2^1074 cannot. */
    exponent = exponent < -1000 ? -1000 : exponent;
    scale(n, a, -exponent);
    const wsic_status status = find_scaled(env, n, a, eigenvalues);
    for (size_t i = 0; i < n && status == WSIC_OK; i++)
        eigenvalues[i] = ldexp(eigenvalues[i], exponent);
    return status;
}

double wsic_eigenvalues_memory(size_t n)
{
    const double width = WSIC_BAND_WIDTH, count = (double)n;

    /* The band; reflectors and products of a panel; small squares; a vector; rounding of sizes. */
    return 8.0 * ((count + 1.0) * (6.0 * width + 1.0) + 3.0 * width * width) + 1024.0;
}
