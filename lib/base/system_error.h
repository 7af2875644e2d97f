/* SPDX-License-Identifier: MIT */
/* The system's reasons as messages. */
#ifndef WSIC_BASE_SYSTEM_ERROR_H
#define WSIC_BASE_SYSTEM_ERROR_H

#include "base/env.h"

/* Leave a message about what was refused, with the text of errno's value, and return
 * WSIC_ERROR_IO. */
wsic_status wsic_fail_errno(const wsic_env *env, int error, const char *action, const char *path);

#endif
