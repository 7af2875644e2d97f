/* SPDX-License-Identifier: MIT */
#include "coding/model_fit.h"

#include <math.h>

#include "coding/stream.h"

double wsic_escape_bits(uint64_t distance)
{
    const unsigned length = wsic_highest_bit(distance + 1);
    return wsic_frequency_bits(wsic_escape_frequency(length)) + length;
}

void wsic_histogram_add(wsic_histogram *histogram, int32_t high)
{
    const uint32_t bin = wsic_histogram_bin(high);
    histogram->bins[bin]++;
    if (bin == WSIC_BIN_BEYOND) {
        const uint64_t magnitude = high < 0 ? -(int64_t)high : high;
        histogram->beyond_bits[0] += wsic_escape_bits(magnitude - 1);
        histogram->beyond_bits[1] += wsic_escape_bits(magnitude - WSIC_MODEL_REACH - 1);
    }
}

uint64_t wsic_histogram_count(const wsic_histogram *histogram)
{
    uint64_t count = 0;

    for (uint32_t bin = 0; bin < WSIC_BINS; bin++)
        count += histogram->bins[bin];
    return count;
}

double wsic_histogram_bits(const wsic_histogram *histogram, uint64_t count)
{
    double bits = (double)count * log2((double)count) + histogram->beyond_bits[1];

    for (uint32_t bin = 0; bin < WSIC_BINS; bin++) {
        const double times = (double)histogram->bins[bin];
        if (times > 1)
            bits -= times * log2(times);
    }
    return bits;
}

double wsic_frequency_bits(uint32_t frequency)
{
    return frequency == 0 ? HUGE_VAL : WSIC_MODEL_BITS - log2(frequency);
}

static double beyond_bits(const wsic_model *model, const wsic_histogram *histogram)
{
    const double reach = 0.5 * (model->symbols - 2) / WSIC_MODEL_REACH;
    return (1 - reach) * histogram->beyond_bits[0] + reach * histogram->beyond_bits[1];
}

double wsic_model_cost(const wsic_model *model, const wsic_histogram *histogram)
{
    uint64_t count = histogram->bins[WSIC_BIN_BEYOND];
    uint64_t escapes = count;
    double bits = beyond_bits(model, histogram);

    for (uint32_t bin = 0; bin < WSIC_BIN_BEYOND; bin++) {
        if (histogram->bins[bin] == 0)
            continue;
        const int32_t high = (int32_t)bin - WSIC_MODEL_REACH;
        const uint32_t symbol = wsic_model_symbol(model, high);
        count += histogram->bins[bin];
        if (symbol != 0) {
            bits += (double)histogram->bins[bin] *
                    wsic_frequency_bits(wsic_model_frequency(model, symbol));
        } else {
            escapes += histogram->bins[bin];
            bits +=
                (double)histogram->bins[bin] * wsic_escape_bits(wsic_escape_distance(model, high));
        }
    }
    if (escapes != 0)
        bits += (double)escapes * wsic_frequency_bits(wsic_model_frequency(model, 0));
    return bits + (double)count * model->shift;
}

/* Bins outside of these escape: rarer than the rarest frequency on either side. */
typedef struct span {
    uint32_t first;
    uint32_t last;
    uint64_t inside;
    uint64_t outside;
} span;

static span choose_span(const wsic_histogram *histogram, uint64_t count, int32_t reach)
{
    const uint64_t rare = count / WSIC_MODEL_TOTAL;
    span chosen = {.first = wsic_histogram_bin(-reach), .last = wsic_histogram_bin(reach)};
    uint64_t below = 0;
    uint64_t above = 0;

    while (chosen.first < chosen.last && below + histogram->bins[chosen.first] <= rare)
        below += histogram->bins[chosen.first++];
    while (chosen.last > chosen.first && above + histogram->bins[chosen.last] <= rare)
        above += histogram->bins[chosen.last--];
    for (uint32_t bin = chosen.first; bin <= chosen.last; bin++)
        chosen.inside += histogram->bins[bin];
    chosen.outside = count - chosen.inside;
    return chosen;
}

/* To what a coded table can say: up to WSIC_TABLE_MANTISSA bits after the leading one. */
static uint32_t quantize_frequency(double frequency, bool down)
{
    if (frequency < 1)
        return 1;
    const unsigned rest = wsic_highest_bit((uint64_t)frequency);
    const unsigned dropped = rest > WSIC_TABLE_MANTISSA ? rest - WSIC_TABLE_MANTISSA : 0;
    const double scaled = ldexp(frequency, -(int)dropped) + (down ? 0 : 0.5);
    return (uint32_t)scaled << dropped;
}

/* All frequencies but the peak's, which gets what they leave. False if that is less
 * than nothing, which rounding and the frequency of 1 for everybody may cause. */
static bool fill_frequencies(const wsic_histogram *histogram, const span *chosen, uint32_t peak,
                             bool down, uint32_t *frequency)
{
    const double unit = WSIC_MODEL_TOTAL / (double)(chosen->inside + chosen->outside);
    uint32_t sum;

    frequency[0] = chosen->outside == 0 ? 0 : (uint32_t)fmax(1, (double)chosen->outside * unit);
    sum = frequency[0];
    for (uint32_t bin = chosen->first; bin <= chosen->last; bin++) {
        if (bin == peak)
            continue;
        const uint32_t value = quantize_frequency((double)histogram->bins[bin] * unit, down);
        frequency[bin - chosen->first + 1] = value;
        sum += value;
    }
    if (sum >= WSIC_MODEL_TOTAL)
        return false;
    frequency[peak - chosen->first + 1] = WSIC_MODEL_TOTAL - sum;
    return true;
}

bool wsic_model_fit_table(const wsic_histogram *histogram, const wsic_model_frame *frame,
                          wsic_model *model)
{
    const uint64_t count = wsic_histogram_count(histogram);
    uint32_t frequency[WSIC_MODEL_SYMBOLS];

    const span chosen = choose_span(histogram, count, frame->reach);
    if (chosen.inside == 0)
        return false;
    uint32_t peak = chosen.first;
    for (uint32_t bin = chosen.first; bin <= chosen.last; bin++) {
        if (histogram->bins[bin] > histogram->bins[peak])
            peak = bin;
    }
    if (!fill_frequencies(histogram, &chosen, peak, false, frequency) &&
        !fill_frequencies(histogram, &chosen, peak, true, frequency))
        return false;

    *model = (wsic_model){.first = (int32_t)chosen.first - WSIC_MODEL_REACH,
                          .symbols = chosen.last - chosen.first + 2,
                          .shift = frame->shift,
                          .peak = peak - chosen.first + 1};
    for (uint32_t symbol = 0; symbol < model->symbols; symbol++)
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all are set */
        model->start[symbol + 1] = (uint16_t)(model->start[symbol] + frequency[symbol]);
    return true;
}

static void write_frequency(wsic_bit_writer *writer, uint32_t frequency, int32_t *length)
{
    const unsigned rest = wsic_highest_bit(frequency);
    const unsigned kept = rest < WSIC_TABLE_MANTISSA ? rest : WSIC_TABLE_MANTISSA;

    wsic_put_golomb_signed(writer, (int32_t)rest + 1 - *length);
    wsic_put_bits(writer, (frequency & ((1U << rest) - 1)) >> (rest - kept), kept);
    *length = (int32_t)rest + 1;
}

void wsic_model_write(wsic_bit_writer *writer, const wsic_model *model)
{
    int32_t length = 1;

    wsic_put_golomb_signed(writer, model->first);
    wsic_put_golomb(writer, model->symbols - 2);
    wsic_put_golomb(writer, wsic_model_frequency(model, 0));
    wsic_put_golomb(writer, model->peak - 1);
    for (uint32_t symbol = 1; symbol < model->symbols; symbol++) {
        if (symbol != model->peak)
            write_frequency(writer, wsic_model_frequency(model, symbol), &length);
    }
}
