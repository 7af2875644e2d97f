/* SPDX-License-Identifier: MIT */
/* The head of a coded matrix, as both sides know it. */
#ifndef WSIC_CODING_CODES_FORMAT_H
#define WSIC_CODING_CODES_FORMAT_H

#include <stdint.h>

enum {
    WSIC_QUANTIZER_SCALAR = 0, /* first byte: one codebook, all integers; else the logarithm
                                  of the states of a trellis */

    /* second byte */
    WSIC_CODES_LANES = 3, /* log2 of the lanes, less 3 */
    WSIC_CODES_LANES_LOG_LEAST = 3,
    WSIC_CODES_STEP_SHIFT = 2,
    WSIC_CODES_STEP = 3, /* after the shift: log2 of the sixteenths of an octave to a class */
    WSIC_CODES_STEP_MAX = 3,
    WSIC_CODES_ROW_HINT = 16,
    WSIC_CODES_COLUMN_CLASSES = 32, /* an octet has one column */
    WSIC_CODES_ORDER_SHIFT = 6,

    /* third byte */
    WSIC_CODES_SHAPE = 3, /* of the classes that say nothing */
    WSIC_CODES_DEAD_ROWS = 4,
    WSIC_CODES_DEAD_COLUMNS = 8,
    WSIC_CODES_CORRECTED = 16,  /* there are corrections to that shape */
    WSIC_CODES_OWN_MODELS = 32, /* each model says whether it has a table */
    WSIC_CODES_KNOWN = 63,

    WSIC_CLASS_LIMIT = 1023,       /* of the magnitude of row and octet classes */
    WSIC_KEY_LIMIT = 1 << 20,      /* of the magnitude of a key, in units of the step */
    WSIC_STREAMS_MOST = 256,       /* of a block */
    WSIC_BLOCK_CODES_MAX = 1 << 26 /* codes of a block of several rows */
};

/* What columns are put in order by: two bits. */
enum {
    WSIC_ORDER_NATURAL = 0,
    WSIC_ORDER_HINT = 1,
    WSIC_ORDER_KEYS = 2,
    WSIC_ORDER_KEYS_AND_HINT = 3
};

/* A hint, of which there are 64 to the octave, in units of 2^step sixteenths of an octave, rounded.
 */
static inline int32_t wsic_hint_units(int32_t hint, unsigned step)
{
    const int64_t bias = INT64_C(1) << 40;
    const unsigned drop = step + 2;
    const int64_t half = INT64_C(1) << (drop - 1);
    return (int32_t)(((hint + half + bias) >> drop) - (bias >> drop));
}

/* A stored key, which counts units of the step, as hints count. */
static inline int64_t wsic_key_in_hints(int32_t key, unsigned step)
{
    return (int64_t)key * (4 << step);
}

#endif
