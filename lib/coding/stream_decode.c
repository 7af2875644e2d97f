/* SPDX-License-Identifier: MIT */
#include "coding/stream_decode.h"

/* --- beginning and end ---------------------------------------------------------------- */

static void read_states(wsic_stream *stream, size_t lanes, size_t used, wsic_bit_reader *bits)
{
    for (size_t place = 0; place < WSIC_LANES_MAX; place++)
        stream->state[place] = WSIC_STATE_LOW;
    for (size_t lane = 0; lane < used; lane++)
        stream->state[lane / 2 + lane % 2 * (lanes / 2)] =
            wsic_read_state(bits, WSIC_EXPONENT_BITS, WSIC_EXPONENT_LEAST);
}

/* The length of the tail. */
static uint64_t read_tail(wsic_bit_reader *bits)
{
    const uint64_t low = wsic_get_bits(bits, WSIC_TAIL_LOW_BITS);
    return (uint64_t)wsic_get_golomb(bits) << WSIC_TAIL_LOW_BITS | low;
}

bool wsic_stream_open(wsic_stream *stream, size_t lanes, size_t used, size_t codes,
                      size_t plane_bytes, const uint8_t *bytes, size_t size)
{
    wsic_bit_reader bits = {.data = bytes, .size = size};
    const uint64_t tail = read_tail(&bits);

    *stream = (wsic_stream){.used = used};
    if (tail >= codes)
        return false;
    stream->left = tail == 0 ? 0 : codes - (size_t)tail;
    if (stream->left != 0)
        read_states(stream, lanes, used, &bits);
    else
        stream->tail_state = wsic_read_state(&bits, WSIC_TAIL_EXPONENT_BITS, 0);
    const size_t head = wsic_bits_used(&bits);
    if (!wsic_bits_end(&bits) || plane_bytes > size - head || (size - head - plane_bytes) % 2 != 0)
        return false;
    stream->planes = bytes + (size - plane_bytes);
    stream->words = (wsic_word_source){.next = bytes + head, .end = stream->planes};
    if (stream->left == 0) {
        stream->tail_words = stream->words;
        stream->tail_words.may_end = true;
        stream->words.next = stream->words.end;
        stream->in_tail = true;
        stream->whole = true;
    }
    return true;
}

/* The words of the tail are what the states of the lanes hold. */
static void begin_tail(wsic_stream *stream, size_t lanes)
{
    uint8_t *byte = stream->tail_bytes;

    for (size_t place = 0; place < lanes; place++) {
        if (wsic_lane_at(place, lanes) >= stream->used)
            continue;
        stream->failed |= stream->state[place] >> 16 != 1;
        *byte++ = (uint8_t)stream->state[place];
        *byte++ = (uint8_t)(stream->state[place] >> 8);
    }
    const uint8_t *const first = stream->tail_bytes;
    stream->failed |= stream->used < 2;
    stream->tail_state =
        (uint32_t)first[1] << 24 | (uint32_t)first[0] << 16 | (uint32_t)first[3] << 8 | first[2];
    stream->tail_words = (wsic_word_source){.next = first + 4, .end = byte, .may_end = true};
    stream->in_tail = true;
}

bool wsic_stream_ended(const wsic_stream *stream)
{
    const wsic_word_source *const words = &stream->tail_words;

    /* What is left of the last byte of the planes is 0. */
    if (stream->plane_bit != 0 && *stream->planes >> stream->plane_bit != 0)
        return false;
    if (stream->failed || stream->words.failed || stream->words.next != stream->words.end ||
        !stream->in_tail)
        return false;
    if (stream->whole && words->next != words->end)
        return false;
    for (const uint8_t *byte = words->next; byte < words->end; byte++) {
        if (*byte != 0)
            return false;
    }
    if (stream->tail_state == WSIC_TAIL_STATE)
        return words->next == words->end;
    return stream->tail_state == WSIC_STATE_LOW && !stream->whole;
}

/* --- symbols -------------------------------------------------------------------------- */

/* A number within bounds: its node, its range. */
typedef struct found {
    uint32_t node;
    uint32_t start;
    uint32_t end;
} found;

static inline found find(const uint16_t *bounds, uint32_t root, unsigned levels, uint32_t slot)
{
    found at = {.node = root, .start = 0, .end = WSIC_MODEL_TOTAL};

    for (unsigned level = 0; level < levels; level++) {
        const uint32_t bound = bounds[at.node];
        const bool above = slot >= bound;
        at.start = above ? bound : at.start;
        at.end = above ? at.end : bound;
        at.node = 2 * at.node + above;
    }
    return at;
}

static inline int32_t high_of(const wsic_form *form, uint32_t node)
{
    const uint32_t symbols = 1U << form->symbols_log;
    return (int32_t)(node & (symbols - 1)) - (int32_t)(symbols / 2);
}

static inline uint32_t root_of(const wsic_stream *stream, const wsic_steps *steps, size_t lane)
{
    if (!steps->trellis)
        return 1;
    const unsigned context = steps->trellis->context[stream->trellis[lane]];
    return (1U << steps->form.contexts_log) + wsic_form_context(&steps->form, context);
}

/* --- escapes -------------------------------------------------------------------------- */

/* The nearest high part that is modelled: that of the first slot behind the escape, or of the
 * last one of all. */
static int32_t nearest_high(const wsic_steps *steps, const uint16_t *bounds, uint32_t root,
                            bool below)
{
    const unsigned levels = steps->form.symbols_log;
    const uint32_t slot = below ? find(bounds, root, levels, 0).end : WSIC_MODEL_TOTAL - 1;
    return high_of(&steps->form, find(bounds, root, levels, slot).node);
}

static int64_t escaped_high(const wsic_stream *stream, const wsic_steps *steps, size_t row,
                            const wsic_taken_escape *one)
{
    const size_t lane = wsic_lane_at(one->place, steps->lanes);
    const uint16_t *const bounds = wsic_step_bounds(steps, row, lane);
    const int64_t nearest = nearest_high(steps, bounds, root_of(stream, steps, lane), one->below);
    const int64_t distance = (INT64_C(1) << one->length) + one->bits;

    return one->below ? nearest - distance : nearest + distance;
}

void wsic_stream_escapes(wsic_stream *stream, const wsic_steps *steps, size_t row,
                         const uint8_t *places, size_t count, int64_t *high)
{
    wsic_taken_escape escapes[WSIC_LANES_MAX];
    bool more = false;

    for (size_t k = 0; k < count; k++) {
        uint32_t *const state = &stream->state[places[k]];
        escapes[k] = (wsic_taken_escape){.place = places[k]};
        wsic_take_length(state, &escapes[k]);
        wsic_take_word(&stream->words, state);
        more |= escapes[k].length != 0;
    }
    while (more) {
        more = false;
        for (size_t k = 0; k < count; k++) {
            uint32_t *const state = &stream->state[places[k]];
            if (escapes[k].taken == escapes[k].length)
                continue;
            wsic_take_digit(state, &escapes[k]);
            wsic_take_word(&stream->words, state);
            more |= escapes[k].taken < escapes[k].length;
        }
    }
    for (size_t k = 0; k < count; k++)
        high[k] = escaped_high(stream, steps, row, &escapes[k]);
}

/* --- steps ---------------------------------------------------------------------------- */

static int64_t add_low(const wsic_stream *stream, const wsic_steps *steps, size_t lane,
                       int64_t high)
{
    const unsigned shift = steps->form.shift;
    int64_t low = 0;

    for (unsigned plane = 0; plane < shift; plane++) {
        const size_t bit = stream->plane_bit + plane * steps->columns + lane;
        low |= (int64_t)(stream->planes[bit / 8] >> bit % 8 & 1) << plane;
    }
    /* |high| is below 2^33 and the shift at most 28: no overflow. */
    return high * (INT64_C(1) << shift) - wsic_shift_half(shift) + low;
}

static inline int32_t follow_trellis(wsic_stream *stream, const wsic_trellis *trellis, size_t lane,
                                     int64_t index)
{
    const unsigned state = stream->trellis[lane];

    if (index > WSIC_TRELLIS_INDEX_MOST || index < -WSIC_TRELLIS_INDEX_MOST) {
        stream->failed = true;
        return 0;
    }
    stream->trellis[lane] = (uint8_t)wsic_trellis_next(trellis, state, (int32_t)index);
    return wsic_trellis_level(trellis->codebook[state], (int32_t)index);
}

static inline bool is_escape(const wsic_form *form, uint32_t node)
{
    return (node & ((1U << form->symbols_log) - 1)) == 0;
}

static inline found take_symbol(const wsic_stream *stream, const wsic_steps *steps, size_t row,
                                size_t lane, uint32_t *state)
{
    const uint16_t *const bounds = wsic_step_bounds(steps, row, lane);
    const found at = find(bounds, root_of(stream, steps, lane), steps->form.symbols_log,
                          *state % WSIC_MODEL_TOTAL);

    wsic_leave_symbol(state, at.start, at.end - at.start);
    return at;
}

/* The high parts of the lanes at the first places, by place; returns how many lanes those are. */
static size_t take_lanes(wsic_stream *stream, const wsic_steps *steps, size_t row, size_t most,
                         int64_t *high)
{
    uint8_t escaped[WSIC_LANES_MAX];
    int64_t escapes[WSIC_LANES_MAX];
    size_t count = 0;
    size_t place = 0;

    for (size_t done = 0; place < steps->lanes && done < most; place++) {
        const size_t lane = wsic_lane_at(place, steps->lanes);
        if (lane >= steps->columns)
            continue;
        const found at = take_symbol(stream, steps, row, lane, &stream->state[place]);
        wsic_take_word(&stream->words, &stream->state[place]);
        high[place] = high_of(&steps->form, at.node);
        escaped[count] = (uint8_t)place;
        count += is_escape(&steps->form, at.node);
        done++;
    }
    if (count != 0) {
        wsic_stream_escapes(stream, steps, row, escaped, count, escapes);
        for (size_t k = 0; k < count; k++)
            high[escaped[k]] = escapes[k];
    }
    return place;
}

static int64_t take_serial_escape(wsic_stream *stream, const wsic_steps *steps, size_t row,
                                  size_t place)
{
    wsic_taken_escape one = {.place = (uint8_t)place};

    wsic_take_escape(&stream->tail_words, &stream->tail_state, &one);
    return escaped_high(stream, steps, row, &one);
}

/* The high parts of the tail in this step. */
static void take_serially(wsic_stream *stream, const wsic_steps *steps, size_t row, size_t place,
                          int64_t *high)
{
    for (; place < steps->lanes; place++) {
        const size_t lane = wsic_lane_at(place, steps->lanes);
        if (lane >= steps->columns)
            continue;
        const found at = take_symbol(stream, steps, row, lane, &stream->tail_state);
        wsic_take_word(&stream->tail_words, &stream->tail_state);
        high[place] = is_escape(&steps->form, at.node)
                          ? take_serial_escape(stream, steps, row, place)
                          : high_of(&steps->form, at.node);
    }
}

static void take_highs(wsic_stream *stream, const wsic_steps *steps, size_t row, int64_t *high)
{
    const bool tail = stream->left < steps->columns;
    const size_t of_lanes = tail ? stream->left : steps->columns;
    const size_t place = of_lanes == 0 ? 0 : take_lanes(stream, steps, row, of_lanes, high);

    stream->left -= of_lanes;
    stream->failed |= stream->words.failed;
    if (stream->left == 0 && !stream->in_tail)
        begin_tail(stream, steps->lanes);
    if (tail)
        take_serially(stream, steps, row, place, high);
}

static void leave_planes(wsic_stream *stream, size_t bits)
{
    const size_t from_byte = stream->plane_bit + bits;

    stream->planes += from_byte / 8;
    stream->plane_bit = (unsigned)(from_byte % 8);
}

void wsic_stream_step(wsic_stream *stream, const wsic_steps *steps, size_t row,
                      int32_t values[WSIC_LANES_MAX])
{
    int64_t high[WSIC_LANES_MAX];

    take_highs(stream, steps, row, high);
    for (size_t place = 0; place < steps->lanes; place++) {
        const size_t lane = wsic_lane_at(place, steps->lanes);
        if (lane >= steps->columns)
            continue;
        const int64_t value =
            steps->form.shift == 0 ? high[place] : add_low(stream, steps, lane, high[place]);
        if (steps->trellis) {
            values[lane] = follow_trellis(stream, steps->trellis, lane, value);
        } else {
            stream->failed |= value < INT32_MIN || value > INT32_MAX;
            values[lane] = (int32_t)value;
        }
    }
    leave_planes(stream, steps->form.shift * steps->columns);
}
