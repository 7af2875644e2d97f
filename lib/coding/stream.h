/* SPDX-License-Identifier: MIT */
/* A stream of coded integers, as both sides see it: one block of rows in a few groups of columns.
 * docs/format.md, section "Streams", is the normative description. */
#ifndef WSIC_CODING_STREAM_H
#define WSIC_CODING_STREAM_H

#include "coding/form.h"

enum {
    WSIC_LANES_MAX = 32,
    WSIC_OCTET_LOG = 3,    /* columns that share a class, but in small matrices */
    WSIC_STEPS_MAX = 1024, /* rows of a block */

    /* An escape says first how many bits it has, and on which side it lies. */
    WSIC_ESCAPE_LENGTHS = 32,
    WSIC_ESCAPE_DIGIT = 8, /* bits of a round */

    WSIC_EXPONENT_BITS = 4, /* of a state, counted from WSIC_EXPONENT_LEAST */
    WSIC_EXPONENT_LEAST = 16,
    WSIC_TAIL_EXPONENT_BITS = 5, /* of the state of a tail that is the whole stream */
    WSIC_TAIL_LOW_BITS = 8,      /* of the length of a tail, before the others */
    WSIC_TAIL_STATE = 1 << 12    /* from which the state of a tail starts */
};

/* Words are taken by the even lanes first, then by the odd ones: two halves of a vector of 32 bits
 * make one of 16 bits without a shuffle. The lane at a place in that order: */
static inline size_t wsic_lane_at(size_t place, size_t lanes)
{
    return place < lanes / 2 ? 2 * place : 2 * place - lanes + 1;
}

/* Bytes of so many bits of planes. */
static inline size_t wsic_plane_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* Index of a class of a row and one of an octet together. */
static inline size_t wsic_class_index(int32_t sum, int32_t classes)
{
    return sum < 0 ? 0 : sum < classes ? (size_t)sum : (size_t)classes - 1;
}

/* Classes that have models: index 0 stands for the base, in units of 2^step sixteenths of an
 * octave. */
typedef struct wsic_class_range {
    int32_t base;
    int32_t classes;
    unsigned step;
} wsic_class_range;

static inline int32_t wsic_class_width(const wsic_class_range *range, size_t class_index)
{
    return (range->base + (int32_t)class_index) * (1 << range->step);
}

/* The form of a group: that of its widest octet in a row of the form class. */
static inline unsigned wsic_group_form(const wsic_class_range *range, const int16_t *octet_class,
                                       size_t octets, int32_t form_class)
{
    int32_t widest = octet_class[0];

    for (size_t k = 1; k < octets; k++)
        widest = octet_class[k] > widest ? octet_class[k] : widest;
    return wsic_form_of_width(
        wsic_class_width(range, wsic_class_index(widest + form_class, range->classes)));
}

/* --- escapes ---------------------------------------------------------------------- */

/* Of a number of bits, on either side; all add up to half of WSIC_MODEL_TOTAL. */
static inline uint32_t wsic_escape_frequency(unsigned length)
{
    return length < 5 ? 1024U >> length : length == 5 ? 12 : 2;
}

/* Sum of the frequencies of all shorter ones, on both sides. */
static inline uint32_t wsic_escape_start(unsigned length)
{
    return length < 6 ? 4096U - (4096U >> length) : 4 * length + 3968;
}

#endif
