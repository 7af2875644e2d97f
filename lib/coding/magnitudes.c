/* SPDX-License-Identifier: MIT */
#include "coding/magnitudes.h"

#include <math.h>

static void fill_column(wsic_magnitudes *magnitudes, size_t j, const int32_t *column,
                        const wsic_block_layout *layout)
{
    uint8_t *const buckets = magnitudes->buckets + j * magnitudes->rows;
    uint8_t largest = 0;
    double energy = 0;

    for (size_t i = 0; i < magnitudes->rows; i++) {
        const int32_t datum = column[wsic_layout_row(layout, i)];
        const uint8_t bucket = magnitudes->tokens ? wsic_token_bucket(datum) : wsic_bucket(datum);
        const int32_t code = magnitudes->tokens ? wsic_token_index(datum) : datum;
        buckets[i] = bucket;
        largest = bucket > largest ? bucket : largest;
        energy += (double)code * code;
    }
    if (largest >= magnitudes->used)
        magnitudes->used = (uint32_t)largest + 1;
    magnitudes->deviation[j] = sqrt(energy / (double)magnitudes->rows);
}

wsic_status wsic_magnitudes_create(const wsic_env *env, const int32_t *data, bool tokens,
                                   size_t rows, size_t columns, const wsic_block_layout *layout,
                                   wsic_magnitudes *magnitudes)
{
    wsic_magnitudes made = {.rows = rows, .columns = columns, .tokens = tokens};
    wsic_status status;

    made.buckets = wsic_alloc(env, rows, columns, &status);
    if (!made.buckets)
        return status;
    made.deviation = wsic_alloc(env, columns, sizeof *made.deviation, &status);
    if (!made.deviation) {
        wsic_free(env, made.buckets);
        return status;
    }
    for (size_t j = 0; j < columns; j++)
        fill_column(&made, j, data + wsic_layout_column(layout, j), layout);
    *magnitudes = made;
    return WSIC_OK;
}

void wsic_magnitudes_release(const wsic_env *env, wsic_magnitudes *magnitudes)
{
    wsic_free(env, magnitudes->buckets);
    wsic_free(env, magnitudes->deviation);
    *magnitudes = (wsic_magnitudes){.rows = 0};
}
