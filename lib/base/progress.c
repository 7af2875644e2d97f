/* SPDX-License-Identifier: MIT */
#include "base/env.h"

static wsic_status cancelled(const wsic_env *env)
{
    return wsic_fail(env, WSIC_ERROR_CANCELLED, "cancelled by the host");
}

wsic_status wsic_progress_report(const wsic_env *env, const wsic_progress *progress, double part)
{
    wsic_host *const host = env->host;

    if (atomic_load(&host->call) == WSIC_CALL_CANCELLED || atomic_load(&host->stopped))
        return cancelled(env);
    if (!progress || !host->progress)
        return WSIC_OK;

    const double fraction = progress->from + part * (progress->to - progress->from);
    if (host->progress(host->progress_user, fraction, progress->stage) != 0)
        return cancelled(env);
    return WSIC_OK;
}
