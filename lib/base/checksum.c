/* SPDX-License-Identifier: MIT */
#include "base/checksum.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* The state is copied in and out, since the header must not show its type: some 600
 * bytes a call, beside pieces that are larger. */
_Static_assert(sizeof(XXH3_state_t) <= sizeof(wsic_checksum), "the state does not fit");

uint64_t wsic_checksum_of(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

void wsic_checksum_begin(wsic_checksum *checksum)
{
    XXH3_state_t state;

    memset(&state, 0, sizeof state);
    XXH3_64bits_reset(&state);
    memcpy(checksum->state, &state, sizeof state);
}

void wsic_checksum_add(wsic_checksum *checksum, const void *data, size_t size)
{
    XXH3_state_t state;

    memcpy(&state, checksum->state, sizeof state);
    XXH3_64bits_update(&state, data, size);
    memcpy(checksum->state, &state, sizeof state);
}

uint64_t wsic_checksum_end(const wsic_checksum *checksum)
{
    XXH3_state_t state;

    memcpy(&state, checksum->state, sizeof state);
    return XXH3_64bits_digest(&state);
}
