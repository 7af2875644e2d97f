/* SPDX-License-Identifier: MIT */
#include "coding/class_fit.h"

#include <stdlib.h>

#include "base/checked.h"

/* --- what codes cost ------------------------------------------------------------------ */

wsic_cost_columns wsic_class_fit_columns(const wsic_class_fit *fit, size_t octet, uint32_t shape,
                                         size_t row)
{
    const wsic_magnitudes *const magnitudes = fit->magnitudes;
    const size_t first = octet << fit->octet_log;
    wsic_cost_columns made = {
        .columns = wsic_min_size((size_t)1 << fit->octet_log, magnitudes->columns - first),
        .table = fit->costs.table[shape],
        .stride = fit->costs.stride};

    for (size_t k = 0; k < made.columns; k++)
        made.column[k] = magnitudes->buckets + fit->order[first + k] * magnitudes->rows + row;
    return made;
}

typedef struct class_span {
    int32_t least;
    int32_t most;
} class_span;

static class_span span_of(const wsic_priced_axis *line)
{
    class_span found = {line->classes[0], line->classes[0]};

    for (size_t i = 1; i < line->count; i++) {
        found.least = line->classes[i] < found.least ? line->classes[i] : found.least;
        found.most = line->classes[i] > found.most ? line->classes[i] : found.most;
    }
    return found;
}

void wsic_class_fit_prepare(wsic_class_fit *fit, uint32_t shape)
{
    const class_span rows = span_of(&fit->rows);
    const class_span octets = span_of(&fit->octets);

    wsic_class_costs_prepare(&fit->costs, shape, rows.least + octets.least - WSIC_WINDOW_BELOW,
                             rows.most + octets.most + WSIC_WINDOW - WSIC_WINDOW_BELOW - 1);
}

void wsic_class_fit_add_octet(const wsic_class_fit *fit, size_t octet, uint32_t shape, size_t row,
                              size_t rows, uint32_t *sums, size_t step)
{
    const int16_t *const classes = fit->rows.classes + row;
    const int32_t octet_class = fit->octets.classes[octet];
    const wsic_cost_columns columns = wsic_class_fit_columns(fit, octet, shape, row);
    uint32_t window[WSIC_FIT_STRIP];

    for (size_t i = 0; i < rows; i++)
        window[i] = wsic_class_costs_window(&fit->costs, octet_class + classes[i]);
    fit->add_costs(&columns, window, rows, sums, step);
}

/* --- choosing ------------------------------------------------------------------------- */

bool wsic_class_fit_move(wsic_priced_axis *line, size_t index, const uint64_t *sums)
{
    const int32_t around = line->classes[index];
    uint64_t least = UINT64_MAX;
    int32_t best = around;

    for (int32_t k = 0; k < WSIC_WINDOW; k++) {
        const int32_t tried = around + k - WSIC_WINDOW_BELOW;
        if (tried < line->lowest || tried > line->highest)
            continue;
        const uint64_t cost = sums[k] + wsic_class_price(line, index, tried);
        if (cost < least || (cost == least && abs(tried - around) < abs(best - around))) {
            least = cost;
            best = tried;
        }
    }
    line->classes[index] = (int16_t)best;
    return best == around - WSIC_WINDOW_BELOW ||
           best == around + WSIC_WINDOW - WSIC_WINDOW_BELOW - 1;
}

size_t wsic_class_fit_moved(const wsic_class_fit *fit, const wsic_priced_axis *line)
{
    size_t moved = 0;

    for (size_t i = 0; i < line->count; i++)
        moved += line->classes[i] != fit->before[i];
    return moved;
}
