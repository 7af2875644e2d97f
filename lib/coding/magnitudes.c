/* SPDX-License-Identifier: MIT */
#include "coding/magnitudes.h"

wsic_status wsic_magnitudes_create(const wsic_env *env, size_t rows, size_t columns, bool tokens,
                                   wsic_magnitudes *magnitudes)
{
    wsic_magnitudes made = {.rows = rows, .columns = columns, .tokens = tokens};
    wsic_status status;

    made.buckets = wsic_alloc(env, rows, columns, &status);
    if (!made.buckets)
        return status;
    made.deviation = wsic_alloc(env, columns, sizeof *made.deviation, &status);
    if (!made.deviation) {
        wsic_magnitudes_release(env, &made);
        return status;
    }
    *magnitudes = made;
    return WSIC_OK;
}

void wsic_magnitudes_release(const wsic_env *env, wsic_magnitudes *magnitudes)
{
    wsic_free(env, magnitudes->buckets);
    wsic_free(env, magnitudes->deviation);
    *magnitudes = (wsic_magnitudes){.rows = 0};
}
