/* SPDX-License-Identifier: MIT */
/* The plain encoder and the plain decoder, both from docs/format.md alone, against each other and
 * against bytes and probabilities that were found by hand. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "code_matrices.h"
#include "plain_choices.h"
#include "plain_decoder.h"

/* --- round trips ------------------------------------------------------------------- */

static bool decodes(const plain_case *c, const writer *bytes, int32_t *out)
{
    /* Of its own size, so that tools see what is read beyond it. */
    uint8_t *const copy = malloc(bytes->size + 1);
    size_t used;

    memcpy(copy, bytes->data, bytes->size);
    uint8_t *const exact = realloc(copy, bytes->size == 0 ? 1 : bytes->size);
    const bool good = plain_decode_codes(exact, bytes->size, c->rows, c->columns, c->row_hint,
                                         c->column_hint, out, &used);
    free(exact);
    return good && used == bytes->size;
}

static bool encodes(const plain_case *c, writer *bytes)
{
    return plain_encode_codes(c->values, c->rows, c->columns, c->row_hint, c->column_hint,
                              &c->choices, bytes);
}

/* Returns the size. */
static size_t round_trip(const plain_case *c)
{
    int32_t *const out = malloc(c->rows * c->columns * sizeof *out);
    writer bytes = {NULL, 0, 0};

    ck_assert(encodes(c, &bytes));
    ck_assert(decodes(c, &bytes, out));
    ck_assert_mem_eq(out, c->values, c->rows * c->columns * sizeof *out);
    free(bytes.data);
    free(out);
    return bytes.size;
}

static const size_t SHAPES[][2] = {{1, 1},  {1, 70}, {70, 1},  {3, 7},
                                   {9, 33}, {40, 5}, {17, 90}, {6, 130}};

enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

/* One of the kinds 0 and 2 to 8. */
static unsigned some_kind(uint64_t number)
{
    return number % 8 == 0 ? 0 : (unsigned)(number % 8) + 1;
}

START_TEST(everything_comes_back_under_any_choices)
{
    for (size_t k = 0; k < SHAPE_COUNT; k++) {
        const size_t rows = SHAPES[k][0], columns = SHAPES[k][1];
        int32_t *const values = make_codes(MATRICES[_i].make, columns, rows, 17 + k);
        for (uint64_t seed = 0; seed < 24; seed++) {
            const unsigned kind = some_kind(seed);
            plain_case c = plain_case_make(values, rows, columns, kind, 1 + 99 * k + seed);
            round_trip(&c);
            plain_case_free(&c);
        }
        free(values);
    }
}
END_TEST

/* The widest for which there is a form. */
static int width_of_form(unsigned form)
{
    const int widest = form == 0 ? 18 : form == 1 ? 34 : 50 + 16 * ((int)form - 2);
    return widest < 496 ? widest : 496;
}

/* A case of one model, one block, one stream and nothing optional. There are more classes, so that
 * the form is another one than that of the width. */
static plain_case simple_case(size_t rows, size_t columns, unsigned lanes, unsigned form, int width)
{
    plain_case c = {.rows = rows, .columns = columns};
    const int of_form = width_of_form(form);
    const int base = width < of_form ? width : of_form;

    c.values = calloc(rows * columns, sizeof *c.values);
    c.choices = (plain_choices){.lanes = lanes,
                                .block_rows = rows,
                                .stride = 1,
                                .streams = 1,
                                .base = base,
                                .classes = width + of_form - 2 * base + 1,
                                .form_class = of_form - width,
                                .array_mode = 2,
                                .tail = 1};
    c.choices.row_classes = calloc(rows, sizeof *c.choices.row_classes);
    c.choices.octet_classes = calloc(columns, sizeof *c.choices.octet_classes);
    for (size_t k = 0; k < columns; k++)
        c.choices.octet_classes[k] = width - base;
    return c;
}

START_TEST(every_form_comes_back_on_every_number_of_lanes)
{
    uint64_t state = 5;

    for (unsigned lanes = 8; lanes <= 32; lanes *= 2) {
        plain_case c = simple_case(20, lanes + 3, lanes, (unsigned)_i, _i < 3 ? 16 : 16 * _i - 16);
        for (size_t k = 0; k < c.rows * c.columns; k++) {
            const double scale = exp2(_i < 3 ? 1 : _i - 1);
            const double v = rint(scale * random_gauss(&state));
            c.values[k] = (int32_t)fmin(fmax(v, INT32_MIN), INT32_MAX);
        }
        round_trip(&c);
        plain_case_free(&c);
    }
}
END_TEST

START_TEST(escapes_of_every_size_come_back)
{
    for (unsigned lanes = 8; lanes <= 32; lanes *= 2) {
        for (unsigned form = 0; form < 4; form++) {
            plain_case c = simple_case(33, 13, lanes, form, 0);
            for (size_t k = 0; k < c.rows * c.columns; k++) {
                const int64_t power = INT64_C(1) << k % c.columns * 5 % 32 << k / c.columns % 2;
                const int64_t v = (k % 3 == 0 ? -power : power) + (int64_t)(k % 5) - 2;
                c.values[k] = (int32_t)(v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v);
            }
            for (size_t tail = 0; tail < 3; tail++) {
                c.choices.tail = tail;
                round_trip(&c);
            }
            plain_case_free(&c);
        }
    }
}
END_TEST

START_TEST(trellises_come_back_in_forms_of_every_number_of_contexts)
{
    static const int form_classes[] = {-500, 0, 40, 500};
    const unsigned kind = (unsigned)_i;
    int32_t *const values = make_codes(outliers, 70, 40, (uint64_t)_i);

    for (size_t k = 0; k < 4; k++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            plain_case c = plain_case_make(values, 40, 70, kind, seed);
            c.choices.form_class = form_classes[k];
            round_trip(&c);
            plain_case_free(&c);
        }
    }
    free(values);
}
END_TEST

/* --- sizes ------------------------------------------------------------------------- */

/* Gaussian integers of a known width cost their entropy, whatever the form. */
START_TEST(integers_of_their_width_cost_their_entropy)
{
    static const int given[][2] = {{0, 0},  {0, 24}, {1, 32},  {1, 40},   {2, 32},
                                   {2, 54}, {4, 80}, {7, 128}, {20, 336}, {25, 432}};
    const int form = given[_i][0], width = given[_i][1];
    const double scale = exp2(width / 16.0);
    plain_case c = simple_case(500, 64, 32, (unsigned)form, width);
    uint64_t state = 5;

    for (size_t k = 0; k < c.rows * c.columns; k++)
        c.values[k] = (int32_t)lrint(scale * random_gauss(&state));
    const double count = (double)(c.rows * c.columns);
    const double entropy = 2.0471 + width / 16.0; /* log2(sqrt(2 pi e)), and the width */
    const double measured = 8 * ((double)round_trip(&c) - 150) / count;
    ck_assert_msg(fabs(measured - entropy) < (form == 0 && width == 0 ? 0.06 : 0.03),
                  "form %d width %d: %f bits for %f", form, width, measured, entropy);
    plain_case_free(&c);
}
END_TEST

/* Eight integers that cost nothing: lanes of 4 + 16 bits each, or one state of 5 + 12. */
START_TEST(a_tail_saves_the_ends_of_states)
{
    plain_case c = simple_case(1, 8, 8, 0, 0);
    c.choices.own = 2; /* a table of one symbol, which changes no state */

    const size_t without = round_trip(&c);
    c.choices.tail = 0;
    const size_t with = round_trip(&c);
    /* 8 + 1 + 8 * 20 bits, and 8 + 1 + 5 + 12 */
    ck_assert_uint_eq(without - with, 22 - 4);
    plain_case_free(&c);
}
END_TEST

/* Each length that is wanted, and so each that can be. */
START_TEST(tails_of_every_length_come_back)
{
    uint64_t state = 11;

    for (size_t columns = 1; columns < 20; columns += 6) {
        plain_case c = simple_case(9, columns, 8, 3, 48);
        for (size_t k = 0; k < 9 * columns; k++)
            c.values[k] = (int32_t)lrint((k % 7 == 0 ? 900 : 8) * random_gauss(&state));
        size_t least = SIZE_MAX, first = 0;
        for (c.choices.tail = 0; c.choices.tail <= 9 * columns; c.choices.tail++) {
            const size_t size = round_trip(&c);
            first = c.choices.tail == 1 ? size : first;
            least = size < least ? size : least;
        }
        ck_assert(columns == 1 ? least == first : least < first);
        plain_case_free(&c);
    }
}
END_TEST

/* --- bytes ------------------------------------------------------------------------- */

/* One integer 3 under a table of one symbol; see the text for each field. */
static const uint8_t BY_HAND[] = {
    0,    0,    0x20,          /* any integers, 8 lanes, own models */
    1,    1,    1,    0, 0, 1, /* block rows, stride, classes, base, form class, streams */
    0,    0,                   /* two arrays of 0 */
    0xF8, 0x01,                /* 0, 00111 for first 3, 1 for count, escape and peak */
    4,    0,    0x19, 0, 0, /* a stream of 4 bytes: all in the tail, and its state, 12 in 5 bits and
                               0 */
};

static bool decodes_to(const uint8_t *bytes, size_t size, int32_t expected)
{
    int32_t out;
    size_t used;

    return plain_decode_codes(bytes, size, 1, 1, NULL, NULL, &out, &used) && used == size &&
           out == expected;
}

START_TEST(bytes_made_by_hand_are_understood)
{
    static const uint8_t bad[][4] = {{0, 0x59, 0, 0},    /* a state of 4096 + 1 */
                                     {0, 0x1B, 0, 0},    /* one of 2^13 */
                                     {0, 0x19, 0, 0x04}, /* filling that is not 0 */
                                     {1, 0x19, 0, 0},    /* all, but not as 0 */
                                     {2, 0x19, 0, 0}};   /* more than all */
    uint8_t bytes[sizeof BY_HAND];

    memcpy(bytes, BY_HAND, sizeof bytes);
    ck_assert(decodes_to(bytes, sizeof bytes, 3));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        memcpy(bytes + sizeof bytes - 4, bad[k], 4);
        ck_assert_msg(!decodes_to(bytes, sizeof bytes, 3), "stream %zu", k);
    }
}
END_TEST

START_TEST(encoder_writes_the_bytes_made_by_hand)
{
    plain_case c = simple_case(1, 1, 8, 0, 0);
    writer bytes = {NULL, 0, 0};

    c.values[0] = 3;
    c.choices.own = 2;
    c.choices.classes = 1;
    c.choices.form_class = 0;
    ck_assert(encodes(&c, &bytes));
    ck_assert_uint_eq(bytes.size, sizeof BY_HAND);
    ck_assert_mem_eq(bytes.data, BY_HAND, sizeof BY_HAND);
    free(bytes.data);
    plain_case_free(&c);
}
END_TEST

/* Symbols of one bit each: a step takes bit 11 out of the state. States begin as 2^16. The first
 * step leaves 2^15 and takes a word, of which the five highest bits are the symbols of the next
 * five steps: each lane's word holds its number there. After 16 steps 2^16 is left, and the lowest
 * bits of the word: 2 for the first lane, so that the tail begins with 2^17 and ends with 2^16. The
 * tail is the last integer of the last lane, which begins with what 15 steps leave 2^16 of. */
START_TEST(words_are_taken_by_even_lanes_first)
{
    enum { ROWS = 16 };
    const unsigned lanes = 8U << _i;
    const unsigned head[] = {0, (unsigned)_i, 0x20, ROWS, 1, 1, 0, 0, 1, 0, 0};
    writer bytes = {NULL, 0, 0};
    int32_t out[ROWS * 32];
    size_t used;

    for (size_t k = 0; k < sizeof head / sizeof *head; k++)
        put_u8(&bytes, head[k]);
    put_bits(&bytes, 0, 1); /* a table */
    put_golomb(&bytes, 0);  /* from 0 */
    put_golomb(&bytes, 1);  /* to 1 */
    put_golomb(&bytes, 0);  /* no escape */
    put_golomb(&bytes, 0);  /* 0 is the peak: 1 has 2^11, of 12 bits */
    put_golomb(&bytes, 2 * 11);
    put_bits(&bytes, 0, 5);
    end_bits(&bytes);
    put_varint(&bytes, (8 + 1 + 20 * lanes + 15 + 7) / 8 + 2 * (lanes - 1));
    put_bits(&bytes, 1, 8); /* a tail of one */
    put_golomb(&bytes, 0);
    for (unsigned k = 0; k + 1 < lanes; k++)
        put_bits(&bytes, 0, 20); /* 2^16 */
    put_bits(&bytes, 15, 4);     /* 2^31 and the symbols */
    put_bits(&bytes, (lanes - 1) << 12, 31);
    end_bits(&bytes);
    for (unsigned k = 0; k + 1 < lanes; k++) {
        const unsigned lane = k < lanes / 2 ? 2 * k : 2 * k + 1 - lanes;
        put_u8(&bytes, lane == 0 ? 2 : 0); /* stays: the tail's first word */
        put_u8(&bytes, lane << 3);
    }
    ck_assert(plain_decode_codes(bytes.data, bytes.size, ROWS, lanes, NULL, NULL, out, &used));
    ck_assert_uint_eq(used, bytes.size);
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned k = 0; k < lanes; k++)
            ck_assert_int_eq(out[i * lanes + k], i > 0 && i < 6 ? k >> (i - 1) & 1 : 0);
    }
    free(bytes.data);
}
END_TEST

START_TEST(no_classes_are_zeros)
{
    static const uint8_t zeros[] = {0, 0, 0, 1, 1, 0};
    uint8_t bytes[sizeof zeros];

    ck_assert(decodes_to(zeros, sizeof zeros, 0));
    for (size_t k = 0; k < sizeof zeros; k++) {
        memcpy(bytes, zeros, sizeof zeros);
        bytes[k] += k == 3 || k == 4 ? 1 : 2;
        ck_assert_msg(!decodes_to(bytes, sizeof zeros, 0), "byte %zu", k);
        ck_assert(!decodes_to(zeros, k, 0));
    }
}
END_TEST

/* --- what is refused --------------------------------------------------------------- */

START_TEST(header_fields_out_of_range_are_refused)
{
    /* Which byte, and what it must not be */
    static const uint8_t bad[][2] = {{0, 1},    {0, 9},    {1, 3}, {1, 16}, {1, 64},
                                     {1, 192},  {3, 0},    {3, 2}, {4, 0},  {4, 2},
                                     {2, 0x60}, {2, 0xA0}, {5, 0}, {8, 0},  {8, 2}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        uint8_t bytes[sizeof BY_HAND];
        memcpy(bytes, BY_HAND, sizeof bytes);
        bytes[bad[k][0]] = bad[k][1];
        ck_assert_msg(!decodes_to(bytes, sizeof bytes, 3), "byte %d: %d", bad[k][0], bad[k][1]);
    }
}
END_TEST

START_TEST(the_least_base_is_four_octaves_down)
{
    for (unsigned step = 1; step < 4; step++) { /* a base is one byte then */
        uint8_t bytes[sizeof BY_HAND];
        memcpy(bytes, BY_HAND, sizeof bytes);
        bytes[1] = (uint8_t)(step << 2);
        bytes[6] = (uint8_t)(2 * (64 >> step) - 1);
        ck_assert(decodes_to(bytes, sizeof bytes, 3));
        bytes[6] += 2;
        ck_assert(!decodes_to(bytes, sizeof bytes, 3));
    }
}
END_TEST

/* What the encoder is told to write and its own reading of the header refuses, as the decoder does.
 */
static void expect_refusal(plain_case *c, const char *what)
{
    int32_t *const out = malloc(c->rows * c->columns * sizeof *out);
    writer bytes = {NULL, 0, 0};

    ck_assert_msg(!encodes(c, &bytes), "%s", what);
    for (int k = 0; k < 200; k++)
        put_u8(&bytes, 0);
    ck_assert_msg(!decodes(c, &bytes, out), "%s", what);
    free(bytes.data);
    free(out);
}

START_TEST(choices_out_of_range_are_refused)
{
    static const struct {
        const char *what;
        int64_t form_class, row_class, octet_class, key, dead;
    } bad[] = {{"form class", 1024, 0, 0, 0, 0},
               {"low form class", -1024, 0, 0, 0, 0},
               {"row class", 0, 1024, 0, 0, 0},
               {"low row class", 0, -1024, 0, 0, 0},
               {"octet class", 0, 0, 1024, 0, 0},
               {"low octet class", 0, 0, -1024, 0, 0},
               {"key", 0, 0, 0, 1048577, 0},
               {"low key", 0, 0, 0, -1048577, 0},
               {"mark of a dead column", 0, 0, 0, 0, 2},
               {"all columns dead", 0, 0, 0, 0, 1}};

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        plain_case c = simple_case(2, 3, 8, 0, 0);
        c.choices.form_class = (int)bad[k].form_class;
        c.choices.row_classes[1] = bad[k].row_class;
        c.choices.octet_classes[0] = bad[k].octet_class;
        c.choices.order = 2;
        c.choices.keys = calloc(3, sizeof *c.choices.keys);
        c.choices.keys[1] = bad[k].key;
        if (bad[k].dead != 0) {
            c.choices.dead_columns = calloc(3, sizeof *c.choices.dead_columns);
            for (size_t j = 0; j < 3; j++)
                c.choices.dead_columns[j] = bad[k].dead;
        }
        expect_refusal(&c, bad[k].what);
        plain_case_free(&c);
    }
}
END_TEST

START_TEST(what_is_no_level_is_refused_by_the_encoder)
{
    /* From state 0 on: index 1 of codebook 0, then codebook 1. */
    static const int32_t bad[][3] = {
        {1, 0, 0}, {2, 2, 0}, {2, -4, 0}, {0, 0, -3}, {INT32_MIN, 0, 0}};

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        plain_case c = simple_case(3, 1, 8, 0, 0);
        writer bytes = {NULL, 0, 0};
        c.choices.kind = 2;
        round_trip(&c);
        memcpy(c.values, bad[k], sizeof bad[k]);
        ck_assert(!encodes(&c, &bytes));
        free(bytes.data);
        plain_case_free(&c);
    }
}
END_TEST

START_TEST(what_planes_leave_of_a_byte_is_zero)
{
    plain_case c = simple_case(4, 5, 8, 5, 64);
    writer bytes = {NULL, 0, 0};
    int32_t out[20];

    ck_assert(encodes(&c, &bytes));
    /* 4 steps of 5 columns with 3 low bits each fill 7 bytes and a half. */
    for (unsigned bit = 0; bit < 8; bit++) {
        bytes.data[bytes.size - 1] ^= (uint8_t)(1U << bit);
        ck_assert_int_eq(decodes(&c, &bytes, out), bit < 4);
        bytes.data[bytes.size - 1] ^= (uint8_t)(1U << bit);
    }
    free(bytes.data);
    plain_case_free(&c);
}
END_TEST

/* Any flip of a bit, and any cut, is refused or gives something: never more than the bytes is read.
 */
START_TEST(damage_is_survived_and_cuts_are_refused)
{
    int32_t *const values = make_codes(outliers, 40, 9, (uint64_t)_i);
    plain_case c = plain_case_make(values, 9, 40, some_kind((uint64_t)_i), 7 + (uint64_t)_i);
    int32_t *const out = malloc(9 * 40 * sizeof *out);
    writer bytes = {NULL, 0, 0};
    size_t refused = 0;

    ck_assert(encodes(&c, &bytes));
    const size_t size = bytes.size;
    for (bytes.size = 0; bytes.size < size; bytes.size++)
        ck_assert(!decodes(&c, &bytes, out));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        refused += !decodes(&c, &bytes, out);
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    ck_assert_uint_gt(refused, 0);
    free(bytes.data);
    free(out);
    plain_case_free(&c);
    free(values);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("plain_coding");
    TCase *const tests = tcase_create("plain_coding");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, everything_comes_back_under_any_choices, 0, MATRIX_COUNT);
    tcase_add_loop_test(tests, every_form_comes_back_on_every_number_of_lanes, 0, PLAIN_FORMS);
    tcase_add_test(tests, escapes_of_every_size_come_back);
    tcase_add_loop_test(tests, trellises_come_back_in_forms_of_every_number_of_contexts, 2, 9);
    tcase_add_loop_test(tests, integers_of_their_width_cost_their_entropy, 0, 10);
    tcase_add_test(tests, a_tail_saves_the_ends_of_states);
    tcase_add_test(tests, tails_of_every_length_come_back);
    tcase_add_test(tests, bytes_made_by_hand_are_understood);
    tcase_add_test(tests, encoder_writes_the_bytes_made_by_hand);
    tcase_add_loop_test(tests, words_are_taken_by_even_lanes_first, 0, 3);
    tcase_add_test(tests, no_classes_are_zeros);
    tcase_add_test(tests, header_fields_out_of_range_are_refused);
    tcase_add_test(tests, the_least_base_is_four_octaves_down);
    tcase_add_test(tests, choices_out_of_range_are_refused);
    tcase_add_test(tests, what_is_no_level_is_refused_by_the_encoder);
    tcase_add_test(tests, what_planes_leave_of_a_byte_is_zero);
    tcase_add_loop_test(tests, damage_is_survived_and_cuts_are_refused, 0, 8);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
