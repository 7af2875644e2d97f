/* SPDX-License-Identifier: MIT */
#include "coding/magnitudes.h"

#include <math.h>

typedef struct column_sums {
    uint64_t small; /* energy of the exact ones, which are most: in integers */
    double large;   /* of the others */
    uint8_t largest;
} column_sums;

/* Inlined for codes and for tokens. One branch, which most columns take in one direction. */
static inline column_sums take_column(uint8_t *buckets, size_t rows, const int32_t *column,
                                      const uint32_t *row, bool tokens)
{
    column_sums sums = {.small = 0};

    for (size_t i = 0; i < rows; i++) {
        const int32_t datum = column[row[i]];
        const int32_t code = tokens ? wsic_token_index(datum) : datum;
        const uint32_t above = (uint32_t)code + (WSIC_BUCKETS_EXACT - 1);
        uint8_t bucket;
        if (above < 2 * WSIC_BUCKETS_EXACT - 1) {
            const uint32_t shift = tokens ? WSIC_BUCKETS_EXACT * !wsic_token_codebook(datum) : 0;
            bucket = (uint8_t)((uint32_t)(code < 0 ? -code : code) + shift);
            sums.small += (uint64_t)(code * code);
        } else {
            bucket = tokens ? wsic_token_bucket(datum) : wsic_bucket(code);
            sums.large += (double)code * code;
        }
        buckets[i] = bucket;
        sums.largest = bucket > sums.largest ? bucket : sums.largest;
    }
    return sums;
}

static void fill_column(wsic_magnitudes *magnitudes, size_t j, const int32_t *column,
                        const uint32_t *row)
{
    uint8_t *const buckets = magnitudes->buckets + j * magnitudes->rows;
    const column_sums sums = magnitudes->tokens
                                 ? take_column(buckets, magnitudes->rows, column, row, true)
                                 : take_column(buckets, magnitudes->rows, column, row, false);

    magnitudes->largest[j] = sums.largest;
    if (sums.largest >= magnitudes->used)
        magnitudes->used = (uint32_t)sums.largest + 1;
    magnitudes->deviation[j] = sqrt((sums.large + (double)sums.small) / (double)magnitudes->rows);
}

wsic_status wsic_magnitudes_create(const wsic_env *env, const int32_t *data, bool tokens,
                                   const wsic_live_lines *lines, wsic_magnitudes *magnitudes)
{
    wsic_magnitudes made = {.rows = lines->rows, .columns = lines->columns, .tokens = tokens};
    wsic_status status;

    made.buckets = wsic_alloc(env, made.rows, made.columns, &status);
    if (!made.buckets)
        return status;
    made.deviation = wsic_alloc(env, made.columns, sizeof *made.deviation, &status);
    if (made.deviation)
        made.largest = wsic_alloc(env, made.columns, 1, &status);
    if (!made.largest) {
        wsic_magnitudes_release(env, &made);
        return status;
    }
    for (size_t j = 0; j < made.columns; j++)
        fill_column(&made, j, data + lines->column[j] * lines->column_stride, lines->row);
    *magnitudes = made;
    return WSIC_OK;
}

void wsic_magnitudes_release(const wsic_env *env, wsic_magnitudes *magnitudes)
{
    wsic_free(env, magnitudes->buckets);
    wsic_free(env, magnitudes->deviation);
    wsic_free(env, magnitudes->largest);
    *magnitudes = (wsic_magnitudes){.rows = 0};
}
