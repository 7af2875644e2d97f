/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "stream_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coding/stream_widen.h"

enum {
    ROWS_MOST = 304, /* a multiple of WSIC_SQUARE */
    ROW_KINDS = 5,
    WORD_BYTES = 1 << 15,
    PLANE_BYTES = ROWS_MOST * WSIC_VECTOR_SHIFT_MOST * 4,
    MODELS_MOST = 5 * WSIC_VECTOR_LANES, /* of kinds of rows, and lanes that are alone */
    ROUNDS = 12,
    LEAST_LEFT = 160 /* bytes of words, of which a kernel must not stop for lack */
};

/* --- memory with a page before and behind it that faults ------------------------------- */

typedef struct guarded {
    uint8_t *map;
    size_t page, size;
} guarded;

static guarded guarded_make(size_t size)
{
    guarded made = {.page = (size_t)sysconf(_SC_PAGESIZE)};

    made.size = (size + made.page - 1) / made.page * made.page;
    made.map = mmap(NULL, made.size + 2 * made.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made.map == MAP_FAILED ||
        mprotect(made.map + made.page, made.size, PROT_READ | PROT_WRITE) != 0)
        abort();
    return made;
}

/* The last bytes before the page behind, or the first ones. */
static uint8_t *guarded_bytes(const guarded *memory, size_t size, bool at_end)
{
    return memory->map + memory->page + (at_end ? memory->size - size : 0);
}

static void guarded_free(const guarded *memory)
{
    munmap(memory->map, memory->size + 2 * memory->page);
}

/* --- random groups -------------------------------------------------------------------- */

typedef struct random_group {
    wsic_steps steps;
    wsic_trellis trellis;
    uint16_t bounds[MODELS_MOST][WSIC_BOUNDS_MOST];
    const uint16_t *bounds_at[MODELS_MOST];
    uint16_t row_kind[ROWS_MOST];
    wsic_stream stream;
    guarded words, planes;
} random_group;

static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(next_bits(state) >> 32) % bound;
}

static int compare_starts(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Any frequencies, many of them 0, with so much for the escape; one symbol in some models. */
static void random_model(uint64_t *state, const wsic_form *form, uint32_t escape, wsic_model *model)
{
    const uint32_t symbols = 1U << form->symbols_log;
    const uint32_t spread = below(state, 4) == 0 ? 1 : WSIC_MODEL_TOTAL - escape;

    *model = (wsic_model){.first = 1 - (int32_t)symbols / 2, .symbols = symbols};
    model->start[1] = (uint16_t)escape;
    for (uint32_t s = 2; s < symbols; s++)
        model->start[s] = (uint16_t)(below(state, 3) == 0 ? escape : escape + below(state, spread));
    qsort(model->start + 1, symbols - 1, sizeof *model->start, compare_starts);
    model->start[symbols] = WSIC_MODEL_TOTAL;
}

static void random_models(uint64_t *state, random_group *group)
{
    static const uint32_t escapes[] = {0, 0, 1, 2, 30, 1000};
    const wsic_form *const form = &group->steps.form;
    const uint32_t escape = escapes[below(state, sizeof escapes / sizeof *escapes)];
    wsic_model model;

    memset(group->bounds, 0, sizeof group->bounds);
    for (size_t k = 0; k < ROW_KINDS * (group->steps.lanes >> group->steps.octet_log); k++) {
        group->bounds_at[k] = group->bounds[k];
        for (unsigned context = 0; context < 1U << form->contexts_log; context++) {
            random_model(state, form, escape, &model);
            wsic_form_bounds(form, context, &model, group->bounds[k]);
        }
    }
}

static void random_stream(uint64_t *state, random_group *group, size_t word_bytes)
{
    const bool at_end = below(state, 2);
    const size_t plane_bytes =
        group->steps.rows * wsic_step_planes(&group->steps.form, group->steps.lanes);
    uint8_t *const words = guarded_bytes(&group->words, word_bytes, at_end);
    uint8_t *const planes = guarded_bytes(&group->planes, plane_bytes, at_end);

    for (size_t k = 0; k < word_bytes; k++)
        words[k] = (uint8_t)next_bits(state);
    for (size_t k = 0; k < plane_bytes; k++)
        planes[k] = (uint8_t)next_bits(state);
    group->stream = (wsic_stream){.used = group->steps.lanes, .left = SIZE_MAX, .planes = planes};
    group->stream.words = (wsic_word_source){.next = words, .end = words + word_bytes};
    for (size_t place = 0; place < WSIC_LANES_MAX; place++)
        group->stream.state[place] = place < group->steps.lanes
                                         ? (uint32_t)next_bits(state) | WSIC_STATE_LOW
                                         : WSIC_STATE_LOW;
}

static void random_group_make(uint64_t *state, const stream_case *given, size_t rows,
                              random_group *group)
{
    const bool trellis = given->kind >= WSIC_TRELLIS_KIND_LEAST;

    if (trellis)
        wsic_trellis_make(&group->trellis, given->kind);
    group->steps = (wsic_steps){.form = wsic_form_make(given->form, trellis),
                                .trellis = trellis ? &group->trellis : NULL,
                                .lanes = given->lanes,
                                .columns = given->lanes,
                                .rows = rows,
                                .octet_log = given->octet_log,
                                .row_kind = group->row_kind,
                                .bounds = group->bounds_at};
    for (size_t row = 0; row < rows; row++)
        group->row_kind[row] = (uint16_t)below(state, ROW_KINDS);
    random_models(state, group);
    random_stream(state, group, 2 * below(state, below(state, 2) ? 400 : WORD_BYTES / 2));
}

/* --- comparing ------------------------------------------------------------------------ */

static void fail(stream_report *report, const char *what, size_t row, size_t lane)
{
    if (report->failure[0] == '\0')
        snprintf(report->failure, sizeof report->failure, "%s at step %zu, lane %zu", what, row,
                 lane);
}

static void hash(stream_report *report, int32_t value)
{
    report->hash = (report->hash ^ (uint32_t)value) * UINT64_C(0x100000001B3);
}

/* Codes or levels as one kernel decodes them, column by column, ROWS_MOST apart. */
static void widen(const random_group *group, const wsic_vector_group *decoded, size_t count,
                  int32_t *tile)
{
    if (group->steps.form.shift == 0) {
        for (size_t row = 0; row < count; row++) {
            for (size_t lane = 0; lane < group->steps.lanes; lane++)
                tile[lane * ROWS_MOST + row] = decoded->rows[row * WSIC_VECTOR_LANES + lane];
        }
        return;
    }
    const wsic_narrow_steps steps = {.high = decoded->rows,
                                     .planes = group->stream.planes,
                                     .codebooks = group->steps.trellis ? decoded->codebooks : NULL,
                                     .count = count,
                                     .lanes = group->steps.lanes,
                                     .shift = group->steps.form.shift};
    wsic_widen_steps(&steps, wsic_transpose_c, tile, ROWS_MOST);
}

/* The same steps from `plain`, the stream as it was. */
static void compare(const random_group *group, wsic_stream *plain, const int32_t *tile,
                    size_t count, stream_report *report)
{
    const size_t lanes = group->steps.lanes;
    int32_t values[WSIC_LANES_MAX];

    for (size_t row = 0; row < count; row++) {
        wsic_stream_step(plain, &group->steps, row, values);
        for (size_t lane = 0; lane < lanes; lane++) {
            hash(report, values[lane]);
            if (values[lane] != tile[lane * ROWS_MOST + row])
                fail(report, "another code", row, lane);
            if (group->steps.form.shift == 0)
                report->escapes += abs(values[lane]) > 1 << (group->steps.form.symbols_log - 1);
        }
    }
    for (size_t place = 0; place < lanes; place++) {
        if (plain->state[place] != group->stream.state[place])
            fail(report, "another state", count, place);
        if (group->steps.trellis && plain->trellis[place] != group->stream.trellis[place])
            fail(report, "another state of the trellis", count, place);
    }
    if (plain->words.next != group->stream.words.next)
        fail(report, "another word is next", count, 0);
    report->steps += count;
}

/* It says that something does not fit a byte: one step has that. */
static void check_outside(const random_group *group, wsic_stream *plain, size_t done,
                          stream_report *report)
{
    const int64_t most = (INT64_C(1) << group->steps.form.shift) * (INT8_MAX / 2);
    int32_t values[WSIC_LANES_MAX];
    bool outside = false;

    for (size_t row = 0; row < done; row++) {
        wsic_stream_step(plain, &group->steps, row, values);
        outside |= plain->failed;
        for (size_t lane = 0; lane < group->steps.lanes; lane++)
            outside |= llabs((long long)values[lane]) >= most;
    }
    if (!outside)
        fail(report, "nothing is outside a byte", done, 0);
    report->outside++;
}

/* Steps for which there are words. */
static size_t steps_with_words(const random_group *group)
{
    wsic_stream stream = group->stream;
    int32_t values[WSIC_LANES_MAX];
    size_t row = 0;

    for (; row < group->steps.rows; row++) {
        wsic_stream_step(&stream, &group->steps, row, values);
        if (stream.words.failed)
            break;
    }
    return row;
}

/* --- cases ---------------------------------------------------------------------------- */

/* So many steps to the last word; or as many as the kernel alone does: SIZE_MAX. */
static void run_case(wsic_vector_steps *kernel, random_group *groups, size_t count, size_t to,
                     stream_report *report)
{
    static int8_t rows[WSIC_VECTOR_STREAMS][ROWS_MOST * WSIC_VECTOR_LANES];
    static uint32_t codebooks[WSIC_VECTOR_STREAMS][ROWS_MOST];
    static int32_t tile[WSIC_VECTOR_LANES * ROWS_MOST];
    wsic_vector_group decoded[WSIC_VECTOR_STREAMS];
    wsic_stream before[WSIC_VECTOR_STREAMS];
    bool stopped = false;

    for (size_t k = 0; k < count; k++) {
        before[k] = groups[k].stream;
        decoded[k] = (wsic_vector_group){.stream = &groups[k].stream,
                                         .steps = &groups[k].steps,
                                         .rows = rows[k],
                                         .codebooks = codebooks[k]};
    }
    size_t done = to;
    if (to == SIZE_MAX)
        done = kernel(decoded, count, 0, groups[0].steps.rows);
    else
        wsic_vector_decode(kernel, decoded, count, to);
    for (size_t k = 0; k < count; k++) {
        const wsic_word_source *const words = &groups[k].stream.words;
        stopped |= decoded[k].outside || words->failed || words->end - words->next < LEAST_LEFT;
        if (decoded[k].outside) {
            check_outside(&groups[k], &before[k], done, report);
            continue;
        }
        if (to != SIZE_MAX && groups[k].stream.failed)
            fail(report, "words are said to be missing", done, 0);
        widen(&groups[k], &decoded[k], done, tile);
        compare(&groups[k], &before[k], tile, done, report);
    }
    if (to == SIZE_MAX && done != groups[0].steps.rows && !stopped)
        fail(report, "it stopped for nothing", done, 0);
}

/* One step more than there are words for fails. */
static void check_lack(wsic_vector_steps *kernel, const random_group *groups, size_t count,
                       size_t to, stream_report *report)
{
    static int8_t rows[ROWS_MOST * WSIC_VECTOR_LANES];
    static uint32_t codebooks[ROWS_MOST];
    bool failed = to == groups[0].steps.rows;

    for (size_t k = 0; k < count; k++) {
        wsic_stream stream = groups[k].stream;
        wsic_vector_group decoded = {
            .stream = &stream, .steps = &groups[k].steps, .rows = rows, .codebooks = codebooks};
        if (to < groups[k].steps.rows)
            wsic_vector_decode(kernel, &decoded, 1, to + 1);
        failed |= stream.failed || decoded.outside;
    }
    if (!failed)
        fail(report, "no word is said to be missing", to, 0);
}

void stream_check(stream_kernel_choice *choice, const stream_case *given, stream_report *report)
{
    static random_group groups[WSIC_VECTOR_STREAMS];
    uint64_t state = given->form * 1000 + given->kind * 100 + given->lanes;

    for (size_t k = 0; k < WSIC_VECTOR_STREAMS; k++) {
        groups[k].words = guarded_make(WORD_BYTES);
        groups[k].planes = guarded_make(PLANE_BYTES);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        const size_t rows = 1 + below(&state, round % 3 == 0 ? 4 : 300);
        const size_t count = 1 + round % 2;
        for (size_t k = 0; k < count; k++)
            random_group_make(&state, given, rows, &groups[k]);
        wsic_vector_steps *const kernel =
            choice(&groups[0].steps.form, groups[0].steps.trellis != NULL);
        if (round % 4 < 2) {
            run_case(kernel, groups, count, SIZE_MAX, report);
            continue;
        }
        size_t to = steps_with_words(&groups[0]);
        for (size_t k = 1; k < count; k++) {
            const size_t steps = steps_with_words(&groups[k]);
            to = steps < to ? steps : to;
        }
        check_lack(kernel, groups, count, to, report);
        run_case(kernel, groups, count, to, report);
    }
    for (size_t k = 0; k < WSIC_VECTOR_STREAMS; k++) {
        guarded_free(&groups[k].words);
        guarded_free(&groups[k].planes);
    }
}
