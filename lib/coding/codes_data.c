/* SPDX-License-Identifier: MIT */
#include "coding/codes_data.h"

wsic_status wsic_codes_data_create(const wsic_env *env, size_t rows, size_t columns,
                                   wsic_codes_data *data)
{
    wsic_status status;

    *data = (wsic_codes_data){.rows = rows, .columns = columns};
    data->narrow = wsic_alloc(env, rows, columns * sizeof *data->narrow, &status);
    return data->narrow ? WSIC_OK : status;
}

void wsic_codes_data_release(const wsic_env *env, wsic_codes_data *data)
{
    wsic_free(env, data->narrow);
    wsic_free(env, data->wide);
    *data = (wsic_codes_data){.rows = 0};
}

static bool is_narrow(const int32_t *values, size_t count)
{
    uint32_t outside = 0;

    for (size_t i = 0; i < count; i++)
        outside |= ((uint32_t)values[i] + 0x8000U) & 0xFFFF0000U;
    return outside == 0;
}

/* Go over to 32 bits, with the columns that there are. */
static wsic_status widen(const wsic_env *env, wsic_codes_data *data, size_t columns)
{
    wsic_status status;

    data->wide = wsic_alloc(env, data->rows, data->columns * sizeof *data->wide, &status);
    if (!data->wide)
        return status;
    for (size_t k = 0; k < columns * data->rows; k++)
        data->wide[k] = data->narrow[k];
    wsic_free(env, data->narrow);
    data->narrow = NULL;
    return WSIC_OK;
}

wsic_status wsic_codes_data_set(const wsic_env *env, wsic_codes_data *data, size_t column,
                                const int32_t *values)
{
    const size_t at = column * data->rows;

    if (data->narrow && !is_narrow(values, data->rows)) {
        const wsic_status status = widen(env, data, column);
        if (status != WSIC_OK)
            return status;
    }
    if (!data->narrow) {
        memcpy(data->wide + at, values, data->rows * sizeof *values);
        return WSIC_OK;
    }
    for (size_t i = 0; i < data->rows; i++)
        data->narrow[at + i] = (int16_t)values[i];
    return WSIC_OK;
}
