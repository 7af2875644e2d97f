/* SPDX-License-Identifier: MIT */
#include "plain_choices.h"

#include <string.h>

#include "code_matrices.h"

static int64_t between(uint64_t *state, int64_t least, int64_t most)
{
    return least + (int64_t)(random_bits(state) % (uint64_t)(most - least + 1));
}

static int64_t *random_array(uint64_t *state, size_t count, int64_t least, int64_t most)
{
    int64_t *const values = calloc(count + 1, sizeof *values);
    const bool constant = random_bits(state) % 4 == 0;

    for (size_t i = 0; i < count; i++)
        values[i] = constant && i > 0 ? values[0] : between(state, least, most);
    return values;
}

/* Every third one, or none at all; never the one that is to live. */
static int64_t *random_dead(uint64_t *state, size_t count)
{
    int64_t *const dead = calloc(count, sizeof *dead);
    const size_t alive = random_bits(state) % count;
    const bool some = random_bits(state) % 4 != 0;

    for (size_t i = 0; i < count; i++)
        dead[i] = some && i != alive && random_bits(state) % 3 == 0;
    return dead;
}

static int32_t *random_hints(uint64_t *state, size_t count)
{
    int32_t *const hint = calloc(count, sizeof *hint);

    for (size_t i = 0; i < count; i++)
        hint[i] = (int32_t)between(state, -60, 60);
    return hint;
}

static void random_corrections(uint64_t *state, corrections *c)
{
    for (unsigned context = 0; context < PLAIN_CONTEXTS; context++) {
        c->count[context] = (unsigned)between(state, 0, 7);
        for (unsigned k = 0; k < 7; k++) {
            for (unsigned knot = 0; knot < 17; knot++)
                c->power[context][k][knot] = (int)between(state, -64, 63);
        }
    }
}

static size_t live_of(const int64_t *dead, size_t count)
{
    size_t live = 0;

    for (size_t i = 0; i < count; i++)
        live += !dead || dead[i] == 0;
    return live;
}

static void random_arrays(uint64_t *state, size_t rows, size_t columns, plain_choices *c)
{
    if (random_bits(state) % 2 == 0)
        c->dead_rows = random_dead(state, rows);
    if (random_bits(state) % 2 == 0)
        c->dead_columns = random_dead(state, columns);
    const size_t live = live_of(c->dead_columns, columns);
    const size_t groups = (live + c->lanes - 1) / c->lanes;
    c->form_class = (int)between(state, -9, random_bits(state) % 2 == 0 ? 9 : 500);
    c->row_classes = random_array(state, live_of(c->dead_rows, rows), -3, 3);
    c->keys = random_array(state, live, -9, 9);
    c->octet_classes = random_array(state, c->small_octets ? live : (live + 7) / 8, -2, c->classes);
    c->streams = (size_t)between(state, 1, groups < 256 ? (int64_t)groups : 256);
}

static void random_choices(uint64_t *state, size_t rows, size_t columns, plain_case *made)
{
    plain_choices *const c = &made->choices;

    c->lanes = 8U << between(state, 0, 2);
    c->step = (unsigned)between(state, 0, 3);
    c->order = (unsigned)between(state, 0, 3);
    c->shape = (unsigned)between(state, 0, 3);
    c->small_octets = random_bits(state) % 4 == 0;
    c->row_hints = random_bits(state) % 2 == 0;
    c->block_rows = (size_t)between(state, 1, rows < 1024 ? (int64_t)rows : 1024);
    c->stride = (size_t)between(state, 1, rows < 9 ? (int64_t)rows : 9);
    const int least = -(64 >> c->step), most = 496 >> c->step;
    c->classes = (int)between(state, 1, random_bits(state) % 2 == 0 ? 8 : most - least + 1);
    c->base = (int)between(state, least, most - c->classes + 1);
    if (random_bits(state) % 2 == 0) { /* Narrow ones are what corrections are for. */
        c->base = least;
        c->classes = (int)between(state, 1, -2 * least);
    }
    random_arrays(state, rows, columns, c);
    c->array_mode = (unsigned)between(state, 1, 5);
    made->corrections = calloc(1, sizeof *made->corrections);
    random_corrections(state, made->corrections);
    c->corrections = random_bits(state) % 2 == 0 ? made->corrections : NULL;
    c->own = random_bits(state) % 2 == 0 ? (unsigned)between(state, 1, 6) : 0;
    c->tail = (size_t)between(state, 0, random_bits(state) % 2 == 0 ? 60 : 600);
}

static bool is_dead(const plain_case *c, size_t row)
{
    return c->choices.dead_rows && c->choices.dead_rows[row];
}

/* The live rows of a block in coding order. */
static size_t block_order(const plain_case *c, size_t begin, size_t *order)
{
    const size_t end = begin + c->choices.block_rows;
    size_t count = 0;

    for (size_t left = c->choices.stride; left-- > 0;) {
        for (size_t i = 0, rank = 0; i < end && i < c->rows; i++) {
            if (is_dead(c, i))
                continue;
            if (i >= begin && rank % c->choices.stride == left)
                order[count++] = i;
            rank++;
        }
    }
    return count;
}

/* Column by column, block by block: what make_levels() calls codes is what is coded here. */
static void levels_of(plain_case *c)
{
    size_t *const order = calloc(c->choices.block_rows, sizeof *order);
    int32_t *const column = calloc(c->choices.block_rows, sizeof *column);

    for (size_t begin = 0; begin < c->rows; begin += c->choices.block_rows) {
        const size_t count = block_order(c, begin, order);
        for (size_t j = 0; j < c->columns && count != 0; j++) {
            if (c->choices.dead_columns && c->choices.dead_columns[j])
                continue;
            for (size_t i = 0; i < count; i++)
                column[i] = c->values[order[i] * c->columns + j];
            make_levels(column, count, 1, c->choices.kind, count);
            for (size_t i = 0; i < count; i++)
                c->values[order[i] * c->columns + j] = column[i];
        }
    }
    free(column);
    free(order);
}

plain_case plain_case_make(const int32_t *values, size_t rows, size_t columns, unsigned kind,
                           uint64_t seed)
{
    uint64_t state = seed * 2654435761 + 12345;
    plain_case c = {.rows = rows, .columns = columns, .choices = {.kind = kind}};

    c.values = malloc(rows * columns * sizeof *c.values);
    memcpy(c.values, values, rows * columns * sizeof *c.values);
    c.row_hint = random_hints(&state, rows);
    c.column_hint = random_hints(&state, columns);
    random_choices(&state, rows, columns, &c);
    const plain_choices *const choices = &c.choices;
    for (size_t k = 0; k < rows * columns; k++) {
        if ((choices->dead_rows && choices->dead_rows[k / columns]) ||
            (choices->dead_columns && choices->dead_columns[k % columns]))
            c.values[k] = 0;
    }
    if (kind != 0)
        levels_of(&c);
    return c;
}

void plain_case_free(plain_case *c)
{
    free(c->choices.dead_rows);
    free(c->choices.dead_columns);
    free(c->choices.row_classes);
    free(c->choices.keys);
    free(c->choices.octet_classes);
    free(c->corrections);
    free(c->row_hint);
    free(c->column_hint);
    free(c->values);
}
