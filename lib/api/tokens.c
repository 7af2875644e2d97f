/* SPDX-License-Identifier: MIT */
#include "api/tokens.h"

#include <math.h>

#include "base/half.h"

static wsic_status check_weights(const wsic_env *env, const wsic_tokens *tokens)
{
    const double *const weights = tokens->weights;

    for (size_t t = 0; weights && t < tokens->matrix.rows; t++) {
        if (!isfinite(weights[t]))
            return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "weights[%zu] is %g", t, weights[t]);
        if (weights[t] < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "weights[%zu] is %g, negative", t,
                             weights[t]);
    }
    return WSIC_OK;
}

static wsic_status add_up(const wsic_env *env, const char *name, wsic_tokens *tokens)
{
    const wsic_matrix *const x = &tokens->matrix;
    const size_t stride = x->row_stride * wsic_dtype_size(x->dtype);

    for (size_t t = 0; t < x->rows; t++) {
        const double weight = tokens->weights ? tokens->weights[t] : 1;
        const double largest =
            wsic_largest_magnitude((const char *)x->data + t * stride, x->dtype, x->columns);
        const double weighted = sqrt(weight) * largest;
        if (!isfinite(largest))
            return wsic_check_finite(env, name, x);
        tokens->samples += weight;
        tokens->bound += weighted * weighted;
    }
    return WSIC_OK;
}

wsic_status wsic_tokens_check(const wsic_env *env, const char *name, const wsic_matrix *given,
                              wsic_shape expected, const double *weights, wsic_tokens *tokens)
{
    *tokens = (wsic_tokens){.weights = weights};
    wsic_status status =
        wsic_check_matrix(env, name, given, WSIC_ALLOW_REAL, expected, &tokens->matrix);
    if (status == WSIC_OK)
        status = check_weights(env, tokens);
    return status == WSIC_OK ? add_up(env, name, tokens) : status;
}

bool wsic_tokens_fit_singles(const wsic_tokens *tokens)
{
    if (tokens->matrix.dtype == WSIC_F64)
        return false;
    for (size_t t = 0; tokens->weights && t < tokens->matrix.rows; t++) {
        const double weight = tokens->weights[t];
        if (weight != 0 && !(weight >= 0x1p-32 && weight <= 0x1p32))
            return false;
    }
    return true;
}
