/* SPDX-License-Identifier: MIT */
/* Static distributions of integers. A class says how wide: its standard deviation is
 * 2^(class / 16). A value is split into a high part, which the model knows,
 * and low bits, which are taken for uniform; what lies far out escapes. */
#ifndef WSIC_CODING_MODEL_H
#define WSIC_CODING_MODEL_H

#include "coding/bits.h"
#include "coding/model_tables.h"

enum {
    WSIC_MODEL_BITS = 12,
    WSIC_MODEL_TOTAL = 1 << WSIC_MODEL_BITS, /* what the frequencies sum up to */
    WSIC_MODEL_REACH = 127,                  /* largest high part that any model has */
    WSIC_MODEL_SYMBOLS = 2 * WSIC_MODEL_REACH + 2,
    WSIC_CLASS_LOWEST = -64, /* 1/16: narrower ones have nothing but zeros to 12 bits */
    WSIC_CLASS_HIGHEST = 496,
    WSIC_TABLE_MANTISSA = 5,  /* bits after the leading one that a coded frequency keeps */
    WSIC_CORRECTED_MOST = 7,  /* magnitudes that may be corrected */
    WSIC_STATE_LOW = 1 << 16, /* states of a coder lie between this and 2^32 */
    WSIC_POWER_UNIT = 32      /* of a correction, to the octave */
};

typedef struct wsic_model {
    int32_t first;    /* high part of symbol 1; symbol 0 is the escape */
    uint32_t symbols; /* the escape counts, even where its frequency is 0 */
    unsigned shift;   /* low bits that are not modelled */
    uint32_t peak;    /* the symbol whose frequency a coded table leaves out; else 0 */
    uint16_t start[WSIC_MODEL_SYMBOLS + 1]; /* frequency s is start[s + 1] - start[s] */
} wsic_model;

/* What a model is made for. */
typedef struct wsic_model_frame {
    int32_t class_number; /* between WSIC_CLASS_LOWEST and WSIC_CLASS_HIGHEST */
    unsigned shift;       /* low bits that are not modelled */
    /* 0 for integers, or indices of codebook 0 of a trellis, whose cells have width 1; 1 for
     * indices of codebook 1, whose cells are those of zero and the odd numbers, halved. */
    unsigned codebook;
    int32_t reach; /* largest high part that it may have, up to WSIC_MODEL_REACH */
} wsic_model_frame;

/* The frame of an array of integers. Its low bits leave a standard deviation of 8 to 16
 * to the high part, which makes treating them as uniform cost below 0.001 bit. */
wsic_model_frame wsic_array_frame(int32_t class_number);

/* How a distribution differs from a built-in one: by a factor of 2^(power / 32) for the high
 * parts of the first magnitudes. */
typedef struct wsic_correction {
    unsigned count;
    int16_t power[WSIC_CORRECTED_MOST];
} wsic_correction;

/* The built-in model. The powers of a correction, which may be NULL, lie within eight octaves. */
void wsic_model_builtin(wsic_model *model, uint32_t shape, const wsic_model_frame *frame,
                        const wsic_correction *correction);

/* Mass of a high part under a built-in distribution, in units of 2^-24, uncorrected. */
uint32_t wsic_builtin_mass(uint32_t shape, const wsic_model_frame *frame, int32_t high);

/* Read a coded table. False if it makes no sense. */
bool wsic_model_read(wsic_bit_reader *reader, const wsic_model_frame *frame, wsic_model *model);

static inline uint32_t wsic_model_frequency(const wsic_model *model, uint32_t symbol)
{
    return (uint32_t)model->start[symbol + 1] - model->start[symbol];
}

/* Half of the range of the low bits: added before they are cut off, so that the
 * high part 0 lies around the value 0. */
static inline int64_t wsic_shift_half(unsigned shift)
{
    return (INT64_C(1) << shift) >> 1;
}

/* floor((value + half) / 2^shift), without shifting a negative number. */
static inline int32_t wsic_high_part(int32_t value, unsigned shift)
{
    const uint64_t bias = UINT64_C(1) << 40;
    const uint64_t raised = bias + (uint64_t)(int64_t)value + (uint64_t)wsic_shift_half(shift);
    return (int32_t)((int64_t)(raised >> shift) - (int64_t)(bias >> shift));
}

/* Symbol of a high part; 0, the escape, for one out of reach. */
static inline uint32_t wsic_model_symbol(const wsic_model *model, int32_t high)
{
    const uint32_t offset = (uint32_t)high - (uint32_t)model->first;
    return offset < model->symbols - 1 ? offset + 1 : 0;
}

/* How far an escaped high part lies beyond the nearest symbol, less one. */
static inline uint64_t wsic_escape_distance(const wsic_model *model, int32_t high)
{
    const int64_t below = (int64_t)model->first - 1 - high;
    return (uint64_t)(below >= 0 ? below : high - ((int64_t)model->first + model->symbols - 1));
}

#endif
