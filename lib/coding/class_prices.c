/* SPDX-License-Identifier: MIT */
#include "coding/class_prices.h"

#include <math.h>

static int64_t residual(const wsic_priced_axis *line, bool hinted, size_t index,
                        int32_t class_number)
{
    return class_number - (hinted ? (int64_t)line->hint[index] : 0);
}

static size_t residual_bin(int64_t difference)
{
    const int64_t clamped = difference < -WSIC_RESIDUAL_REACH  ? -WSIC_RESIDUAL_REACH
                            : difference > WSIC_RESIDUAL_REACH ? WSIC_RESIDUAL_REACH
                                                               : difference;
    return (size_t)(clamped + WSIC_RESIDUAL_REACH);
}

/* Prices by what occurs now, with a little for what does not; returns the sum. */
static uint64_t set_prices(wsic_priced_axis *line, bool hinted)
{
    const double unseen = 0.25;
    uint32_t seen[2 * WSIC_RESIDUAL_REACH + 1] = {0};
    int64_t sum = 0;
    uint64_t total = 0;

    for (size_t i = 0; i < line->count; i++)
        sum += residual(line, hinted, i, line->classes[i]);
    line->hinted = hinted;
    line->centre = llround((double)sum / (double)line->count);
    for (size_t i = 0; i < line->count; i++)
        seen[residual_bin(residual(line, hinted, i, line->classes[i]) - line->centre)]++;
    for (size_t bin = 0; bin < 2 * WSIC_RESIDUAL_REACH + 1; bin++) {
        const double share = (seen[bin] + unseen) / ((double)line->count + 8 * unseen);
        line->price[bin] = (uint32_t)lround(-log2(fmin(share, 1)) * WSIC_COST_UNIT);
        total += (uint64_t)seen[bin] * line->price[bin];
    }
    return total;
}

/* The encoder will use the hint only where that is shorter; so do the prices. */
void wsic_class_prices_update(wsic_priced_axis *line)
{
    const uint64_t plain = line->hint_stays ? UINT64_MAX : set_prices(line, false);
    if (line->hint && set_prices(line, true) >= plain)
        set_prices(line, false);
}

uint32_t wsic_class_price(const wsic_priced_axis *line, size_t index, int32_t class_number)
{
    return line
        ->price[residual_bin(residual(line, line->hinted, index, class_number) - line->centre)];
}
