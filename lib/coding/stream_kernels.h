/* SPDX-License-Identifier: MIT */
/* Decoding steps of full groups with vectors. A kernel does the common part of wsic_stream_step(),
 * to the same bits; what it leaves, the shared code does. */
#ifndef WSIC_CODING_STREAM_KERNELS_H
#define WSIC_CODING_STREAM_KERNELS_H

#include "base/cpu.h"
#include "coding/stream_decode.h"

enum {
    WSIC_VECTOR_LANES = 32,      /* of the groups that vectors take */
    WSIC_VECTOR_STREAMS = 2,     /* at most, which advance together */
    WSIC_VECTOR_STEP_BYTES = 80, /* words that a kernel wants to see before a step, at most */
    WSIC_VECTOR_SHIFT_MOST = 7   /* low bits and a codebook make a byte (coding/stream_widen.h) */
};

/* A group that is decoded, and its stream. */
typedef struct wsic_vector_group {
    wsic_stream *stream;
    const wsic_steps *steps;
    /* Receives as many bytes as there are lanes for each step, by lane: levels of a trellis if the
     * form has no low bits; else high parts. Those of step 0 come first, WSIC_VECTOR_LANES bytes
     * apart, all of which may be written. */
    int8_t *rows;
    /* With a trellis and low bits: receives the codebook of each lane, a bit each, for each step.
     */
    uint32_t *codebooks;
    bool outside; /* something did not fit a byte: decode the group otherwise */
} wsic_vector_group;

/* Decode steps from `from` to `to` of one or two groups, which have the same form and stand at the
 * same row. The planes of the stream are those of step 0, and stay there. Returns the step before
 * which it stopped: `to`; or an earlier one where the words of a stream are nearly used up, so that
 * vectors would read behind them; or any if something is outside. */
typedef size_t wsic_vector_steps(wsic_vector_group *groups, size_t count, size_t from, size_t to);

/* Decode the first `to` steps of one or two groups, to the last word: kernels are given the last
 * ones with zeros behind them. A stream that has too few has failed then. Nothing is said of the
 * streams if something is outside. */
void wsic_vector_decode(wsic_vector_steps *kernel, wsic_vector_group *groups, size_t count,
                        size_t to);

/* What a choice of instructions has for a full group; NULL where wsic_stream_step() is all there
 * is. */
wsic_vector_steps *wsic_vector_kernel(int32_t kernels, const wsic_steps *steps);

/* The parity of an index, which moves a trellis, is that of its lowest low bit, or its opposite:
 * half of the range of low bits is subtracted, which is odd for one bit. */
static inline bool wsic_vector_flips(unsigned shift)
{
    return shift == 1;
}

/* For full groups of any number of lanes, whatever their octets (stream_plain.c). */
wsic_vector_steps *wsic_vector_kernel_c(const wsic_form *form, bool trellis);

/* The escapes of a step, for all kernels (stream_escapes.c): `mask` has a bit for each lane. States
 * must be those of the stream. High parts replace the symbols. */
void wsic_vector_escapes(wsic_vector_group *group, size_t row, uint32_t mask, int8_t *high);

#if WSIC_X86
wsic_vector_steps *wsic_vector_kernel_avx2(const wsic_form *form, bool trellis);
/* For groups whose lanes each have bounds of their own. They may be up to 2^30 elements apart. */
wsic_vector_steps *wsic_vector_kernel_avx2_alone(const wsic_form *form, bool trellis);
wsic_vector_steps *wsic_vector_kernel_avx512(const wsic_form *form, bool trellis);
#endif
#if WSIC_NEON
wsic_vector_steps *wsic_vector_kernel_neon(const wsic_form *form, bool trellis);
#endif

#endif
