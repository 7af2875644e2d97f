/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "plain_decoder.h"
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

static void push_escape(uint64_t *x, const model *m, int64_t high, writer *words)
{
    unsigned side, left = 0;
    const uint64_t d = distance_of(m, high, &side) + 1;

    while (d >> (left + 1) != 0)
        left++;
    for (unsigned done = (left + 7) / 8 * 8; done > 0; done -= 8)
        *x = push_with_word(*x, of_digit(d - (UINT64_C(1) << left), left, done - 8), words);
    *x = push_with_word(*x, of_escape(2 * left + side), words);
}

static void put_differences(const int64_t *values, size_t count, const model *m, unsigned shift,
                            writer *out)
{
    writer words = {NULL, 0, 0}, planes = {NULL, 0, 0}, part = {NULL, 0, 0};
    uint64_t x = 4096;

    for (size_t i = 0; i < count; i++)
        put_bits(&planes, low_of(values[i] - values[0], shift), shift);
    for (size_t i = count; i-- > 0;) {
        const int64_t high = high_of(values[i] - values[0], shift);
        const unsigned symbol = symbol_of(m, high);
        if (symbol == 0)
            push_escape(&x, m, high, &words);
        x = push_with_word(x, of_symbol(m->f, symbol), &words);
    }
    put_state(x, 5, 0, &part);
    end_bits(&part);
    put_reversed(&part, &words);
    put_writer(&part, &planes);
    put_varint(out, part.size);
    put_writer(out, &part);
    free(words.data);
    free(planes.data);
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
