/* SPDX-License-Identifier: MIT */
/* Decoding the steps of a stream. docs/format.md, section "Streams", is the normative
 * description; what is here is the shared logic, of which the kernels for instruction sets do the
 * common part faster and to the same bits. */
#ifndef WSIC_CODING_STREAM_DECODE_H
#define WSIC_CODING_STREAM_DECODE_H

#include "coding/stream_take.h"

/* A stream while it is decoded. */
typedef struct wsic_stream {
    uint32_t state[WSIC_LANES_MAX];  /* by place in the order of lanes */
    uint8_t trellis[WSIC_LANES_MAX]; /* states of a trellis, by lane */
    wsic_word_source words;
    const uint8_t *planes; /* of the next step, */
    unsigned plane_bit;    /* from this bit on; other than 0 only in a group that is not full */
    size_t left;           /* integers before the tail */
    size_t used;           /* lanes for which the stream has a column */
    bool in_tail;
    bool whole; /* all integers are in the tail */
    uint32_t tail_state;
    wsic_word_source tail_words;
    uint8_t tail_bytes[2 * WSIC_LANES_MAX];
    bool failed;
} wsic_stream;

/* The steps of one group of columns. */
typedef struct wsic_steps {
    wsic_form form;
    const wsic_trellis *trellis; /* or NULL */
    size_t lanes;
    size_t columns; /* lanes that have one */
    size_t rows;
    unsigned octet_log; /* lanes of an octet */
    /* Bounds by kind of row and octet: those of a kind begin at its number times the octets of a
     * group. */
    const uint16_t *row_kind;
    const uint16_t *const *bounds;
} wsic_steps;

/* The bounds of a lane in a row. */
static inline const uint16_t *wsic_step_bounds(const wsic_steps *steps, size_t row, size_t lane)
{
    const size_t octets = steps->lanes >> steps->octet_log;
    return steps->bounds[steps->row_kind[row] * octets + (lane >> steps->octet_log)];
}

/* Bytes of the planes of one step of a full group. */
static inline size_t wsic_step_planes(const wsic_form *form, size_t lanes)
{
    return form->shift * wsic_plane_bytes(lanes);
}

/* Read the states. There are `used` lanes with a column, and `codes` integers in all; plane_bytes
 * is the size of all planes. */
bool wsic_stream_open(wsic_stream *stream, size_t lanes, size_t used, size_t codes,
                      size_t plane_bytes, const uint8_t *bytes, size_t size);

/* Nothing is left over, and all states are as an encoder starts. */
bool wsic_stream_ended(const wsic_stream *stream);

/* Steps that all lanes decode before the tail begins. */
static inline size_t wsic_stream_full_steps(const wsic_stream *stream, const wsic_steps *steps)
{
    const size_t full = stream->left / steps->columns;
    return full < steps->rows ? full : steps->rows;
}

/* One step: codes by lane, or levels of the trellis. */
void wsic_stream_step(wsic_stream *stream, const wsic_steps *steps, size_t row,
                      int32_t values[WSIC_LANES_MAX]);

/* The high parts of escapes, their rounds included: `places` are those that escaped in a step, in
 * the order of lanes, whose symbols have been taken. */
void wsic_stream_escapes(wsic_stream *stream, const wsic_steps *steps, size_t row,
                         const uint8_t *places, size_t count, int64_t *high);

#endif
