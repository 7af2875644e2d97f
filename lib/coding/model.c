/* SPDX-License-Identifier: MIT */
#include "coding/model.h"

#include "coding/codes.h"

enum {
    HIGH_OCTAVES = 3,   /* the high part's deviation is at least 2^3 */
    POSITION_BITS = 16, /* of a position between two entries of a tail table */
    ROOT_BITS = 24,
    POWER_BITS = 16,
    POWER_OCTAVES = 8,  /* corrections lie within so many, up or down */
    EXPONENT_LIMIT = 12 /* bits of the largest coded frequency, 4095 */
};

/* Below this mass, in units of 2^-24, a tail is left to the escape: a symbol costs at
 * least 2^-12, and its neighbours pay for what it does not need. */
static const uint64_t NEGLIGIBLE_TAIL = UINT64_C(1) << 13;

static const uint64_t WHOLE = UINT64_C(1) << WSIC_TAIL_UNIT_BITS;

/* 2^(24 - i/16) */
static const uint64_t ROOT[WSIC_CLASSES_PER_OCTAVE] = {
    16777216, 16065917, 15384775, 14732511, 14107901, 13509772, 12937002, 12388516,
    11863283, 11360319, 10878679, 10417458, 9975792, 9552851, 9147842, 8760003};

/* 2^(16 + i/32) */
static const uint64_t POWER[WSIC_POWER_UNIT] = {
    65536,  66971,  68438,  69936,  71468,  73032,  74632,  76266,  77936,  79642,  81386,
    83169,  84990,  86851,  88752,  90696,  92682,  94711,  96785,  98905,  101070, 103283,
    105545, 107856, 110218, 112631, 115098, 117618, 120194, 122825, 125515, 128263};

/* floor(class / 8) and what is left, for either sign. */
static int32_t class_octave(int32_t class_number)
{
    return (class_number + 64 * WSIC_CLASSES_PER_OCTAVE) / WSIC_CLASSES_PER_OCTAVE - 64;
}

wsic_model_frame wsic_array_frame(int32_t class_number)
{
    const int32_t shift = class_octave(class_number) - HIGH_OCTAVES;

    return (wsic_model_frame){.class_number = class_number,
                              .shift = shift > 0 ? (unsigned)shift : 0,
                              .reach = WSIC_MODEL_REACH};
}

/* Four times the lower edge of an integer's cell: half way to its lower neighbour. */
static int64_t lower_edge(unsigned codebook, int64_t integer)
{
    if (codebook == 0)
        return 4 * integer - 2;
    if (integer == 0 || integer == 1)
        return 2 * integer - 1;
    return 4 * (integer - (integer > 0));
}

/* Mass above a quarter of `edge` > 0, in units of 2^-24. */
static uint64_t tail(uint32_t shape, int32_t class_number, uint64_t edge)
{
    const int32_t octave = class_octave(class_number);
    const uint64_t root = ROOT[class_number - octave * WSIC_CLASSES_PER_OCTAVE];
    /* edge / 4 / deviation in units of 2^-21, the table's step being 2^-5; the deviation is
     * 2^octave * 2^ROOT_BITS / root. */
    const unsigned drop = (unsigned)(octave + ROOT_BITS + 2 - WSIC_TAIL_STEP_BITS - POSITION_BITS);
    const uint64_t position = edge * root >> drop;
    const uint64_t step = position >> POSITION_BITS;
    const uint64_t part = position & ((1U << POSITION_BITS) - 1);

    if (step >= WSIC_TAIL_STEPS)
        return 0;
    const uint32_t *const entry = &wsic_model_tail[shape][step];
    return entry[0] - ((entry[0] - entry[1]) * part >> POSITION_BITS);
}

/* Mass below the lower edge of a high part. */
static uint64_t mass_below(uint32_t shape, const wsic_model_frame *frame, int32_t high)
{
    const unsigned shift = frame->shift;
    const int64_t lowest = (int64_t)high * (INT64_C(1) << shift) - wsic_shift_half(shift);
    const int64_t edge = lower_edge(frame->codebook, lowest);

    if (edge < 0)
        return tail(shape, frame->class_number, (uint64_t)-edge);
    return WHOLE - tail(shape, frame->class_number, (uint64_t)edge);
}

/* Smallest number of high parts on either side that leaves no more than a negligible
 * mass above, as far as there is room for them. */
static int32_t reach(uint32_t shape, const wsic_model_frame *frame)
{
    int32_t high = 0;

    while (high < frame->reach && WHOLE - mass_below(shape, frame, high + 1) >= NEGLIGIBLE_TAIL)
        high++;
    return high;
}

uint32_t wsic_builtin_mass(uint32_t shape, const wsic_model_frame *frame, int32_t high)
{
    return (uint32_t)(mass_below(shape, frame, high + 1) - mass_below(shape, frame, high));
}

/* mass * 2^(power / 32), rounded down. */
static uint64_t scale_mass(uint64_t mass, int32_t power)
{
    const uint32_t raised = (uint32_t)(power + POWER_OCTAVES * WSIC_POWER_UNIT);
    const unsigned drop = POWER_BITS + POWER_OCTAVES - raised / WSIC_POWER_UNIT;
    return mass * POWER[raised % WSIC_POWER_UNIT] >> drop;
}

static void scale_masses(uint64_t *mass, int32_t last, const wsic_correction *correction)
{
    for (int32_t k = 0; k < (int32_t)correction->count && k <= last; k++) {
        mass[1 + last + k] = scale_mass(mass[1 + last + k], correction->power[k]);
        if (k != 0)
            mass[1 + last - k] = scale_mass(mass[1 + last - k], correction->power[k]);
    }
}

void wsic_model_builtin(wsic_model *model, uint32_t shape, const wsic_model_frame *frame,
                        const wsic_correction *correction)
{
    const int32_t last = reach(shape, frame);
    const uint32_t symbols = 2 * (uint32_t)last + 2;
    const uint64_t shared = WSIC_MODEL_TOTAL - symbols;
    uint64_t mass[WSIC_MODEL_SYMBOLS];
    uint64_t sum = 0;
    uint64_t all = 0;

    model->first = -last;
    model->symbols = symbols;
    model->shift = frame->shift;
    model->peak = 0;
    model->start[0] = 0;
    /* The escape has both tails. */
    uint64_t below = mass_below(shape, frame, -last);
    mass[0] = below + WHOLE - mass_below(shape, frame, last + 1);
    for (uint32_t symbol = 1; symbol < symbols; symbol++) {
        const uint64_t above = mass_below(shape, frame, (int32_t)symbol - last);
        mass[symbol] = above - below;
        below = above;
    }
    if (correction)
        scale_masses(mass, last, correction);
    for (uint32_t symbol = 0; symbol < symbols; symbol++)
        all += mass[symbol];
    /* Every symbol has a frequency of 1 for itself; the others are shared out by
     * rounding the cumulated mass, so that the sum is right by construction. */
    for (uint32_t symbol = 0; symbol < symbols; symbol++) {
        sum += mass[symbol];
        model->start[symbol + 1] = (uint16_t)((sum * shared + all / 2) / all + symbol + 1);
    }
}

/* A frequency: its bit length as a difference to that of the symbol before, then the
 * bits after the leading one, of which the lowest are left out where there are many. */
static uint32_t read_frequency(wsic_bit_reader *reader, int64_t *length)
{
    *length += wsic_get_golomb_signed(reader);
    if (*length < 1 || *length > EXPONENT_LIMIT) {
        reader->failed = true;
        return 0;
    }
    const unsigned rest = (unsigned)*length - 1;
    const unsigned kept = rest < WSIC_TABLE_MANTISSA ? rest : WSIC_TABLE_MANTISSA;
    return (1U << rest) | wsic_get_bits(reader, kept) << (rest - kept);
}

bool wsic_model_read(wsic_bit_reader *reader, const wsic_model_frame *frame, wsic_model *model)
{
    const int64_t first = wsic_get_golomb_signed(reader);
    const uint32_t count = wsic_get_golomb(reader);
    const uint32_t escape = wsic_get_golomb(reader);
    const uint32_t peak = wsic_get_golomb(reader);
    uint32_t frequency[WSIC_MODEL_SYMBOLS];
    int64_t length = 1;

    if (reader->failed || first < -frame->reach || first + count > frame->reach ||
        escape >= WSIC_MODEL_TOTAL || peak > count)
        return false;
    const uint32_t symbols = count + 2;
    uint32_t sum = escape;
    frequency[0] = escape;
    for (uint32_t symbol = 1; symbol < symbols && !reader->failed; symbol++) {
        frequency[symbol] = symbol == peak + 1 ? 0 : read_frequency(reader, &length);
        sum += frequency[symbol];
    }
    if (reader->failed || sum >= WSIC_MODEL_TOTAL)
        return false;
    frequency[peak + 1] = WSIC_MODEL_TOTAL - sum;

    *model = (wsic_model){
        .first = (int32_t)first, .symbols = symbols, .shift = frame->shift, .peak = peak + 1};
    for (uint32_t symbol = 0; symbol < symbols; symbol++)
        model->start[symbol + 1] = (uint16_t)(model->start[symbol] + frequency[symbol]);
    return true;
}
