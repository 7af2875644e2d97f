/* SPDX-License-Identifier: MIT */
#include "format/moments.h"

#include <float.h>

#include "base/checked.h"

bool wsic_moments_in_range(double bound, double samples)
{
    /* Half the range, so that rounding within the sums does not matter. */
    return samples <= DBL_MAX / 2 && bound <= DBL_MAX / 2 &&
           (samples == 0 || bound / samples <= DBL_MAX / 2);
}

size_t wsic_moments_list(const wsic_moments *moments, wsic_moment list[WSIC_MOMENTS])
{
    const size_t n = moments->columns, a = moments->outputs;
    const wsic_moment all[WSIC_MOMENTS] = {
        {moments->input, n, n, true, false},
        {moments->quantized, n, n, true, false},
        {moments->cross, n, n, false, false},
        {moments->residual, a, n, false, false},
        {moments->residual_input, a, n, false, false},
        {moments->residual_energy, a, 1, false, true},
    };
    size_t count = 0;

    while (count < WSIC_MOMENTS && all[count].sum) {
        list[count] = all[count];
        count++;
    }
    return count;
}

static double *create_matrix(const wsic_env *env, size_t rows, size_t columns, wsic_status *status)
{
    size_t elements;

    if (*status != WSIC_OK)
        return NULL;
    if (rows > INT32_MAX || columns > INT32_MAX || !wsic_mul_size(rows, columns, &elements)) {
        *status = wsic_fail(env, WSIC_ERROR_TOO_LARGE,
                            "a moment of %zu x %zu; BLAS counts to 2^31 - 1, and the product must "
                            "fit",
                            rows, columns);
        return NULL;
    }
    return wsic_alloc_zero(env, elements, sizeof(double), status);
}

static void release_pairs(const wsic_env *env, wsic_moments *moments)
{
    wsic_free(env, moments->quantized);
    wsic_free(env, moments->cross);
    wsic_free(env, moments->residual);
    wsic_free(env, moments->residual_input);
    wsic_free(env, moments->residual_energy);
    moments->quantized = moments->cross = NULL;
    moments->residual = moments->residual_input = moments->residual_energy = NULL;
    moments->outputs = 0;
}

wsic_status wsic_moments_extend(const wsic_env *env, size_t outputs, wsic_moments *moments)
{
    const size_t n = moments->columns;
    wsic_status status = WSIC_OK;

    moments->quantized = create_matrix(env, n, n, &status);
    moments->cross = create_matrix(env, n, n, &status);
    if (outputs != 0) {
        moments->outputs = outputs;
        moments->residual = create_matrix(env, outputs, n, &status);
        moments->residual_input = create_matrix(env, outputs, n, &status);
        moments->residual_energy = create_matrix(env, outputs, 1, &status);
    }
    if (status != WSIC_OK)
        release_pairs(env, moments);
    return status;
}

wsic_status wsic_moments_create(const wsic_env *env, size_t columns, bool pairs, size_t outputs,
                                wsic_moments *moments)
{
    wsic_status status = WSIC_OK;

    *moments = (wsic_moments){.columns = columns};
    moments->input = create_matrix(env, columns, columns, &status);
    if (status == WSIC_OK && pairs)
        status = wsic_moments_extend(env, outputs, moments);
    if (status != WSIC_OK)
        wsic_moments_release(env, moments);
    return status;
}

void wsic_moments_release(const wsic_env *env, wsic_moments *moments)
{
    wsic_free(env, moments->input);
    release_pairs(env, moments);
    *moments = (wsic_moments){.columns = 0};
}
