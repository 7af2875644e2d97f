/* SPDX-License-Identifier: MIT */
#include "coding/int_array.h"

#include <math.h>
#include <string.h>

#include "base/sort.h"
#include "coding/block.h"
#include "coding/model_fit.h"

/* How the differences to the base are to be coded. */
typedef struct array_choice {
    unsigned mode;
    int32_t class_number;
    wsic_model model;
    double bits;
} array_choice;

/* Symmetric models lose least around the median, outliers or not. */
static int32_t median(int32_t *scratch, const int32_t *values, size_t count)
{
    memcpy(scratch, values, count * sizeof *values);
    wsic_sort(scratch, count, sizeof *scratch, wsic_ascending_int32);
    return scratch[count / 2];
}

static void fill_histogram(wsic_histogram *histogram, unsigned shift, const int32_t *values,
                           size_t count)
{
    memset(histogram, 0, sizeof *histogram);
    for (size_t i = 0; i < count; i++)
        wsic_histogram_add(histogram, wsic_high_part(values[i], shift));
}

static int32_t likely_class(const int32_t *values, size_t count)
{
    double energy = 0;

    for (size_t i = 0; i < count; i++)
        energy += (double)values[i] * values[i];
    return WSIC_ARRAY_CLASS_UNIT * (int32_t)lround(2 * log2(energy / (double)count));
}

static int32_t clamp_class(int32_t class_number)
{
    return class_number < WSIC_CLASS_LOWEST    ? WSIC_CLASS_LOWEST
           : class_number > WSIC_CLASS_HIGHEST ? WSIC_CLASS_HIGHEST
                                               : class_number;
}

static void try_builtin(array_choice *best, const wsic_histogram *histogram, uint32_t shape,
                        int32_t class_number)
{
    array_choice tried = {.mode = WSIC_ARRAY_BUILTIN + shape, .class_number = class_number};

    wsic_model_builtin(&tried.model, shape, class_number, 0, NULL);
    tried.bits = wsic_model_cost(&tried.model, histogram);
    if (tried.bits < best->bits)
        *best = tried;
}

static void try_table(array_choice *best, const wsic_histogram *histogram, int32_t class_number)
{
    array_choice tried = {.mode = WSIC_ARRAY_TABLE, .class_number = class_number};
    wsic_bit_writer counter = {.bytes = NULL};

    if (!wsic_model_fit_table(histogram, class_number, &tried.model))
        return;
    wsic_model_write(&counter, &tried.model);
    tried.bits = wsic_model_cost(&tried.model, histogram) + (double)counter.total;
    if (tried.bits < best->bits)
        *best = tried;
}

/* Outliers draw the second moment up: look further down than up. */
static array_choice choose(const int32_t *values, size_t count)
{
    enum { LOOK_DOWN = 24, LOOK_UP = 8 };
    const int32_t middle = likely_class(values, count);
    array_choice best = {.bits = HUGE_VAL};
    wsic_histogram histogram;
    unsigned shift = UINT8_MAX;

    for (int32_t i = clamp_class(middle - LOOK_DOWN); i <= clamp_class(middle + LOOK_UP);
         i += WSIC_ARRAY_CLASS_UNIT) {
        if (wsic_class_shift(i) != shift) {
            shift = wsic_class_shift(i);
            fill_histogram(&histogram, shift, values, count);
            try_table(&best, &histogram, i);
        }
        for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
            try_builtin(&best, &histogram, shape, i);
    }
    return best;
}

static void put_head(wsic_bytes *out, int32_t base, unsigned mode)
{
    const uint64_t magnitude = base < 0 ? ~(uint32_t)base : (uint32_t)base;
    wsic_put_varint(out, (magnitude << 1 | (base < 0)) << WSIC_ARRAY_MODE_BITS | mode);
}

static wsic_status put_block(const wsic_env *env, const wsic_model *model, const int32_t *values,
                             size_t count, wsic_bytes *out)
{
    const int16_t column_class = 0;
    const wsic_block_shape shape = {
        .rows = count, .columns = 1, .lanes = 1, .classes = 1, .column_class = &column_class};
    const wsic_block_layout layout = {.row_stride = 1};
    wsic_bytes block;

    wsic_bytes_init(&block, env);
    const wsic_status status = wsic_block_encode(env, &shape, model, &layout, values, &block);
    wsic_put_varint(out, block.size);
    wsic_bytes_append(out, block.data, block.size);
    wsic_bytes_release(&block);
    return status != WSIC_OK ? status : out->status;
}

static wsic_status put_differences(const wsic_env *env, int32_t base, const int32_t *differences,
                                   size_t count, wsic_bytes *out)
{
    const array_choice choice = choose(differences, count);
    wsic_bit_writer writer = {.bytes = out};

    put_head(out, base, choice.mode);
    wsic_put_u8(out, (uint8_t)((choice.class_number - WSIC_CLASS_LOWEST) / WSIC_ARRAY_CLASS_UNIT));
    if (choice.mode == WSIC_ARRAY_TABLE) {
        wsic_model_write(&writer, &choice.model);
        wsic_finish_bits(&writer);
    }
    return put_block(env, &choice.model, differences, count, out);
}

wsic_status wsic_int_array_write(const wsic_env *env, const int32_t *values, size_t count,
                                 wsic_bytes *out)
{
    wsic_status status;

    if (count == 0)
        return out->status;
    int32_t *const scratch = wsic_alloc(env, count, sizeof *scratch, &status);
    if (!scratch)
        return status;
    const int32_t base = median(scratch, values, count);
    if (scratch[0] == scratch[count - 1]) {
        put_head(out, base, WSIC_ARRAY_CONSTANT);
        status = out->status;
    } else {
        for (size_t i = 0; i < count; i++)
            scratch[i] = values[i] - base;
        status = put_differences(env, base, scratch, count, out);
    }
    wsic_free(env, scratch);
    return status;
}
