/* SPDX-License-Identifier: MIT */
#include "llm/train/scales.h"

#include <math.h>
#include <stdlib.h>

enum { finest_grid = 12 };

/* The least grid that holds all scales. The archive's own may be finer, but grids are nested: what
 * is rounded to this one need not be rounded again. */
static int find_grid(const float *scales, size_t count)
{
    int grid = 0;

    for (size_t i = 0; i < count && grid < finest_grid; i++) {
        const double octave = scales[i] != 0 ? log2(fabs((double)scales[i])) : 0;
        while (grid < finest_grid &&
               fabs(ldexp(octave, grid) - nearbyint(ldexp(octave, grid))) > ldexp(1e-6, grid))
            grid++;
    }
    return grid;
}

bool scales_fixed(const struct scales *scales)
{
    return scales->grid == 0;
}

static bool create_scales(struct scales *scales, const float *stored, size_t count,
                          const double *logs)
{
    *scales = (struct scales){
        .count = count, .grid = find_grid(stored, count), .stored = stored, .logs = logs};
    scales->live = calloc(count, sizeof *scales->live);
    return scales->live != NULL;
}

static bool read_codes(struct scaled_layer *scaled, const wsic_layer_info *info,
                       struct failure *failure)
{
    wsic_matrix codes;

    scaled->dtype = info->code_dtype;
    scaled->codes = calloc(info->rows * info->columns, wsic_dtype_size(info->code_dtype));
    if (!scaled->codes)
        return refuse(failure, "out of memory for codes");
    wsic_matrix_init(&codes, sizeof codes, scaled->codes, scaled->dtype, info->rows, info->columns,
                     0);
    if (wsic_layer_get_codes(scaled->layer, 0, &codes) < 0)
        return refuse(failure, "%s", wsic_layer_message(scaled->layer));
    return true;
}

static bool fill(struct scaled_layer *scaled, const double *logs, struct failure *failure)
{
    wsic_layer_info info = {.size = sizeof info};

    if (wsic_layer_get_info(scaled->layer, &info) < 0)
        return refuse(failure, "%s", wsic_layer_message(scaled->layer));
    if (!create_scales(&scaled->rows, wsic_layer_row_scales(scaled->layer), info.rows, logs) ||
        !create_scales(&scaled->columns, wsic_layer_column_scales(scaled->layer), info.columns,
                       logs + info.rows))
        return refuse(failure, "out of memory for scales");
    return read_codes(scaled, &info, failure);
}

bool scaled_layer_create(struct scaled_layer *scaled, wsic_layer *layer, const double *logs,
                         struct failure *failure)
{
    *scaled = (struct scaled_layer){.layer = layer};
    if (fill(scaled, logs, failure))
        return true;
    scaled_layer_free(scaled);
    return false;
}

void scaled_layer_free(struct scaled_layer *scaled)
{
    wsic_layer_destroy(scaled->layer);
    free(scaled->codes);
    free(scaled->rows.live);
    free(scaled->columns.live);
    *scaled = (struct scaled_layer){.layer = NULL};
}

static void update_scales(struct scales *scales, bool rounded)
{
    for (size_t i = 0; i < scales->count; i++) {
        double octaves = scales->logs[i] / log(2);
        if (rounded && scales_fixed(scales))
            octaves = 0;
        else if (rounded)
            octaves = ldexp(nearbyint(ldexp(octaves, scales->grid)), -scales->grid);
        scales->live[i] = (float)((double)scales->stored[i] * exp2(octaves));
    }
}

static void read_row(const struct scaled_layer *scaled, size_t row, float *codes)
{
    const size_t columns = scaled->columns.count;
    const size_t first = row * columns;

    for (size_t j = 0; j < columns; j++)
        codes[j] = scaled->dtype == WSIC_I8    ? (float)((const int8_t *)scaled->codes)[first + j]
                   : scaled->dtype == WSIC_I16 ? (float)((const int16_t *)scaled->codes)[first + j]
                                               : (float)((const int32_t *)scaled->codes)[first + j];
}

void scaled_layer_apply(struct scaled_layer *scaled, bool rounded, const struct linear *linear)
{
    update_scales(&scaled->rows, rounded);
    update_scales(&scaled->columns, rounded);
    for (size_t i = 0; i < linear->rows; i++) {
        float *const weights = linear->weights + i * linear->columns;
        read_row(scaled, i, weights);
        for (size_t j = 0; j < linear->columns; j++)
            weights[j] = scaled->rows.live[i] * (scaled->columns.live[j] * weights[j]);
    }
}

wsic_status scaled_layer_finish(const struct scaled_layer *scaled, wsic_layer **out)
{
    return wsic_layer_create_with_scales(scaled->layer, scaled->rows.live, scaled->columns.live,
                                         out);
}
