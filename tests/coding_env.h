/* SPDX-License-Identifier: MIT */
/* A context and random numbers for the tests of the coding. */
#ifndef TESTS_CODING_ENV_H
#define TESTS_CODING_ENV_H

#include <check.h>
#include <math.h>

#include "api/context.h"

/* A context that lives until close_env(), which checks that no memory is left. */
static inline wsic_context *open_env(wsic_env *env)
{
    wsic_context *context;

    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    *env = wsic_context_env(context);
    return context;
}

static inline void close_env(wsic_context *context)
{
    ck_assert_uint_eq(wsic_context_memory(context, NULL), 0);
    wsic_context_destroy(context);
}

static inline uint64_t random_bits(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline double random_uniform(uint64_t *state)
{
    return ((double)(random_bits(state) >> 11) + 0.5) * 0x1p-53;
}

static inline double random_gauss(uint64_t *state)
{
    const double radius = sqrt(-2 * log(random_uniform(state)));
    return radius * cos(6.283185307179586 * random_uniform(state));
}

#endif
