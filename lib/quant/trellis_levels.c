/* SPDX-License-Identifier: MIT */
#include "quant/trellis_levels.h"

#include <math.h>

#define NONE HUGE_VALF

/* From cell 4 on that repeats itself; before it a level of the other sign would never be chosen. */
const float wsic_levels_below[8][4] = {
    {0, NONE, 0, NONE}, {0, NONE, 0, 1}, {0, 2, 0, 1},  {0, 2, 3, 1},
    {0, -2, -1, -3},    {0, -2, -1, 1},  {0, 2, -1, 1}, {0, 2, 3, 1},
};
const float wsic_levels_above[8][4] = {
    {4, 2, 3, 1}, {4, 2, 3, 5}, {4, 6, 3, 5}, {4, 6, 7, 5},
    {4, 2, 3, 1}, {4, 2, 3, 5}, {4, 6, 3, 5}, {4, 6, 7, 5},
};
