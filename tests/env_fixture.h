/* SPDX-License-Identifier: MIT */
/* A context and its env, for tests of inner functions. */
#ifndef TESTS_ENV_FIXTURE_H
#define TESTS_ENV_FIXTURE_H

#include <check.h>

#include "api/context.h"

typedef struct env_fixture {
    wsic_context *context;
    wsic_env env;
} env_fixture;

static inline env_fixture env_open(void)
{
    env_fixture fixture;

    ck_assert_int_eq(wsic_context_create(NULL, &fixture.context), WSIC_OK);
    fixture.env = wsic_context_env(fixture.context);
    return fixture;
}

/* Everything that was allocated must have been released. */
static inline void env_close(env_fixture *fixture)
{
    ck_assert_uint_eq(wsic_context_memory(fixture->context, NULL), 0);
    wsic_context_destroy(fixture->context);
}

#endif
