/* SPDX-License-Identifier: MIT */
#include "api/tokens.h"

#include <math.h>

#include "base/checked.h"
#include "base/half.h"

wsic_status wsic_tokens_check(const wsic_env *env, const char *name, const wsic_matrix *given,
                              wsic_shape expected, wsic_tokens *tokens)
{
    tokens->weights = NULL;
    const wsic_status status =
        wsic_check_matrix(env, name, given, WSIC_ALLOW_REAL, expected, &tokens->matrix);
    return status == WSIC_OK ? wsic_check_finite(env, name, &tokens->matrix) : status;
}

wsic_status wsic_tokens_set_weights(const wsic_env *env, const double *weights, wsic_tokens *tokens)
{
    for (size_t t = 0; weights && t < tokens->matrix.rows; t++) {
        if (!isfinite(weights[t]))
            return wsic_fail(env, WSIC_ERROR_NOT_FINITE, "weights[%zu] is %g", t, weights[t]);
        if (weights[t] < 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "weights[%zu] is %g, negative", t,
                             weights[t]);
    }
    tokens->weights = weights;
    return WSIC_OK;
}

double *wsic_tokens_alloc_chunk(const wsic_env *env, const wsic_tokens *tokens, wsic_status *status)
{
    const size_t chunk = wsic_min_size(WSIC_TOKENS_CHUNK, tokens->matrix.rows);
    return wsic_alloc(env, tokens->matrix.columns, chunk * sizeof(double), status);
}

static void load_token(const wsic_tokens *tokens, size_t token, double *out)
{
    const wsic_matrix *const x = &tokens->matrix;
    const size_t element = wsic_dtype_size(x->dtype);

    wsic_load_f64(out, (const char *)x->data + token * x->row_stride * element, x->dtype,
                  x->columns);
    if (!tokens->weights || tokens->weights[token] == 1)
        return;
    const double factor = sqrt(tokens->weights[token]);
    for (size_t j = 0; j < x->columns; j++)
        out[j] *= factor;
}

void wsic_tokens_load(const wsic_tokens *tokens, size_t first, size_t count, double *chunk)
{
    for (size_t t = 0; t < count; t++)
        load_token(tokens, first + t, chunk + t * tokens->matrix.columns);
}

double wsic_tokens_bound(const wsic_tokens *tokens, double *chunk)
{
    double bound = 0;

    for (size_t t = 0; t < tokens->matrix.rows; t++) {
        double largest = 0;
        load_token(tokens, t, chunk);
        /* The values are finite: fmax() would be a call for nothing. */
        for (size_t j = 0; j < tokens->matrix.columns; j++) {
            const double magnitude = fabs(chunk[j]);
            largest = magnitude > largest ? magnitude : largest;
        }
        bound += largest * largest;
    }
    return bound;
}

double wsic_tokens_samples(const wsic_tokens *tokens)
{
    double samples = 0;

    for (size_t t = 0; t < tokens->matrix.rows; t++)
        samples += tokens->weights ? tokens->weights[t] : 1;
    return samples;
}
