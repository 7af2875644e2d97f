/* SPDX-License-Identifier: MIT */
/* What the classes of rows or octets cost by themselves, as they are stored. */
#ifndef WSIC_CODING_CLASS_PRICES_H
#define WSIC_CODING_CLASS_PRICES_H

#include "coding/class_costs.h"

enum { WSIC_RESIDUAL_REACH = 256 /* differences from the hint beyond this are not told apart */ };

/* Rows or octets while their classes are being chosen. */
typedef struct wsic_priced_axis {
    size_t count;
    const int32_t *hint;
    bool hint_stays; /* what is stored is the difference to it; else only if that is shorter */
    int16_t *classes;
    int32_t lowest;
    int32_t highest;
    /* Price of a class: that of its difference to the hint, as they are now. */
    bool hinted;
    int64_t centre;
    uint32_t price[2 * WSIC_RESIDUAL_REACH + 1];
} wsic_priced_axis;

/* Set the prices by the classes as they are. */
void wsic_class_prices_update(wsic_priced_axis *line);

/* In 1/WSIC_COST_UNIT bit. */
uint32_t wsic_class_price(const wsic_priced_axis *line, size_t index, int32_t class_number);

#endif
