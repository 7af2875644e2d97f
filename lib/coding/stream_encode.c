/* SPDX-License-Identifier: MIT */
#include "coding/stream_encode.h"

#include "base/checked.h"
#include "coding/stream_push.h"

/* What a code is to the coder: start | frequency << 16, and its high part, which escapes need. */
typedef struct coded_symbol {
    uint32_t range;
    int32_t high;
} coded_symbol;

typedef struct stream_writer {
    const wsic_code_plan *plan;
    size_t stream;
    size_t first; /* coded number of the block's first row */
    size_t rows;
    size_t lanes;
    size_t used;                     /* lanes with a column */
    uint32_t states[WSIC_LANES_MAX]; /* by lane */
    wsic_word_sink words;
    uint16_t *floor;           /* lowest place of a word */
    size_t gathered;           /* the group whose symbols are here */
    coded_symbol *symbols;     /* of a group, step by step */
    const wsic_model **models; /* likewise; NULL but for escapes */
} stream_writer;

/* --- one group ------------------------------------------------------------------------ */

/* The group and its columns, while their symbols are gathered. */
typedef struct group_source {
    size_t group;
    size_t columns;
    wsic_form form;
    const uint16_t *model_at;
} group_source;

static group_source make_source(const wsic_code_plan *plan, size_t group)
{
    const unsigned form = plan->form[group];

    return (group_source){.group = group,
                          .columns = wsic_code_plan_group_columns(plan, group),
                          .form = wsic_form_make(form, plan->is_trellis),
                          .model_at =
                              plan->model_at + plan->form_rank[form] * (size_t)plan->classes};
}

/* One lane of a group. Inlined for codes and for tokens. */
static inline void gather_lane(stream_writer *w, const group_source *source, size_t lane,
                               bool tokens)
{
    const wsic_code_plan *const plan = w->plan;
    const size_t k = source->group * w->lanes + lane;
    const int32_t *const column = plan->data + plan->column[k] * plan->matrix->rows;
    const int32_t octet_class = plan->octet_class[k >> plan->octet_log];

    for (size_t i = 0; i < w->rows; i++) {
        const size_t class_index =
            wsic_class_index(octet_class + plan->row_class[w->first + i], plan->classes);
        const int32_t datum = column[plan->row[w->first + i]];
        const int32_t code = tokens ? wsic_token_index(datum) : datum;
        const wsic_model *model = plan->model + source->model_at[class_index];
        if (tokens)
            model += wsic_form_context(&source->form, wsic_token_context(datum));
        const int32_t high =
            source->form.shift == 0 ? code : wsic_high_part(code, source->form.shift);
        const uint32_t symbol = wsic_model_symbol(model, high);
        w->symbols[i * w->lanes + lane] =
            (coded_symbol){model->start[symbol] | wsic_model_frequency(model, symbol) << 16, high};
        w->models[i * w->lanes + lane] = symbol == 0 ? model : NULL;
    }
}

static void gather(stream_writer *w, size_t group)
{
    const group_source made = make_source(w->plan, group), *const source = &made;

    if (w->gathered == group)
        return;
    w->gathered = group;
    for (size_t lane = 0; lane < source->columns; lane++) {
        if (w->plan->is_trellis)
            gather_lane(w, source, lane, true);
        else
            gather_lane(w, source, lane, false);
    }
}

/* --- pushing -------------------------------------------------------------------------- */

/* Escapes of a step in the order of lanes; what is decoded last goes first. */
static void push_escapes(stream_writer *w, const wsic_pushed_escape *escapes, size_t count)
{
    unsigned rounds = 0;

    for (size_t k = 0; k < count; k++)
        rounds =
            wsic_escape_rounds(&escapes[k]) > rounds ? wsic_escape_rounds(&escapes[k]) : rounds;
    while (rounds-- > 0) {
        for (size_t k = count; k-- > 0;) {
            if (wsic_escape_rounds(&escapes[k]) > rounds)
                wsic_push_digit(&w->words, &w->states[escapes[k].lane], &escapes[k], rounds);
        }
    }
    for (size_t k = count; k-- > 0;)
        wsic_push_length(&w->words, &w->states[escapes[k].lane], &escapes[k]);
}

/* A step of the lanes at places below `end`. */
static void push_step(stream_writer *w, size_t columns, size_t row, size_t end)
{
    const coded_symbol *const symbols = w->symbols + row * w->lanes;
    const wsic_model *const *const models = w->models + row * w->lanes;
    wsic_pushed_escape escapes[WSIC_LANES_MAX];
    size_t count = 0;

    for (size_t place = 0; place < end; place++) {
        const size_t lane = wsic_lane_at(place, w->lanes);
        if (lane < columns && models[lane])
            escapes[count++] = wsic_make_escape(models[lane], lane, symbols[lane].high);
    }
    if (count != 0)
        push_escapes(w, escapes, count);
    for (size_t place = end; place-- > 0;) {
        const size_t lane = wsic_lane_at(place, w->lanes);
        if (lane < columns)
            wsic_push(&w->words, &w->states[lane], symbols[lane].range & 0xFFFF,
                      symbols[lane].range >> 16);
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

static void push_serially(stream_writer *w, const code_place *at, wsic_word_sink *words,
                          uint32_t *state)
{
    const size_t lane = wsic_lane_at(at->place, w->lanes);
    const size_t index = at->row * w->lanes + lane;

    gather(w, at->group);
    if (w->models[index]) {
        const wsic_pushed_escape one =
            wsic_make_escape(w->models[index], lane, w->symbols[index].high);
        wsic_push_escape(words, state, &one);
    }
    wsic_push(words, state, w->symbols[index].range & 0xFFFF, w->symbols[index].range >> 16);
}

/* The last codes, coded one after the other. */
typedef struct tail {
    code_place begin; /* codes before it are not in the tail */
    size_t codes;
    uint32_t state;
    bool whole; /* it is the stream */
} tail;

/* Push at most `most` codes as long as their words fit. */
static tail try_tail(stream_writer *w, uint32_t state, size_t most, size_t room,
                     wsic_word_sink *words)
{
    tail made = {.begin = stream_end(w), .state = state};
    uint16_t *const floor = words->end - room;

    for (; made.codes < most; made.codes++) {
        code_place next = made.begin;
        wsic_word_sink moved = *words;
        uint32_t pushed = made.state;
        if (!step_back(w, &next)) {
            made.whole = true;
            return made;
        }
        push_serially(w, &next, &moved, &pushed);
        if (moved.next < floor)
            return made;
        *words = moved;
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
    wsic_word_sink words = {buffer + WSIC_WORDS_OF_CODE + ROOM, buffer + WSIC_WORDS_OF_CODE + ROOM};

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
        w->states[lane] = WSIC_STATE_LOW | word;
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
        size_t rows = w->rows;
        gather(w, group);
        if (group == begin.group) {
            push_step(w, columns, begin.row, begin.place);
            rows = begin.row;
        }
        for (size_t row = rows; row-- > 0;)
            push_step(w, columns, row, w->lanes);
        if (group == w->stream)
            return;
    }
}

static tail push_all(stream_writer *w)
{
    wsic_word_sink *const words = &w->words;
    tail made = {.whole = wsic_code_plan_serial(w->plan)};

    if (!made.whole)
        made = make_tail(w);
    if (made.whole)
        return try_tail(w, WSIC_TAIL_STATE, SIZE_MAX, (size_t)(words->end - w->floor), words);
    push_lanes(w, made.begin);
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
        wsic_put_state(&writer, w->states[lane], WSIC_EXPONENT_BITS, WSIC_EXPONENT_LEAST);
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

static void put_step_planes(const stream_writer *w, const group_source *source, size_t row,
                            wsic_bit_writer *writer)
{
    const wsic_code_plan *const plan = w->plan;
    uint64_t raised[WSIC_LANES_MAX];

    for (size_t lane = 0; lane < source->columns; lane++) {
        const size_t column = plan->column[source->group * w->lanes + lane];
        const int32_t datum = plan->data[column * plan->matrix->rows + plan->row[w->first + row]];
        const int32_t code = plan->is_trellis ? wsic_token_index(datum) : datum;
        raised[lane] = (uint64_t)(int64_t)code + (uint64_t)wsic_shift_half(source->form.shift);
    }
    for (unsigned plane = 0; plane < source->form.shift; plane++) {
        uint64_t bits = 0;
        for (size_t lane = 0; lane < source->columns; lane++)
            bits |= (raised[lane] >> plane & 1) << lane;
        wsic_put_bits(writer, bits, (unsigned)source->columns);
    }
}

static void put_planes(const stream_writer *w, wsic_bytes *out)
{
    const wsic_code_plan *const plan = w->plan;
    wsic_bit_writer writer = {.bytes = out};

    for (size_t group = w->stream; group < plan->groups; group += plan->streams) {
        const group_source source = make_source(plan, group);
        for (size_t row = 0; source.form.shift != 0 && row < w->rows; row++)
            put_step_planes(w, &source, row, &writer);
    }
    wsic_finish_bits(&writer);
}

wsic_status wsic_stream_encode(const wsic_env *env, const wsic_code_plan *plan, size_t block,
                               size_t stream, wsic_bytes *out)
{
    const size_t first = plan->first_row[block];
    stream_writer w = {.plan = plan,
                       .stream = stream,
                       .first = first,
                       .rows = plan->first_row[block + 1] - first,
                       .lanes = wsic_code_plan_lanes(plan),
                       .used = wsic_code_plan_group_columns(plan, stream),
                       .gathered = SIZE_MAX};
    const size_t of_group = w.rows * w.lanes;
    const size_t groups = wsic_div_up(plan->groups - stream, plan->streams);
    const size_t room = (groups * of_group + 1) * WSIC_WORDS_OF_CODE;
    wsic_status status;

    w.symbols = wsic_alloc(env, of_group, sizeof *w.symbols, &status);
    if (w.symbols)
        w.models = wsic_alloc(env, of_group, sizeof *w.models, &status);
    w.floor = w.models ? wsic_alloc(env, room, sizeof *w.floor, &status) : NULL;
    if (w.floor) {
        w.words = (wsic_word_sink){w.floor + room, w.floor + room};
        const tail made = push_all(&w);
        put_head(&w, &made, out);
        put_words(w.words.next, (size_t)(w.words.end - w.words.next), out);
        put_planes(&w, out);
        status = out->status;
    }
    wsic_free(env, w.floor);
    wsic_free(env, w.models);
    wsic_free(env, w.symbols);
    return status;
}
