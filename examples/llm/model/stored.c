/* SPDX-License-Identifier: MIT */
#include "llm/model/stored.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/text_end.h"

static const char fp8_scales[] = "_scale_inv";

enum { name_size = 160, mx_block = 32, mx_bytes = mx_block / 2 };

/* --- finding --------------------------------------------------------------- */

static bool is_type(const struct tensor *tensor, const char *type)
{
    return strcmp(tensor->type, type) == 0;
}

static const struct tensor *take(struct checkpoint *checkpoint, const char *name, const char *end,
                                 struct failure *failure)
{
    char full[name_size];

    snprintf(full, sizeof full, "%s%s", name, end);
    return checkpoint_take(checkpoint, full, failure);
}

/* All dimensions but the last, multiplied. */
static size_t rows_of(const struct tensor *tensor)
{
    size_t rows = 1;

    for (size_t i = 0; i + 1 < tensor->dimensions; i++)
        rows *= tensor->shape[i];
    return rows;
}

static size_t blocks_in(size_t length, size_t block)
{
    return length / block + (length % block != 0);
}

/* One scale for every block of every matrix. */
static bool check_fp8_scales(const struct stored *stored, struct failure *failure)
{
    const struct tensor *const tensor = stored->tensor;
    const struct tensor *const scales = stored->scales;
    const size_t down = blocks_in(stored->matrix_rows, stored->block_rows);
    const size_t across = blocks_in(stored->columns, stored->block_columns);
    const size_t dimensions = tensor->dimensions;

    if (scales->dimensions == dimensions && scales->shape[dimensions - 2] == down &&
        scales->shape[dimensions - 1] == across &&
        (dimensions == 2 || scales->shape[0] == tensor->shape[0]))
        return scales->dtype != 0 ||
               refuse(failure, "%s: tensor \"%s\": numbers of type %s are not floating",
                      scales->file, scales->name, scales->type);
    return refuse(failure,
                  "%s: tensor \"%s\": shape does not end with [%zu, %zu], one scale for each block "
                  "of %zu x %zu numbers of \"%s\"",
                  scales->file, scales->name, down, across, stored->block_rows,
                  stored->block_columns, tensor->name);
}

static bool find_fp8(struct stored *stored, struct checkpoint *checkpoint, const char *name,
                     const size_t block[2], struct failure *failure)
{
    stored->form = STORED_FP8;
    stored->block_rows = block[0];
    stored->block_columns = block[1];
    stored->scales = take(checkpoint, name, fp8_scales, failure);
    return stored->scales && check_fp8_scales(stored, failure);
}

static bool is_mxfp4(const struct tensor *blocks, const struct tensor *scales)
{
    const size_t last = blocks->dimensions - 1;

    if (!is_type(blocks, "U8") || !is_type(scales, "U8") || blocks->dimensions < 3 ||
        blocks->dimensions > 4 || blocks->shape[last] != mx_bytes || scales->dimensions != last)
        return false;
    return memcmp(blocks->shape, scales->shape, last * sizeof *blocks->shape) == 0;
}

static bool find_mxfp4(struct stored *stored, struct checkpoint *checkpoint, const char *name,
                       struct failure *failure)
{
    const struct tensor *const blocks = take(checkpoint, name, "_blocks", failure);
    const struct tensor *const scales = blocks ? take(checkpoint, name, "_scales", failure) : NULL;

    if (!scales)
        return false;
    if (!is_mxfp4(blocks, scales))
        return refuse(failure,
                      "%s: tensor \"%s\": not MXFP4: U8 of shape [..., rows, blocks, %d], with a "
                      "byte of \"%s\" for each block",
                      blocks->file, blocks->name, mx_bytes, scales->name);
    *stored = (struct stored){.form = STORED_MXFP4,
                              .tensor = blocks,
                              .scales = scales,
                              .matrix_rows = scales->shape[scales->dimensions - 2],
                              .rows = rows_of(scales),
                              .columns = scales->shape[scales->dimensions - 1] * mx_block};
    return true;
}

static bool has(const struct checkpoint *checkpoint, const char *name, const char *end)
{
    char full[name_size];

    snprintf(full, sizeof full, "%s%s", name, end);
    return checkpoint_find(checkpoint, full) != NULL;
}

bool stored_find(struct stored *stored, struct checkpoint *checkpoint, const char *name,
                 const size_t block[2], struct failure *failure)
{
    if (!has(checkpoint, name, "") && has(checkpoint, name, "_blocks"))
        return find_mxfp4(stored, checkpoint, name, failure);
    const struct tensor *const tensor = take(checkpoint, name, "", failure);
    if (!tensor)
        return false;
    if (tensor->dimensions < 2 || tensor->dimensions > 3)
        return refuse(failure, "%s: tensor \"%s\": %zu dimensions are not those of matrices",
                      tensor->file, tensor->name, tensor->dimensions);
    *stored = (struct stored){.checkpoint = checkpoint,
                              .tensor = tensor,
                              .matrix_rows = tensor->shape[tensor->dimensions - 2],
                              .rows = rows_of(tensor),
                              .columns = tensor->shape[tensor->dimensions - 1]};
    return !is_type(tensor, "F8_E4M3") || find_fp8(stored, checkpoint, name, block, failure);
}

bool stored_is_scales(const char *tensor, char *numbers, size_t size)
{
    const size_t length = strlen(tensor) + 1 - sizeof fp8_scales;

    if (!text_ends_with(tensor, fp8_scales) || length >= size)
        return false;
    memcpy(numbers, tensor, length);
    numbers[length] = '\0';
    return true;
}

struct stored stored_part(const struct stored *stored, size_t first, size_t rows)
{
    struct stored part = *stored;

    part.first += first;
    part.rows = rows;
    return part;
}

/* --- reading --------------------------------------------------------------- */

static bool check_finite(const struct stored *stored, size_t first, size_t count, const float *out,
                         struct failure *failure)
{
    for (size_t i = 0; i < count * stored->columns; i++)
        if (!isfinite(out[i]))
            return refuse(failure, "%s: tensor \"%s\": number %zu is not finite",
                          stored->tensor->file, stored->tensor->name, first * stored->columns + i);
    return true;
}

/* A sign, four bits of exponent, three of fraction. All ones are no number. */
static float fp8_value(unsigned byte)
{
    const unsigned exponent = byte >> 3 & 15;
    const unsigned fraction = byte & 7;
    const float size = exponent == 0 ? ldexpf((float)fraction, -9)
                                     : ldexpf((float)(8 + fraction), (int)exponent - 10);

    if (exponent == 15 && fraction == 7)
        return NAN;
    return byte & 0x80 ? -size : size;
}

static void fill_fp8_values(float values[256])
{
    for (unsigned i = 0; i < 256; i++)
        values[i] = fp8_value(i);
}

/* Row `row` of the tensor. */
static bool read_fp8_row(const struct stored *stored, const float values[256], size_t row,
                         float *out, struct failure *failure)
{
    const size_t down = blocks_in(stored->matrix_rows, stored->block_rows);
    const size_t across = blocks_in(stored->columns, stored->block_columns);
    const size_t strip =
        row / stored->matrix_rows * down + row % stored->matrix_rows / stored->block_rows;
    const unsigned char *const bytes = stored->tensor->data + row * stored->columns;

    for (size_t block = 0; block < across; block++) {
        const size_t begin = block * stored->block_columns;
        const size_t left = stored->columns - begin;
        const size_t count = left < stored->block_columns ? left : stored->block_columns;
        float scale;
        if (!tensor_read_part_f32(stored->scales, strip * across + block, 1, &scale, failure))
            return false;
        for (size_t i = begin; i < begin + count; i++)
            out[i] = values[bytes[i]] * scale;
    }
    return true;
}

static bool read_fp8(const struct stored *stored, size_t first, size_t count, float *out,
                     struct failure *failure)
{
    float values[256];

    fill_fp8_values(values);
    for (size_t i = 0; i < count; i++)
        if (!read_fp8_row(stored, values, first + i, out + i * stored->columns, failure))
            return false;
    return check_finite(stored, first, count, out, failure);
}

static void read_mx_block(const unsigned char *bytes, float scale, float *out)
{
    static const float values[16] = {0,     0.5F,  1,  1.5F,  2,  3,  4,  6,
                                     -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};

    for (size_t i = 0; i < mx_bytes; i++) {
        out[2 * i] = scale * values[bytes[i] & 15];
        out[2 * i + 1] = scale * values[bytes[i] >> 4];
    }
}

/* A scale of all ones is no number. */
static bool read_mxfp4(const struct stored *stored, size_t first, size_t count, float *out,
                       struct failure *failure)
{
    const size_t blocks = stored->columns / mx_block;
    const size_t begin = first * blocks;

    for (size_t i = 0; i < count * blocks; i++) {
        const unsigned power = stored->scales->data[begin + i];
        const float scale = power == 255 ? NAN : ldexpf(1, (int)power - 127);
        read_mx_block(stored->tensor->data + (begin + i) * mx_bytes, scale, out + i * mx_block);
    }
    return check_finite(stored, first, count, out, failure);
}

bool stored_read(const struct stored *stored, size_t first, size_t count, float *out,
                 struct failure *failure)
{
    const size_t row = stored->first + first;

    switch (stored->form) {
    case STORED_FP8:
        return read_fp8(stored, row, count, out, failure);
    case STORED_MXFP4:
        return read_mxfp4(stored, row, count, out, failure);
    case STORED_PLAIN:
        break;
    }
    return checkpoint_read_rows_f32(stored->tensor, row, count, out, failure);
}

double stored_bits(const struct stored *stored)
{
    const size_t all = stored->tensor->count;
    const size_t numbers = stored->form == STORED_MXFP4 ? 2 * all : all;
    const size_t bytes = stored->tensor->bytes + (stored->scales ? stored->scales->bytes : 0);

    return numbers == 0
               ? 0
               : 8 * (double)bytes * (double)(stored->rows * stored->columns) / (double)numbers;
}

void stored_release(const struct stored *stored)
{
    tensor_release(stored->tensor);
    if (stored->scales)
        tensor_release(stored->scales);
}
