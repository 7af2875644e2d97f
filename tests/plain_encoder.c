/* SPDX-License-Identifier: MIT */
#include "plain_encoder.h"

#include <string.h>

#include "plain_matrix.h"
#include "plain_push.h"
#include "plain_table.h"
#include "plain_decoder.h"

/* --- what stands before the models ------------------------------------------------- */

static size_t live_of(const int64_t *dead, size_t count)
{
    size_t live = 0;

    for (size_t i = 0; i < count; i++)
        live += !dead || dead[i] == 0;
    return live;
}

static void put_fields(const plain_choices *c, writer *out)
{
    put_u8(out, c->kind);
    put_u8(out, (c->lanes / 16) | c->step << 2 | (unsigned)c->row_hints << 4 |
                    (unsigned)c->small_octets << 5 | c->order << 6);
    put_u8(out, c->shape | (c->dead_rows ? 4U : 0) | (c->dead_columns ? 8U : 0) |
                    (c->corrections ? 16U : 0) | (c->own ? 32U : 0));
    put_varint(out, c->block_rows);
    put_varint(out, c->stride);
    put_varint(out, (uint64_t)c->classes);
    put_varint(out, fold(c->base));
    put_varint(out, fold(c->form_class));
    put_varint(out, c->streams);
}

static void put_arrays(const plain_choices *c, size_t rows, size_t columns, writer *out)
{
    const size_t live_rows = live_of(c->dead_rows, rows);
    const size_t live_columns = live_of(c->dead_columns, columns);

    if (c->dead_rows)
        plain_encode_array(c->dead_rows, rows, c->array_mode, out);
    plain_encode_array(c->row_classes, live_rows, c->array_mode, out);
    if (c->dead_columns)
        plain_encode_array(c->dead_columns, columns, c->array_mode, out);
    if (c->order >= 2)
        plain_encode_array(c->keys, live_columns, c->array_mode, out);
    plain_encode_array(c->octet_classes, c->small_octets ? live_columns : (live_columns + 7) / 8,
                       c->array_mode, out);
}

/* --- what is coded ----------------------------------------------------------------- */

/* False for what is no level of the codebook. */
static bool index_of(int64_t level, unsigned codebook, int64_t *index)
{
    const int64_t sign = (level > 0) - (level < 0);
    const int64_t twice = level + (codebook == 1 ? sign : 0);

    *index = twice / 2;
    return twice % 2 == 0 && *index > -536870912 && *index < 536870912;
}

static bool find_spots_of_column(const matrix *x, size_t rows, size_t j, const int32_t *values)
{
    const unsigned kind = x->h.kind, form = form_at(&x->h, j);
    unsigned state = 0;

    for (size_t i = 0; i < rows; i++) {
        spot *const here = spot_at(x, x->row[i], j);
        const unsigned context = plain_context(kind, form, state);
        here->v = values[x->row[i] * x->h.columns + x->h.column[j]];
        here->model = plain_model(&x->h, form,
                                  plain_index(&x->h, x->row[i], j / x->h.octet_columns), context);
        if (kind == 0)
            continue;
        if (!index_of(here->v, plain_codebook(kind, state), &here->v))
            return false;
        state = plain_next_state(kind, state, here->v);
    }
    return true;
}

static size_t blocks_of(const plain_head *h)
{
    return (h->rows + h->block_rows - 1) / h->block_rows;
}

static bool find_spots(const matrix *x, const int32_t *values)
{
    for (size_t block = 0; block < blocks_of(&x->h); block++) {
        const size_t rows = plain_block(&x->h, block, x->row);
        for (size_t j = 0; j < x->h.live_columns; j++) {
            if (!find_spots_of_column(x, rows, j, values))
                return false;
        }
    }
    return true;
}

/* --- models ------------------------------------------------------------------------ */

static void put_corrections(const plain_head *h, const plain_choices *c, writer *out)
{
    int corrected;
    const int knots = plain_knots(h, &corrected);

    for (unsigned context = 0; context < plain_form_contexts(0, c->kind); context++) {
        put_golomb(out, c->corrections->count[context]);
        for (unsigned k = 0; k < c->corrections->count[context]; k++) {
            const int *const power = c->corrections->power[context][k];
            for (int knot = 0; knot < knots; knot++)
                put_golomb(out, fold(power[knot] - (knot == 0 ? 0 : power[knot - 1])));
        }
    }
}

static void put_count_table(const matrix *x, unsigned form, const model *of, writer *out)
{
    const unsigned symbols = plain_form_symbols(form);
    const int64_t half = symbols / 2;
    size_t counts[64] = {0};

    for (size_t i = 0; i < x->h.rows; i++) {
        for (size_t j = 0; j < x->h.live_columns; j++) {
            const int64_t high = high_of(spot_at(x, i, j)->v, plain_form_shift(form));
            if (!x->h.row_dead[i] && form_at(&x->h, j) == form && spot_at(x, i, j)->model == of)
                counts[high < 1 - half || high > half - 1 ? 0 : high + half]++;
        }
    }
    const model m = plain_count_model(symbols, counts);
    plain_put_table(out, &m);
}

static void put_own_models(const matrix *x, unsigned own, writer *out)
{
    const plain_head *const h = &x->h;

    for (unsigned form = 0; form < h->forms; form++) {
        for (int index = 0; index < h->classes; index++) {
            for (unsigned context = 0; context < PLAIN_CONTEXTS; context++) {
                const model *const of = plain_model(h, form, index, context);
                if (of->symbols == 0)
                    continue;
                const bool table = own++ % 2 == 0;
                put_bits(out, !table, 1);
                if (table)
                    put_count_table(x, form, of, out);
            }
        }
    }
}

/* --- streams ----------------------------------------------------------------------- */

static bool put_streams(const matrix *x, const plain_choices *c, writer *out)
{
    writer all = {NULL, 0, 0};
    int64_t *const size = calloc(blocks_of(&x->h) * c->streams, sizeof *size);
    size_t count = 0;
    bool good = true;

    for (size_t block = 0; block < blocks_of(&x->h); block++) {
        const size_t rows = plain_block(&x->h, block, x->row);
        for (size_t k = 0; k < c->streams && good && rows != 0; k++) {
            const size_t before = all.size;
            good = plain_put_stream(x, c, rows, k, &all);
            size[count++] = (int64_t)(all.size - before);
        }
    }
    if (good) {
        put_varint(out, (uint64_t)size[count - 1]);
        plain_encode_array(size, count - 1, c->array_mode, out);
    }
    put_writer(out, &all);
    free(size);
    free(all.data);
    return good;
}

/* --- all --------------------------------------------------------------------------- */

/* Only where nothing but 0 is dead. */
static bool dead_are_zero(const plain_choices *c, size_t rows, size_t columns,
                          const int32_t *values)
{
    for (size_t k = 0; k < rows * columns; k++) {
        const bool dead = c->classes == 0 || (c->dead_rows && c->dead_rows[k / columns] == 1) ||
                          (c->dead_columns && c->dead_columns[k % columns] == 1);
        if (dead && values[k] != 0)
            return false;
    }
    return true;
}

static bool put_rest(matrix *x, stream *s, const int32_t *values, const plain_choices *c,
                     writer *out)
{
    x->spots = calloc(x->h.rows * x->h.columns, sizeof *x->spots);
    x->row = calloc(x->h.block_rows, sizeof *x->row);
    if (!find_spots(x, values))
        return false;
    if (c->corrections)
        put_corrections(&x->h, c, out);
    if (c->own)
        put_own_models(x, c->own, out);
    end_bits(out);
    *s = (stream){.bytes = out->data, .size = out->size, .at = s->at};
    plain_read_models(s, &x->h);
    return !s->bad && put_streams(x, c, out);
}

bool plain_encode_codes(const int32_t *values, size_t rows, size_t columns, const int32_t *row_hint,
                        const int32_t *column_hint, const plain_choices *choices, writer *out)
{
    matrix x = {.spots = NULL};
    const size_t begin = out->size;

    if (!dead_are_zero(choices, rows, columns, values))
        return false;
    put_fields(choices, out);
    if (choices->classes == 0) {
        out->size -= 3; /* base, form class and streams */
        return true;
    }
    put_arrays(choices, rows, columns, out);
    stream s = {.bytes = out->data, .size = out->size, .at = begin};
    plain_open_head(&s, rows, columns, row_hint, column_hint, &x.h);
    const bool good = !s.bad && put_rest(&x, &s, values, choices, out);
    plain_close_head(&x.h);
    free(x.row);
    free(x.spots);
    return good;
}
