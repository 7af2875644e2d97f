/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "coding/classes.h"
#include "coding/code_order.h"
#include "coding/codes_format.h"
#include "coding/int_array.h"

/* --- rows and columns that live ------------------------------------------------------- */

/* Of the `left` rows that had only zeros before a column, keep those that have one there, too;
 * returns their number. */
static size_t find_zeros(const int32_t *column, uint32_t *row, size_t left)
{
    size_t count = 0;

    for (size_t k = 0; k < left; k++) {
        row[count] = row[k];
        count += column[row[k]] == 0;
    }
    return count;
}

static uint8_t has_code(const int32_t *column, size_t rows)
{
    size_t i = 0;

    while (i < rows && column[i] == 0)
        i++;
    return i < rows;
}

/* Most columns have a code among their first few rows, and a few columns are enough to find one in
 * nearly every row. There is room for a number for each row. */
static void mark_live(const wsic_code_matrix *matrix, uint32_t *room, uint8_t *row_live,
                      uint8_t *column_live)
{
    size_t left = matrix->rows;

    for (size_t i = 0; i < matrix->rows; i++)
        room[i] = (uint32_t)i;
    for (size_t j = 0; j < matrix->columns; j++) {
        const int32_t *const column = matrix->codes + j * matrix->rows;
        column_live[j] = has_code(column, matrix->rows);
        left = find_zeros(column, room, left);
    }
    memset(row_live, 1, matrix->rows);
    for (size_t k = 0; k < left; k++)
        row_live[room[k]] = 0;
}

/* Zeros move the state of a trellis as others do: which of its rows are left out is not for the
 * coder to say. */
static wsic_status check_dead_rows(const wsic_env *env, const wsic_code_matrix *matrix,
                                   uint8_t *row_live)
{
    for (size_t i = 0; i < matrix->rows; i++) {
        const bool dead = matrix->dead_rows && matrix->dead_rows[i];
        if (dead && row_live[i] != 0)
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "dead row %zu has codes", i);
        row_live[i] = !dead;
    }
    return WSIC_OK;
}

static size_t list_live(const uint8_t *live, size_t total, uint32_t *index)
{
    size_t count = 0;

    for (size_t i = 0; i < total; i++) {
        if (live[i] != 0)
            index[count++] = (uint32_t)i;
    }
    return count;
}

static wsic_status find_live(const wsic_env *env, wsic_code_plan *plan)
{
    const wsic_code_matrix *const matrix = plan->matrix;
    wsic_status status = WSIC_OK;
    uint8_t *const live = wsic_alloc_zero(env, matrix->rows + matrix->columns, 1, &status);

    if (!live)
        return status;
    mark_live(matrix, plan->row, live, live + matrix->rows);
    if (plan->is_trellis)
        status = check_dead_rows(env, matrix, live);
    plan->live_rows = list_live(live, matrix->rows, plan->row);
    plan->live_columns = list_live(live + matrix->rows, matrix->columns, plan->live_column);
    wsic_free(env, live);
    return status;
}

static wsic_status order_rows(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status;
    wsic_keyed_line *const scratch = wsic_alloc(env, plan->block_rows, sizeof *scratch, &status);
    size_t first = 0;

    if (!scratch)
        return status;
    for (size_t block = 0; block < plan->blocks; block++) {
        size_t end = first;
        plan->first_row[block] = first;
        while (end < plan->live_rows &&
               wsic_code_row_at(plan->matrix, plan->row[end]) - block * plan->block_rows <
                   plan->block_rows)
            end++;
        wsic_order_rows(plan->stride, first, plan->row + first, end - first, scratch);
        first = end;
    }
    plan->first_row[plan->blocks] = first;
    wsic_free(env, scratch);
    return WSIC_OK;
}

static wsic_status make_room(const wsic_env *env, wsic_code_plan *plan)
{
    const wsic_code_matrix *const matrix = plan->matrix;
    wsic_status status;

    plan->row = wsic_alloc(env, matrix->rows, sizeof *plan->row, &status);
    if (!plan->row)
        return status;
    plan->row_class = wsic_alloc(env, matrix->rows, sizeof *plan->row_class, &status);
    if (!plan->row_class)
        return status;
    plan->first_row = wsic_alloc(env, plan->blocks + 1, sizeof *plan->first_row, &status);
    if (!plan->first_row)
        return status;
    plan->live_column = wsic_alloc(env, matrix->columns, sizeof *plan->live_column, &status);
    if (!plan->live_column)
        return status;
    plan->place = wsic_alloc(env, matrix->columns, sizeof *plan->place, &status);
    if (!plan->place)
        return status;
    plan->keys = wsic_alloc(env, matrix->columns, sizeof *plan->keys, &status);
    return plan->keys ? WSIC_OK : status;
}

wsic_status wsic_code_plan_lines(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status = make_room(env, plan);

    if (status == WSIC_OK)
        status = find_live(env, plan);
    if (status == WSIC_OK)
        status = order_rows(env, plan);
    return status;
}

/* --- the order of the columns --------------------------------------------------------- */

enum {
    ALWAYS_ALONE = 1 << 16, /* codes up to which every column has a class of its own, */
    MAYBE_ALONE = 1 << 19,  /* and up to which it may */
    BITS_OF_SPEED =
        1000 /* those of so many codes are what octets are worth as decoding is faster */
};

/* A way to put columns in order, and what it costs in bits. */
typedef struct column_order {
    unsigned order;
    unsigned octet_log;
    double bits;
} column_order;

typedef struct order_scratch {
    double *width; /* of each live column, in sixteenths of an octave */
    int32_t *key;
    uint32_t *place;
    wsic_keyed_line *lines;
} order_scratch;

static int64_t hint_of(const wsic_code_plan *plan, size_t place)
{
    const int32_t *const hint = plan->matrix->column_hint;
    return hint ? wsic_hint_units(hint[plan->live_column[place]], plan->step) : 0;
}

/* The key of a column in units of the step. */
static int32_t order_key(const wsic_code_plan *plan, unsigned order, size_t place)
{
    const int64_t stored = (order & WSIC_ORDER_KEYS) != 0 ? plan->keys[place] : 0;
    return (int32_t)(stored + ((order & WSIC_ORDER_HINT) != 0 ? hint_of(plan, place) : 0));
}

/* What it costs to take a deviation for another one, as a share of what it would cost where hardly
 * any code is 0. Where most are, the share p of others is all that is seen of it. */
static double mismatch_share(double deviation)
{
    const double edge = 0.5 / deviation;
    const double p = erfc(edge / sqrt(2));
    const double slope = edge * sqrt(2 / acos(-1)) * exp(-edge * edge / 2);

    if (edge < 2)
        return 1 / (1 + edge * edge);
    return p < 1e-12 ? 0 : slope * slope / (p * (1 - p)) / 2;
}

/* Bits a row that are lost as columns share the deviation that is their root mean square. */
static double octet_bits(const order_scratch *s, size_t first, size_t count)
{
    double energy = 0, logarithms = 0;

    for (size_t k = first; k < first + count; k++) {
        const double octaves = s->width[s->place[k]] / WSIC_CLASSES_PER_OCTAVE;
        energy += exp2(2 * octaves);
        logarithms += octaves;
    }
    const double shared = 0.5 * log2(energy / (double)count);
    return mismatch_share(exp2(shared)) * ((double)count * shared - logarithms);
}

/* What an order costs beside its keys: columns of an octet share a class, which is stored as a
 * difference to the key of the first one. */
static double sharing_bits(const wsic_code_plan *plan, unsigned order, const order_scratch *s)
{
    const size_t octet = (size_t)1 << plan->octet_log;
    const double octets = (double)plan->octets;
    double bits = 0, sum = 0, squares = 0;

    for (size_t first = 0; first < plan->live_columns; first += octet) {
        const double width = ldexp(s->width[s->place[first]], -(int)plan->step);
        const double difference = width - order_key(plan, order, s->place[first]);
        bits += octet_bits(s, first, wsic_min_size(octet, plan->live_columns - first));
        sum += difference;
        squares += difference * difference;
    }
    const double variance = (squares - sum * sum / octets) / octets + 1.0 / 12;
    const double class_bits = fmax(0, 0.5 * log2(2 * acos(-1) * exp(1) * variance));
    return bits * (double)plan->live_rows + octets * class_bits;
}

static void sort_columns(const wsic_code_plan *plan, order_scratch *s)
{
    for (size_t j = 0; j < plan->live_columns; j++)
        s->place[j] = (uint32_t)j;
    wsic_order_columns(s->key, s->place, plan->live_columns, s->lines);
}

/* What columns are sorted by: their hints, and keys beside them that say what the widths are beyond
 * those. False if they leave the limits. */
static bool make_keys(wsic_code_plan *plan, unsigned order, const order_scratch *s)
{
    const int32_t *const hints = (order & WSIC_ORDER_HINT) != 0 ? plan->matrix->column_hint : NULL;

    for (size_t j = 0; j < plan->live_columns; j++) {
        const int64_t width = llround(ldexp(s->width[j], -(int)plan->step));
        const int64_t hint = hints ? hint_of(plan, j) : 0;
        if (hint < -WSIC_KEY_LIMIT / 2 || hint > WSIC_KEY_LIMIT / 2)
            return false;
        plan->keys[j] = (order & WSIC_ORDER_KEYS) != 0 ? (int32_t)(width - hint) : 0;
        s->key[j] = (int32_t)(wsic_key_in_hints(plan->keys[j], plan->step) +
                              (hints ? hints[plan->live_column[j]] : 0));
    }
    return true;
}

static void set_octets(wsic_code_plan *plan, unsigned octet_log)
{
    plan->octet_log = octet_log;
    plan->octets = wsic_div_up(plan->live_columns, (size_t)1 << octet_log);
}

/* Sort as the order says; *bits receives what its keys cost, infinite if it cannot be. */
static wsic_status make_order(const wsic_env *env, wsic_code_plan *plan, order_scratch *s,
                              unsigned order, double *bits)
{
    wsic_status status = WSIC_OK;
    wsic_bytes bytes;

    *bits = 0;
    if (!make_keys(plan, order, s)) {
        *bits = HUGE_VAL;
        return WSIC_OK;
    }
    sort_columns(plan, s);
    if ((order & WSIC_ORDER_KEYS) != 0) {
        wsic_bytes_init(&bytes, env);
        status = wsic_int_array_write(env, plan->keys, plan->live_columns, &bytes);
        *bits = 8.0 * (double)bytes.size;
        wsic_bytes_release(&bytes);
    }
    return status;
}

/* With octets, and with a class for each column if the matrix is small. */
static wsic_status try_order(const wsic_env *env, wsic_code_plan *plan, order_scratch *s,
                             unsigned order, column_order *best)
{
    const size_t codes = plan->live_rows * plan->live_columns;
    const unsigned least = codes <= MAYBE_ALONE ? 0 : WSIC_OCTET_LOG;
    const unsigned most = codes <= ALWAYS_ALONE ? 0 : WSIC_OCTET_LOG;
    double of_keys;

    const wsic_status status = make_order(env, plan, s, order, &of_keys);
    if (status != WSIC_OK || isinf(of_keys))
        return status;
    for (unsigned octet_log = least; octet_log <= most; octet_log += WSIC_OCTET_LOG) {
        set_octets(plan, octet_log);
        double bits = of_keys + sharing_bits(plan, order, s);
        if (octet_log < most)
            bits += (double)codes / BITS_OF_SPEED;
        if (bits < best->bits)
            *best = (column_order){order, octet_log, bits};
    }
    return WSIC_OK;
}

/* An order that costs nothing comes first. */
static wsic_status choose_order(const wsic_env *env, wsic_code_plan *plan, order_scratch *s)
{
    static const unsigned orders[] = {WSIC_ORDER_HINT, WSIC_ORDER_KEYS_AND_HINT, WSIC_ORDER_NATURAL,
                                      WSIC_ORDER_KEYS};
    const size_t first = plan->matrix->column_hint ? 0 : 2;
    column_order best = {.bits = HUGE_VAL};
    wsic_status status = WSIC_OK;
    double bits;

    for (size_t k = first; k < sizeof orders / sizeof *orders && status == WSIC_OK; k++)
        status = try_order(env, plan, s, orders[k], &best);
    if (status == WSIC_OK)
        status = make_order(env, plan, s, best.order, &bits);
    plan->order = best.order;
    set_octets(plan, best.octet_log);
    for (size_t k = 0; status == WSIC_OK && k < plan->live_columns; k++)
        plan->place[k] = s->place[k];
    return status;
}

int32_t wsic_code_plan_octet_key(const wsic_code_plan *plan, size_t octet)
{
    return order_key(plan, plan->order, plan->place[octet << plan->octet_log]);
}

wsic_status wsic_code_plan_order(const wsic_env *env, wsic_code_plan *plan, const double *deviation)
{
    const size_t count = plan->live_columns;
    order_scratch s = {.width = NULL};
    wsic_status status;

    s.width = wsic_alloc(env, count, sizeof *s.width, &status);
    if (s.width)
        s.key = wsic_alloc(env, count, sizeof *s.key, &status);
    if (s.key)
        s.place = wsic_alloc(env, count, sizeof *s.place, &status);
    if (s.place)
        s.lines = wsic_alloc(env, count, sizeof *s.lines, &status);
    if (s.lines) {
        for (size_t k = 0; k < count; k++)
            s.width[k] = wsic_likely_width(deviation[k]);
        status = choose_order(env, plan, &s);
    }
    wsic_free(env, s.lines);
    wsic_free(env, s.place);
    wsic_free(env, s.key);
    wsic_free(env, s.width);
    return status;
}
