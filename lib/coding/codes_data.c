/* SPDX-License-Identifier: MIT */
#include "coding/codes_data.h"

wsic_status wsic_codes_data_create(const wsic_env *env, size_t rows, size_t columns, bool wide,
                                   wsic_codes_data *data)
{
    wsic_status status;

    *data = (wsic_codes_data){.rows = rows, .columns = columns};
    if (wide)
        data->wide = wsic_alloc(env, rows, columns * sizeof *data->wide, &status);
    else
        data->narrow = wsic_alloc(env, rows, columns * sizeof *data->narrow, &status);
    return data->narrow || data->wide ? WSIC_OK : status;
}

void wsic_codes_data_release(const wsic_env *env, wsic_codes_data *data)
{
    wsic_free(env, data->narrow);
    wsic_free(env, data->wide);
    *data = (wsic_codes_data){.rows = 0};
}
