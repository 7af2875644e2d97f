/* SPDX-License-Identifier: MIT */
#include "coding/magnitudes.h"

#include <math.h>

#include "base/checked.h"

enum { RUN = 64 /* codes that are taken together */ };

typedef struct column_sums {
    uint64_t small; /* energy of the exact ones, which are most: in integers */
    double large;   /* of the others */
    uint8_t largest;
} column_sums;

static inline int32_t code_of(int32_t datum, bool tokens)
{
    return tokens ? wsic_token_index(datum) : datum;
}

static inline uint32_t magnitude_of(int32_t datum, bool tokens)
{
    const int32_t code = code_of(datum, tokens);
    return code < 0 ? -(uint32_t)code : (uint32_t)code;
}

/* Without a branch, where all magnitudes have buckets of their own. Inlined for codes and for
 * tokens. */
static inline void take_small(column_sums *sums, uint8_t *restrict buckets, size_t count,
                              const int32_t *restrict data, bool tokens)
{
    uint32_t energy = 0;
    uint8_t largest = sums->largest;

    for (size_t i = 0; i < count; i++) {
        const uint32_t magnitude = magnitude_of(data[i], tokens);
        const uint32_t shift = tokens ? WSIC_BUCKETS_EXACT * !wsic_token_codebook(data[i]) : 0;
        buckets[i] = (uint8_t)(magnitude + shift);
        energy += magnitude * magnitude;
    }
    for (size_t i = 0; i < count; i++)
        largest = buckets[i] > largest ? buckets[i] : largest;
    sums->small += energy;
    sums->largest = largest;
}

static inline void take_any(column_sums *sums, uint8_t *buckets, size_t count, const int32_t *data,
                            bool tokens)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t code = code_of(data[i], tokens);
        buckets[i] = tokens ? wsic_token_bucket(data[i]) : wsic_bucket(code);
        if (magnitude_of(data[i], tokens) < WSIC_BUCKETS_EXACT)
            sums->small += (uint64_t)(code * code);
        else
            sums->large += (double)code * code;
        sums->largest = buckets[i] > sums->largest ? buckets[i] : sums->largest;
    }
}

static inline column_sums take_column(uint8_t *buckets, size_t rows, const int32_t *column,
                                      bool tokens)
{
    column_sums sums = {.small = 0};

    for (size_t first = 0; first < rows; first += RUN) {
        const size_t count = wsic_min_size(RUN, rows - first);
        uint32_t any = 0;
        for (size_t i = 0; i < count; i++)
            any |= magnitude_of(column[first + i], tokens);
        if (any < WSIC_BUCKETS_EXACT)
            take_small(&sums, buckets + first, count, column + first, tokens);
        else
            take_any(&sums, buckets + first, count, column + first, tokens);
    }
    return sums;
}

void wsic_magnitudes_take(wsic_magnitudes *magnitudes, size_t j, const int32_t *column)
{
    uint8_t *const buckets = magnitudes->buckets + j * magnitudes->rows;
    const column_sums sums = magnitudes->tokens
                                 ? take_column(buckets, magnitudes->rows, column, true)
                                 : take_column(buckets, magnitudes->rows, column, false);

    if (sums.largest >= magnitudes->used)
        magnitudes->used = (uint32_t)sums.largest + 1;
    magnitudes->deviation[j] = sqrt((sums.large + (double)sums.small) / (double)magnitudes->rows);
}

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
