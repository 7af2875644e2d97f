/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "plain_arrays.h"
#include "plain_encoder.h"
#include "plain_push.h"
#include "plain_table.h"

/* Near to the standard deviation of the differences; a multiple of 4. */
static int width_for(const int64_t *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)(values[i] - values[0]) * (double)(values[i] - values[0]);
    const double w = 4 * floor(2 * log2(sum / (double)count + 1e-3));
    return w < -64 ? -64 : w > 496 ? 496 : (int)w;
}

static model array_model(const int64_t *values, size_t count, unsigned mode, int w)
{
    const unsigned shift = plain_array_shift(w);
    size_t counts[256] = {0};
    model m;

    if (mode > 1) {
        plain_builtin_model(&m, mode - 2, w, 256, shift, 0, 0, NULL);
        return m;
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t high = high_of(values[i] - values[0], shift);
        counts[high < -127 || high > 127 ? 0 : high + 128]++;
    }
    return plain_count_model(256, counts);
}

static void put_differences(const int64_t *values, size_t count, const model *m, unsigned shift,
                            writer *out)
{
    writer words = {NULL, 0, 0}, bypass = {NULL, 0, 0}, part = {NULL, 0, 0};
    uint64_t x = 65536;

    for (size_t i = 0; i < count; i++) {
        const int64_t high = high_of(values[i] - values[0], shift);
        if (symbol_of(m, high) == 0) {
            unsigned side;
            put_golomb(&bypass, distance_of(m, high, &side));
            put_bits(&bypass, side, 1);
        }
        put_bits(&bypass, low_of(values[i] - values[0], shift), shift);
    }
    for (size_t i = count; i-- > 0;) {
        const unsigned symbol = symbol_of(m, high_of(values[i] - values[0], shift));
        x = push_with_word(x, of_symbol(m->f, symbol), &words);
    }
    put_varint(&part, bypass.size);
    put_varint(&part, x - 65536);
    put_reversed(&part, &words);
    put_writer(&part, &bypass);
    put_varint(out, part.size);
    put_writer(out, &part);
    free(words.data);
    free(bypass.data);
    free(part.data);
}

void plain_encode_array(const int64_t *values, size_t count, unsigned mode, writer *out)
{
    bool constant = true;

    for (size_t i = 0; i < count; i++)
        constant = constant && values[i] == values[0];
    if (count != 0)
        put_varint(out, 8 * fold(values[0]) + (constant ? 0 : mode));
    if (constant)
        return;
    const int w = width_for(values, count);
    const model m = array_model(values, count, mode, w);
    put_u8(out, (unsigned)(w / 4 + 16));
    if (mode == 1)
        plain_put_table(out, &m);
    end_bits(out);
    put_differences(values, count, &m, plain_array_shift(w), out);
}
