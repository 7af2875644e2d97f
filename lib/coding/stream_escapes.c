/* SPDX-License-Identifier: MIT */
#include "coding/stream_kernels.h"

void wsic_vector_escapes(wsic_vector_group *group, size_t row, uint32_t mask, int8_t *high)
{
    uint8_t places[WSIC_VECTOR_LANES] = {0};
    int64_t escapes[WSIC_VECTOR_LANES];
    size_t count = 0;

    const size_t lanes = group->steps->lanes;
    for (size_t place = 0; place < lanes; place++) {
        if (mask >> wsic_lane_at(place, lanes) & 1)
            places[count++] = (uint8_t)place;
    }
    wsic_stream_escapes(group->stream, group->steps, row, places, count, escapes);
    for (size_t k = 0; k < count; k++) {
        /* Levels are twice as large. */
        group->outside |= escapes[k] < INT8_MIN / 2 || escapes[k] > INT8_MAX / 2;
        high[wsic_lane_at(places[k], lanes)] = (int8_t)escapes[k];
    }
}
