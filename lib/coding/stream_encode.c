/* SPDX-License-Identifier: MIT */
#include "coding/stream_encode.h"

#include "base/checked.h"
#include "coding/code_symbols.h"
#include "coding/escape_push.h"
#include "coding/stream_planes.h"
#include "coding/stream_push.h"

/* Where words go: they grow downwards. */
typedef struct word_sink {
    uint16_t *next; /* the first one written */
    uint16_t *end;
} word_sink;

typedef struct stream_writer {
    const wsic_code_plan *plan;
    const uint32_t *ranges;
    size_t stream;
    size_t first; /* coded number of the block's first row */
    size_t rows;
    size_t lanes;
    size_t used; /* lanes with a column */
    wsic_push_steps *kernel;
    wsic_push_lanes pushed;
    uint16_t *end;             /* behind the last word */
    uint16_t *floor;           /* lowest place of a word */
    size_t gathered;           /* the group whose ranges are here, */
    uint32_t *gathered_ranges; /* step by step, by place */
} stream_writer;

/* The place of a lane: the opposite of wsic_lane_at(). */
static size_t place_of(size_t lane, size_t lanes)
{
    return lane % 2 == 0 ? lane / 2 : (lanes + lane) / 2;
}

/* --- one group ------------------------------------------------------------------------ */

/* The ranges of a slice in some rows. Even lanes stand in the first half of a step, odd ones in the
 * second. */
static void gather_slice(const stream_writer *w, const uint8_t *symbols, const uint32_t *starts,
                         size_t rows, uint32_t *even, uint32_t *odd)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t *const ranges = w->ranges + starts[i];
        const uint8_t *const row = symbols + i * WSIC_SLICE_COLUMNS;
        for (size_t k = 0; k < WSIC_SLICE_COLUMNS / 2; k++) {
            even[i * w->lanes + k] = ranges[row[2 * k]];
            odd[i * w->lanes + k] = ranges[row[2 * k + 1]];
        }
    }
}

static void gather_lane(const stream_writer *w, const uint8_t *symbols, const uint32_t *starts,
                        size_t rows, uint32_t *out)
{
    for (size_t i = 0; i < rows; i++)
        out[i * w->lanes] = w->ranges[starts[i] + symbols[i * WSIC_SLICE_COLUMNS]];
}

/* Some columns of a group, from the first one of a slice on. */
static void gather_strip(const stream_writer *w, size_t group, size_t lane, size_t from,
                         size_t rows)
{
    const wsic_code_plan *const plan = w->plan;
    const size_t k = group * w->lanes + lane;
    const size_t columns = wsic_code_plan_slice_columns(plan, k / WSIC_SLICE_COLUMNS);
    const uint8_t *const symbols =
        wsic_code_plan_symbols(plan, k / WSIC_SLICE_COLUMNS, w->first + from);
    uint32_t *const out = w->gathered_ranges + from * w->lanes;
    uint32_t starts[WSIC_SYMBOL_STRIP];

    if (plan->octet_log != 0 && columns == WSIC_SLICE_COLUMNS) {
        wsic_code_plan_starts(plan, k, w->first + from, rows, starts);
        gather_slice(w, symbols, starts, rows, out + place_of(lane, w->lanes),
                     out + place_of(lane + 1, w->lanes));
        return;
    }
    for (size_t c = 0; c < columns; c++) {
        wsic_code_plan_starts(plan, k + c, w->first + from, rows, starts);
        gather_lane(w, symbols + c, starts, rows, out + place_of(lane + c, w->lanes));
    }
}

static void gather(stream_writer *w, size_t group)
{
    const size_t columns = wsic_code_plan_group_columns(w->plan, group);

    if (w->gathered == group)
        return;
    w->gathered = group;
    for (size_t from = 0; from < w->rows; from += WSIC_SYMBOL_STRIP) {
        const size_t rows = wsic_min_size(WSIC_SYMBOL_STRIP, w->rows - from);
        for (size_t lane = 0; lane < columns; lane += WSIC_SLICE_COLUMNS)
            gather_strip(w, group, lane, from, rows);
    }
}

/* --- escapes -------------------------------------------------------------------------- */

/* The escape at a row and a place of the group whose ranges are here. */
static wsic_pushed_escape make_escape(const stream_writer *w, size_t row, size_t place)
{
    const wsic_planned_code code = wsic_code_plan_code(
        w->plan, w->gathered * w->lanes + wsic_lane_at(place, w->lanes), w->first + row);

    return wsic_make_escape(w->plan->model + code.model, place, code.high);
}

/* Escapes of a step in the order of lanes; what is decoded last goes first. */
static void push_escapes(wsic_push_lanes *lanes, const wsic_pushed_escape *escapes, size_t count)
{
    unsigned rounds = 0;

    for (size_t k = 0; k < count; k++)
        rounds =
            wsic_escape_rounds(&escapes[k]) > rounds ? wsic_escape_rounds(&escapes[k]) : rounds;
    while (rounds-- > 0) {
        for (size_t k = count; k-- > 0;) {
            if (wsic_escape_rounds(&escapes[k]) > rounds)
                wsic_push_digit(&lanes->words, &lanes->states[escapes[k].place], &escapes[k],
                                rounds);
        }
    }
    for (size_t k = count; k-- > 0;)
        wsic_push_length(&lanes->words, &lanes->states[escapes[k].place], &escapes[k]);
}

/* A step of the lanes at places below `end`. */
static void push_step(stream_writer *w, size_t columns, size_t row, size_t end)
{
    const uint32_t *const ranges = w->gathered_ranges + row * w->lanes;
    wsic_push_lanes *const lanes = &w->pushed;
    wsic_pushed_escape escapes[WSIC_LANES_MAX];
    size_t count = 0;

    for (size_t place = 0; place < end; place++) {
        if (wsic_lane_at(place, w->lanes) < columns && (ranges[place] & WSIC_RANGE_ESCAPE) != 0)
            escapes[count++] = make_escape(w, row, place);
    }
    if (count != 0)
        push_escapes(lanes, escapes, count);
    for (size_t place = end; place-- > 0;) {
        if (wsic_lane_at(place, w->lanes) < columns)
            wsic_push_range(&lanes->words, &lanes->states[place], ranges[place]);
    }
}

/* The steps before row number `rows`. */
static void push_steps(stream_writer *w, size_t columns, size_t rows)
{
    while (rows > 0) {
        if (w->kernel && columns == WSIC_LANES_MAX)
            rows = w->kernel(&w->pushed, w->gathered_ranges, rows);
        if (rows > 0)
            push_step(w, columns, --rows, w->lanes);
    }
}

/* --- the tail ------------------------------------------------------------------------- */

/* A place among the codes of a stream, which is walked backwards. */
typedef struct code_place {
    size_t group;
    size_t row;
    size_t place; /* codes at places below it are still ahead */
} code_place;

static size_t last_group(const stream_writer *w)
{
    const wsic_code_plan *const plan = w->plan;
    return w->stream + (plan->groups - 1 - w->stream) / plan->streams * plan->streams;
}

static code_place stream_end(const stream_writer *w)
{
    return (code_place){.group = last_group(w), .row = w->rows - 1, .place = w->lanes};
}

/* One code back; false at the beginning of the stream. */
static bool step_back(const stream_writer *w, code_place *at)
{
    do {
        if (at->place == 0) {
            if (at->row == 0) {
                if (at->group == w->stream)
                    return false;
                at->group -= w->plan->streams;
                at->row = w->rows;
            }
            at->row--;
            at->place = w->lanes;
        }
        at->place--;
    } while (wsic_lane_at(at->place, w->lanes) >= wsic_code_plan_group_columns(w->plan, at->group));
    return true;
}

static void push_serially(stream_writer *w, const code_place *at, uint16_t **words, uint32_t *state)
{
    gather(w, at->group);
    const uint32_t range = w->gathered_ranges[at->row * w->lanes + at->place];
    if ((range & WSIC_RANGE_ESCAPE) != 0) {
        const wsic_pushed_escape one = make_escape(w, at->row, at->place);
        wsic_push_escape(words, state, &one);
    }
    wsic_push_range(words, state, range);
}

/* The last codes, coded one after the other. */
typedef struct tail {
    code_place begin; /* codes before it are not in the tail */
    size_t codes;
    uint32_t state;
    bool whole; /* it is the stream */
} tail;

/* Push at most `most` codes as long as their words fit. */
static tail try_tail(stream_writer *w, uint32_t state, size_t most, size_t room, word_sink *words)
{
    tail made = {.begin = stream_end(w), .state = state};
    uint16_t *const floor = words->end - room;

    for (; made.codes < most; made.codes++) {
        code_place next = made.begin;
        uint16_t *moved = words->next;
        uint32_t pushed = made.state;
        if (!step_back(w, &next)) {
            made.whole = true;
            return made;
        }
        push_serially(w, &next, &moved, &pushed);
        if (moved < floor)
            return made;
        words->next = moved;
        made.state = pushed;
        made.begin = next;
    }
    return made;
}

/* The words of the tail become what the lanes begin with. Words that are left over are zeros, after
 * a start at 2^16, from where on a state never ends without a word. */
static tail make_tail(stream_writer *w)
{
    enum { ROOM = WSIC_LANES_MAX - 2 };
    uint16_t buffer[WSIC_WORDS_OF_CODE + ROOM];
    const size_t room = w->used - 2;
    word_sink words = {buffer + WSIC_WORDS_OF_CODE + ROOM, buffer + WSIC_WORDS_OF_CODE + ROOM};

    tail made = try_tail(w, WSIC_TAIL_STATE, SIZE_MAX, room, &words);
    if (made.whole)
        return made;
    if ((size_t)(words.end - words.next) != room) {
        size_t most = made.codes;
        do {
            words.next = words.end;
            made = try_tail(w, WSIC_STATE_LOW, most--, room, &words);
        } while ((size_t)(words.end - words.next) > room);
    }
    const size_t written = (size_t)(words.end - words.next);
    size_t k = 0;
    for (size_t place = 0; place < w->lanes; place++) {
        const size_t lane = wsic_lane_at(place, w->lanes);
        if (lane >= w->used)
            continue;
        const uint32_t word = k == 0            ? made.state >> 16
                              : k == 1          ? made.state & 0xFFFF
                              : k - 2 < written ? words.next[k - 2]
                                                : 0;
        w->pushed.states[place] = WSIC_STATE_LOW | word;
        k++;
    }
    return made;
}

/* --- the lanes ------------------------------------------------------------------------ */

/* All codes before a place. */
static void push_lanes(stream_writer *w, code_place begin)
{
    const wsic_code_plan *const plan = w->plan;

    for (size_t group = begin.group;; group -= plan->streams) {
        const size_t columns = wsic_code_plan_group_columns(plan, group);
        gather(w, group);
        if (group == begin.group)
            push_step(w, columns, begin.row, begin.place);
        push_steps(w, columns, group == begin.group ? begin.row : w->rows);
        if (group == w->stream)
            return;
    }
}

static tail push_all(stream_writer *w)
{
    tail made = {.whole = wsic_code_plan_serial(w->plan)};

    if (!made.whole)
        made = make_tail(w);
    if (made.whole) {
        word_sink words = {w->end, w->end};
        made = try_tail(w, WSIC_TAIL_STATE, SIZE_MAX, (size_t)(w->end - w->floor), &words);
        w->pushed.words = words.next;
    } else {
        push_lanes(w, made.begin);
    }
    return made;
}

/* --- putting it together -------------------------------------------------------------- */

static void put_head(const stream_writer *w, const tail *made, wsic_bytes *out)
{
    const size_t codes = made->whole ? 0 : made->codes;
    wsic_bit_writer writer = {.bytes = out};

    wsic_put_bits(&writer, codes & ((1U << WSIC_TAIL_LOW_BITS) - 1), WSIC_TAIL_LOW_BITS);
    wsic_put_golomb(&writer, codes >> WSIC_TAIL_LOW_BITS);
    if (made->whole)
        wsic_put_state(&writer, made->state, WSIC_TAIL_EXPONENT_BITS, 0);
    for (size_t lane = 0; !made->whole && lane < w->used; lane++)
        wsic_put_state(&writer, w->pushed.states[place_of(lane, w->lanes)], WSIC_EXPONENT_BITS,
                       WSIC_EXPONENT_LEAST);
    wsic_finish_bits(&writer);
}

static void put_words(const uint16_t *words, size_t count, wsic_bytes *out)
{
    uint8_t *const start = wsic_bytes_extend(out, 2 * count);

    if (!start)
        return;
    for (size_t i = 0; i < count; i++) {
        start[2 * i] = (uint8_t)words[i];
        start[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
}

/* Encode, given room for everything. */
static void encode(stream_writer *w, wsic_bytes *out)
{
    const tail made = push_all(w);

    put_head(w, &made, out);
    put_words(w->pushed.words, (size_t)(w->end - w->pushed.words), out);
    wsic_stream_put_planes(w->plan, w->first, w->rows, w->stream, out);
}

wsic_status wsic_stream_encode(const wsic_env *env, const wsic_code_plan *plan,
                               const uint32_t *ranges, size_t block, size_t stream, wsic_bytes *out)
{
    const size_t first = plan->first_row[block];
    stream_writer w = {.plan = plan,
                       .ranges = ranges,
                       .stream = stream,
                       .first = first,
                       .rows = plan->first_row[block + 1] - first,
                       .lanes = wsic_code_plan_lanes(plan),
                       .used = wsic_code_plan_group_columns(plan, stream),
                       .kernel = wsic_push_kernel(wsic_kernels_chosen(env)),
                       .gathered = SIZE_MAX};
    const size_t of_group = w.rows * w.lanes;
    const size_t groups = wsic_div_up(plan->groups - stream, plan->streams);
    const size_t room = (groups * of_group + 1) * WSIC_WORDS_OF_CODE + WSIC_PUSH_SPARE;
    wsic_status status;

    w.gathered_ranges = wsic_alloc(env, of_group, sizeof *w.gathered_ranges, &status);
    if (!w.gathered_ranges)
        return status;
    w.floor = wsic_alloc(env, room, sizeof *w.floor, &status);
    if (w.floor) {
        w.end = w.floor + room;
        w.pushed.words = w.end;
        encode(&w, out);
        status = out->status;
    }
    wsic_free(env, w.floor);
    wsic_free(env, w.gathered_ranges);
    return status;
}
