/* SPDX-License-Identifier: MIT */
#include "coding/corrections.h"

#include "coding/codes.h"

void wsic_corrections_make(wsic_corrections *corrections, size_t contexts, int32_t base,
                           int32_t classes, unsigned step)
{
    const uint32_t half_octave = (WSIC_CLASSES_PER_OCTAVE / 2) >> step;

    *corrections = (wsic_corrections){.contexts = contexts, .spacing = half_octave + !half_octave};
    while (corrections->classes < (uint32_t)classes &&
           (base + (int32_t)corrections->classes) * (1 << step) < WSIC_CORRECTED_BELOW)
        corrections->classes++;
    if (corrections->classes != 0)
        corrections->knots =
            (corrections->classes - 1 + corrections->spacing - 1) / corrections->spacing + 1;
}

void wsic_corrections_get(const wsic_corrections *corrections, size_t context, size_t class_index,
                          wsic_correction *correction)
{
    const uint32_t spacing = corrections->spacing;
    const size_t knot = class_index / spacing;
    const int32_t behind = (int32_t)(class_index % spacing);
    const int32_t unit = WSIC_POWER_UNIT / WSIC_KNOT_UNIT;
    const int32_t bias = 1 << 10; /* of a sum before it is divided: it becomes positive */

    correction->count = class_index < corrections->classes ? corrections->count[context] : 0;
    for (uint32_t k = 0; k < correction->count; k++) {
        const int8_t *const power = corrections->power[context][k] + knot;
        const int32_t next = behind == 0 ? 0 : power[1];
        const int32_t sum = unit * (((int32_t)spacing - behind) * power[0] + behind * next);
        correction->power[k] = (int16_t)((sum + bias * (int32_t)spacing) / (int32_t)spacing - bias);
    }
}

bool wsic_corrections_read(wsic_bit_reader *reader, wsic_corrections *corrections)
{
    for (size_t context = 0; context < corrections->contexts; context++) {
        const uint32_t count = wsic_get_golomb(reader);
        if (reader->failed || count > WSIC_CORRECTED_MOST)
            return false;
        corrections->count[context] = count;
        for (uint32_t k = 0; k < count; k++) {
            int64_t power = 0;
            for (uint32_t knot = 0; knot < corrections->knots; knot++) {
                power += wsic_get_golomb_signed(reader);
                if (reader->failed || power < WSIC_KNOT_LOWEST || power > WSIC_KNOT_HIGHEST)
                    return false;
                corrections->power[context][k][knot] = (int8_t)power;
            }
        }
    }
    return true;
}
