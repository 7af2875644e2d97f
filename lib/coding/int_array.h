/* SPDX-License-Identifier: MIT */
/* Short arrays of integers: classes, exponents of scales, signs. */
#ifndef WSIC_CODING_INT_ARRAY_H
#define WSIC_CODING_INT_ARRAY_H

#include "format/bytes.h"

enum {
    WSIC_INT_ARRAY_LIMIT = (1 << 30) - 1, /* of the magnitude of a value */
    /* What the first number of an array says in its lowest bits; above them stands a
     * value to which all others are differences. */
    WSIC_ARRAY_CONSTANT = 0,
    WSIC_ARRAY_TABLE = 1,
    WSIC_ARRAY_BUILTIN = 2, /* + shape */
    WSIC_ARRAY_MODE_BITS = 3,
    WSIC_ARRAY_CLASS_UNIT = 4 /* classes to a step of the width of an array */
};

/* Append the array (int_array_encode.c). Nothing at all is written for no values. */
wsic_status wsic_int_array_write(const wsic_env *env, const int32_t *values, size_t count,
                                 wsic_bytes *out);

/* Read back count values (int_array_decode.c). name is for the message. */
wsic_status wsic_int_array_read(const wsic_env *env, wsic_cursor *cursor, const char *name,
                                size_t count, int32_t *values);

#endif
