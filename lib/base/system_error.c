/* SPDX-License-Identifier: MIT */
#include "base/system_error.h"

#include <stdio.h>
#include <string.h>

/* The reason stands before the path, which may be longer than a message. */
wsic_status wsic_fail_errno(const wsic_env *env, int error, const char *action, const char *path)
{
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return wsic_fail(env, WSIC_ERROR_IO, "%s failed: %s: %s", action, reason, path);
}
