/* SPDX-License-Identifier: MIT */
/* The codes of a plan as the coder takes them: live columns one after the other, rows in the order
 * in which they are coded. Levels of a trellis are tokens (coding/trellis.h). Numbers have 16 bits
 * where all of them fit: the coder spends its time on reading them again and again. */
#ifndef WSIC_CODING_CODES_DATA_H
#define WSIC_CODING_CODES_DATA_H

#include <string.h>

#include "base/env.h"

typedef struct wsic_codes_data {
    size_t rows;
    size_t columns;
    int16_t *narrow;
    int32_t *wide; /* NULL if there are narrow ones, and the other way round */
} wsic_codes_data;

/* Room for them. */
wsic_status wsic_codes_data_create(const wsic_env *env, size_t rows, size_t columns, bool wide,
                                   wsic_codes_data *data);
void wsic_codes_data_release(const wsic_env *env, wsic_codes_data *data);

/* Some numbers of a column, from a row on. */
static inline void wsic_codes_data_get(const wsic_codes_data *data, size_t column, size_t first,
                                       size_t count, int32_t *values)
{
    const size_t at = column * data->rows + first;

    if (!data->narrow) {
        memcpy(values, data->wide + at, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = data->narrow[at + i];
}

#endif
