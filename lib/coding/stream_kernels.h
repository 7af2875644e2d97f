/* SPDX-License-Identifier: MIT */
/* Decoding steps of full groups with vectors. A kernel does the common part of wsic_stream_step(), to the same
 * bits; what it leaves, the shared code does. */
#ifndef WSIC_CODING_STREAM_KERNELS_H
#define WSIC_CODING_STREAM_KERNELS_H

#include "base/cpu.h"
#include "coding/stream_decode.h"

enum {
    WSIC_VECTOR_LANES = 32, /* of the groups that vectors take */
    WSIC_VECTOR_STREAMS = 2 /* at most, which advance together */
};

/* A group that is decoded, and its stream. */
typedef struct wsic_vector_group {
    wsic_stream *stream;
    const wsic_steps *steps;
    /* Receives as many bytes as there are lanes for each step, by lane: high parts, or levels of the trellis. Those of step 0
     * come first, 32 bytes apart. */
    int8_t *rows;
    bool outside; /* something did not fit a byte: decode the group otherwise */
} wsic_vector_group;

/* Decode steps from `from` to `to` of one or two groups, which have the same form and stand at the same row. Returns
 * the step before which it stopped: `to`; or an earlier one where the words of a stream are nearly used
 * up, so that vectors would read behind them; or any if something is outside. */
typedef size_t wsic_vector_steps(wsic_vector_group *groups, size_t count, size_t from, size_t to);

/* What a choice of instructions has for a full group; NULL where wsic_stream_step() is all there is. */
wsic_vector_steps *wsic_vector_kernel(int32_t kernels, const wsic_steps *steps);

/* For full groups of any number of lanes, and octets of eight columns (stream_plain.c). */
wsic_vector_steps *wsic_vector_kernel_c(const wsic_form *form, bool trellis);

/* The escapes of a step: `mask` has a bit for each lane. States must be those of the
 * stream. High parts replace the symbols. */
void wsic_vector_escapes(wsic_vector_group *group, size_t row, uint32_t mask, int8_t *high);

#if WSIC_X86
wsic_vector_steps *wsic_vector_kernel_avx2(const wsic_form *form, bool trellis);
#endif

#endif
