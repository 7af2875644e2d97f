/* SPDX-License-Identifier: MIT */
#include "coding/int_array.h"

#include <math.h>
#include <string.h>

#include "base/sort.h"
#include "coding/model_fit.h"
#include "coding/escape_push.h"

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
    const wsic_model_frame frame = wsic_array_frame(class_number);
    array_choice tried = {.mode = WSIC_ARRAY_BUILTIN + shape, .class_number = class_number};

    wsic_model_builtin(&tried.model, shape, &frame, NULL);
    tried.bits = wsic_model_cost(&tried.model, histogram);
    if (tried.bits < best->bits)
        *best = tried;
}

static void try_table(array_choice *best, const wsic_histogram *histogram, int32_t class_number)
{
    const wsic_model_frame frame = wsic_array_frame(class_number);
    array_choice tried = {.mode = WSIC_ARRAY_TABLE, .class_number = class_number};
    wsic_bit_writer counter = {.bytes = NULL};

    if (!wsic_model_fit_table(histogram, &frame, &tried.model))
        return;
    wsic_model_write(&counter, &tried.model);
    tried.bits = wsic_model_cost(&tried.model, histogram) + (double)counter.total;
    if (tried.bits < best->bits)
        *best = tried;
}

/* Outliers draw the second moment up: look further down than up. */
static array_choice choose(const int32_t *values, size_t count)
{
    enum { LOOK_DOWN = 48, LOOK_UP = 16 };
    const int32_t middle = likely_class(values, count);
    array_choice best = {.bits = HUGE_VAL};
    wsic_histogram histogram;
    unsigned shift = UINT8_MAX;

    for (int32_t i = clamp_class(middle - LOOK_DOWN); i <= clamp_class(middle + LOOK_UP);
         i += WSIC_ARRAY_CLASS_UNIT) {
        if (wsic_array_frame(i).shift != shift) {
            shift = wsic_array_frame(i).shift;
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

static uint32_t symbol_of(const wsic_model *model, int32_t value)
{
    return wsic_model_symbol(model, wsic_high_part(value, model->shift));
}

/* Backwards, as a decoder takes first what was put last; the words grow downwards. */
static uint32_t push_values(const wsic_model *model, const int32_t *values, size_t count,
                            uint16_t **words)
{
    uint32_t state = WSIC_TAIL_STATE;

    for (size_t i = count; i-- > 0;) {
        const uint32_t symbol = symbol_of(model, values[i]);
        if (symbol == 0) {
            const wsic_pushed_escape one =
                wsic_make_escape(model, 0, wsic_high_part(values[i], model->shift));
            wsic_push_escape(words, &state, &one);
        }
        wsic_push(words, &state, model->start[symbol], wsic_model_frequency(model, symbol));
    }
    return state;
}

static void put_planes(const wsic_model *model, const int32_t *values, size_t count,
                       wsic_bytes *out)
{
    const uint64_t low_bits = (UINT64_C(1) << model->shift) - 1;
    wsic_bit_writer writer = {.bytes = out};

    for (size_t i = 0; i < count; i++) {
        const uint64_t raised =
            (uint64_t)(int64_t)values[i] + (uint64_t)wsic_shift_half(model->shift);
        wsic_put_bits(&writer, raised & low_bits, model->shift);
    }
    wsic_finish_bits(&writer);
}

static wsic_status put_lane(const wsic_env *env, const wsic_model *model, const int32_t *values,
                            size_t count, wsic_bytes *out)
{
    wsic_status status;
    uint16_t *const room = wsic_alloc(env, count, WSIC_WORDS_OF_CODE * sizeof *room, &status);
    wsic_bytes lane;

    if (!room)
        return status;
    uint16_t *const end = room + WSIC_WORDS_OF_CODE * count;
    uint16_t *words = end;
    wsic_bit_writer head = {.bytes = &lane};
    wsic_bytes_init(&lane, env);
    const uint32_t state = push_values(model, values, count, &words);
    wsic_put_state(&head, state, WSIC_TAIL_EXPONENT_BITS, 0);
    wsic_finish_bits(&head);
    for (; words < end; words++)
        wsic_put_u16(&lane, *words);
    put_planes(model, values, count, &lane);
    wsic_put_varint(out, lane.size);
    wsic_bytes_append(out, lane.data, lane.size);
    status = lane.status;
    wsic_bytes_release(&lane);
    wsic_free(env, room);
    return status;
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
    const wsic_status status = put_lane(env, &choice.model, differences, count, out);
    return status != WSIC_OK ? status : out->status;
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
