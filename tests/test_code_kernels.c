/* SPDX-License-Identifier: MIT */
/* What the encoder does with many codes at once, with each set of instructions: the same as for one
 * code after the other; and with any number of threads. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding/codes.h"
#include "coding/cost_sums.h"
#include "coding/magnitudes.h"
#include "coding/symbol_slice.h"
#include "coding/take_run.h"
#include "coding_env.h"

enum { RUN = WSIC_TAKE_RUN, ROUNDS = 300, SETS = 2 };

/* By the number of a test: plain C, and what this processor has. */
static int32_t kernels_of(int set)
{
    return set == 0 ? WSIC_KERNELS_C : wsic_kernels_detect();
}

static uint32_t random_below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_bits(random) >> 32) % limit;
}

/* Below 2^bits in magnitude: each bit length is as likely as the others. */
static int32_t random_code(uint64_t *random, unsigned bits)
{
    const unsigned length = random_below(random, bits + 1);
    const int32_t magnitude = (int32_t)random_below(random, 1U << length);
    return random_below(random, 2) == 0 ? magnitude : -magnitude;
}

/* --- taking codes --------------------------------------------------------------------- */

/* Levels down a column from a state on, made from indices. */
static void make_levels(const wsic_trellis *trellis, unsigned *state, int32_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t index = codes[i];
        codes[i] = wsic_trellis_level(trellis->codebook[*state], index);
        *state = wsic_trellis_next(trellis, *state, index);
    }
}

/* Bytes behind the buckets, and numbers behind the data, must stay. */
typedef struct taken {
    int16_t data[RUN + 1];
    uint8_t buckets[RUN + 1];
    uint64_t energy;
} taken;

START_TEST(codes_are_taken)
{
    wsic_take_run *const take = wsic_take_run_kernel(kernels_of(_i));
    uint64_t random = 1;

    for (int round = 0; round < ROUNDS; round++) {
        taken found = {.data[RUN] = 77, .buckets[RUN] = 77, .energy = 5};
        uint64_t before = 9, energy = 5;
        int32_t codes[RUN];
        for (size_t i = 0; i < RUN; i++) {
            codes[i] = random_code(&random, (unsigned)round % (WSIC_TAKE_BITS + 1));
            energy += (uint64_t)(codes[i] * codes[i]);
        }
        ck_assert(take(codes, NULL, &before, found.data, found.buckets, &found.energy));
        for (size_t i = 0; i < RUN; i++) {
            ck_assert_int_eq(found.data[i], codes[i]);
            ck_assert_uint_eq(found.buckets[i], wsic_bucket(codes[i]));
        }
        ck_assert_uint_eq(found.energy, energy);
        ck_assert_int_eq(found.data[RUN], 77);
        ck_assert_uint_eq(found.buckets[RUN], 77);
        ck_assert_uint_eq(before, 9);
    }
}
END_TEST

/* Several runs of a column, one state after the other. */
static void take_levels(wsic_take_run *take, unsigned kind, unsigned bits, uint64_t *random)
{
    enum { RUNS = 3 };
    uint64_t before = 0, energy = 0;
    int32_t levels[RUNS * RUN];
    unsigned state = 0, made = 0;
    wsic_trellis trellis;
    taken found = {.energy = 0};

    wsic_trellis_make(&trellis, kind);
    const wsic_token_taps taps = wsic_token_taps_make(&trellis);
    for (size_t i = 0; i < RUNS * RUN; i++)
        levels[i] = random_code(random, bits);
    make_levels(&trellis, &made, levels, RUNS * RUN);
    for (size_t run = 0; run < RUNS; run++) {
        const int32_t *const codes = levels + run * RUN;
        ck_assert(take(codes, &taps, &before, found.data, found.buckets, &found.energy));
        for (size_t i = 0; i < RUN; i++) {
            const int32_t index = (abs(codes[i]) + 1) / 2 * (codes[i] < 0 ? -1 : 1);
            const int32_t token = wsic_trellis_token(trellis.context[state], index);
            ck_assert_int_eq(found.data[i], token);
            ck_assert_uint_eq(found.buckets[i], wsic_token_bucket(token));
            energy += (uint64_t)(index * index);
            state = wsic_trellis_next(&trellis, state, index);
        }
        ck_assert_uint_eq(found.energy, energy);
    }
}

START_TEST(levels_are_taken)
{
    wsic_take_run *const take = wsic_take_run_kernel(kernels_of(_i));
    uint64_t random = 2;

    for (int round = 0; round < ROUNDS; round++) {
        const unsigned kind = WSIC_TRELLIS_KIND_LEAST + (unsigned)round % 7;
        take_levels(take, kind, (unsigned)round % WSIC_TAKE_BITS, &random);
    }
}
END_TEST

/* Nothing is said of what cannot be taken, and the walk goes on from where it was. */
START_TEST(what_is_too_large_or_no_level_is_left)
{
    static const int32_t large[] = {1 << WSIC_TAKE_BITS, -(1 << WSIC_TAKE_BITS) - 1, INT32_MAX,
                                    INT32_MIN, 65536};
    wsic_take_run *const take = wsic_take_run_kernel(kernels_of(_i));
    wsic_trellis trellis;
    taken found = {.energy = 5};
    uint64_t before = 9;

    wsic_trellis_make(&trellis, 5);
    const wsic_token_taps taps = wsic_token_taps_make(&trellis);
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
            int32_t codes[RUN] = {0};
            codes[i] = large[k];
            ck_assert(!take(codes, NULL, &before, found.data, found.buckets, &found.energy));
            ck_assert(!take(codes, &taps, &before, found.data, found.buckets, &found.energy));
        }
        /* All other levels are 0, so the state stays 0: codebook 0, in which 3 is no level. */
        int32_t codes[RUN] = {0};
        uint64_t start = 0;
        codes[i] = 3;
        ck_assert(!take(codes, &taps, &start, found.data, found.buckets, &found.energy));
        ck_assert_uint_eq(start, 0);
    }
    ck_assert_uint_eq(before, 9);
    ck_assert_uint_eq(found.energy, 5);
}
END_TEST

/* --- symbols ---------------------------------------------------------------------------- */

/* docs/format.md, "Forms" and "Codes of a trellis". */
static uint8_t plain_symbol(const wsic_form *form, bool tokens, int16_t datum)
{
    const int32_t context = ((datum % 4) + 4) % 4;
    const int32_t code = tokens ? (datum - context) / 4 : datum;
    const double high = floor((code + floor(exp2(form->shift) / 2)) / exp2(form->shift));
    const double symbol = high + exp2(form->symbols_log) / 2;
    const int32_t of_form = !tokens ? 0 : form->contexts_log == 2 ? context : context / 2;
    const bool known = symbol >= 1 && symbol < exp2(form->symbols_log);

    return (uint8_t)((of_form << form->symbols_log) + (known ? (int32_t)symbol : 0));
}

static void find_symbols(wsic_symbol_slice *find, const wsic_form *form, bool tokens, unsigned bits,
                         uint64_t *random)
{
    int16_t data[WSIC_SLICE_COLUMNS][WSIC_SLICE_ROWS];
    const int16_t *columns[WSIC_SLICE_COLUMNS];
    uint8_t symbols[WSIC_SLICE_ROWS * WSIC_SLICE_COLUMNS + 1];
    bool beyond = false;

    for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++) {
        for (size_t i = 0; i < WSIC_SLICE_ROWS; i++)
            data[k][i] = (int16_t)random_code(random, bits);
        columns[k] = data[k];
    }
    data[3][5] = INT16_MAX;
    data[4][6] = INT16_MIN;
    symbols[WSIC_SLICE_ROWS * WSIC_SLICE_COLUMNS] = 77;
    const bool said = find((const int16_t *const *)columns, form, tokens, symbols);
    for (size_t i = 0; i < WSIC_SLICE_ROWS; i++) {
        for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++) {
            const uint8_t truth = plain_symbol(form, tokens, data[k][i]);
            ck_assert_uint_eq(symbols[i * WSIC_SLICE_COLUMNS + k], truth);
            beyond |= truth % (1 << form->symbols_log) == 0;
        }
    }
    ck_assert_int_eq(said, beyond);
    ck_assert_uint_eq(symbols[WSIC_SLICE_ROWS * WSIC_SLICE_COLUMNS], 77);
}

START_TEST(symbols_are_found)
{
    wsic_symbol_slice *const find = wsic_symbol_slice_kernel(kernels_of(_i));
    uint64_t random = 3;

    for (unsigned number = 0; number < WSIC_FORMS; number++) {
        for (unsigned bits = 1; bits < 16; bits++) {
            const wsic_form scalar = wsic_form_make(number, false);
            const wsic_form trellis = wsic_form_make(number, true);
            find_symbols(find, &scalar, false, bits, &random);
            find_symbols(find, &trellis, true, bits, &random);
        }
    }
}
END_TEST

/* --- slopes ----------------------------------------------------------------------------- */

START_TEST(slopes_are_added_up)
{
    enum { MOST_ROWS = 200 };
    wsic_slope_sums *const add = wsic_slope_sums_kernel(kernels_of(_i));
    static uint8_t buckets[WSIC_COST_COLUMNS][MOST_ROWS];
    uint64_t random = 4;

    for (int round = 0; round < ROUNDS; round++) {
        const size_t rows = 1 + random_below(&random, MOST_ROWS);
        wsic_slope_columns given = {.buckets = 1 + random_below(&random, WSIC_SLOPE_BUCKETS)};
        int32_t found[MOST_ROWS + 1], truth[MOST_ROWS + 1];
        given.columns.columns = 1 + random_below(&random, WSIC_COST_COLUMNS);
        for (size_t b = 0; b < given.buckets; b++)
            given.slope[b] = (int16_t)(round % 4 == 0 ? 4000 : random_code(&random, 11));
        for (size_t i = 0; i <= MOST_ROWS; i++)
            found[i] = truth[i] = random_code(&random, 20);
        for (size_t k = 0; k < given.columns.columns; k++) {
            given.columns.column[k] = buckets[k];
            for (size_t i = 0; i < rows; i++) {
                buckets[k][i] = (uint8_t)random_below(&random, (uint32_t)given.buckets);
                truth[i] += given.slope[buckets[k][i]];
            }
        }
        add(&given, rows, found);
        ck_assert_mem_eq(found, truth, sizeof truth);
    }
}
END_TEST

/* --- whole matrices ------------------------------------------------------------------------ */

enum { ROWS = 1100, COLUMNS = 530, BLOCK = 320 };

/* Rows of several widths, columns over ten octaves, a few outliers and two very large codes. */
static int32_t *make_codes(unsigned kind)
{
    int32_t *const codes = malloc(sizeof *codes * ROWS * COLUMNS);
    uint64_t random = 5;
    wsic_trellis trellis;

    ck_assert_ptr_nonnull(codes);
    for (size_t k = 0; k < (size_t)ROWS * COLUMNS; k++) {
        const double width = exp2(10.0 * (double)(k / ROWS * 37 % COLUMNS) / COLUMNS - 4);
        const double of_row = k % ROWS % 10 == 0 ? 1.5 : 1;
        const double outlier = random_uniform(&random) < 0.001 ? 20 : 1;
        codes[k] = (int32_t)lrint(width * of_row * outlier * random_gauss(&random));
    }
    codes[12345] = 100000;
    codes[ROWS * COLUMNS - 1] = -20000;
    if (kind == 0)
        return codes;
    wsic_trellis_make(&trellis, kind);
    for (size_t j = 0; j < COLUMNS; j++) {
        for (size_t first = 0; first < ROWS; first += BLOCK) {
            const size_t rows = ROWS - first < BLOCK ? ROWS - first : BLOCK;
            unsigned state = 0;
            make_levels(&trellis, &state, codes + j * ROWS + first, rows);
        }
    }
    return codes;
}

static void encode(wsic_context *context, wsic_env *env, const wsic_code_matrix *matrix,
                   int32_t kernels, size_t threads, wsic_bytes *bytes)
{
    ck_assert_int_eq(wsic_context_set_kernels(context, kernels), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(context, threads), WSIC_OK);
    *env = wsic_context_env(context);
    bytes->size = 0;
    ck_assert_int_eq(wsic_codes_encode(env, matrix, BLOCK, bytes), WSIC_OK);
}

START_TEST(bytes_depend_on_neither_kernels_nor_threads)
{
    const unsigned kind = _i == 0 ? 0 : 5;
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const codes = make_codes(kind);
    const wsic_code_matrix matrix = {
        .rows = ROWS, .columns = COLUMNS, .codes = codes, .kind = kind};
    wsic_bytes plain, other;

    wsic_bytes_init(&plain, &env);
    wsic_bytes_init(&other, &env);
    encode(context, &env, &matrix, WSIC_KERNELS_C, 1, &plain);
    for (size_t threads = 1; threads <= 3; threads += 2) {
        encode(context, &env, &matrix, WSIC_KERNELS_AUTO, threads, &other);
        ck_assert_uint_eq(plain.size, other.size);
        ck_assert_mem_eq(plain.data, other.data, plain.size);
    }
    wsic_bytes_release(&plain);
    wsic_bytes_release(&other);
    ck_assert_int_eq(wsic_context_set_threads(context, 1), WSIC_OK);
    free(codes);
    close_env(context);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("code_kernels");
    TCase *const tests = tcase_create("code_kernels");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, codes_are_taken, 0, SETS);
    tcase_add_loop_test(tests, levels_are_taken, 0, SETS);
    tcase_add_loop_test(tests, what_is_too_large_or_no_level_is_left, 0, SETS);
    tcase_add_loop_test(tests, symbols_are_found, 0, SETS);
    tcase_add_loop_test(tests, slopes_are_added_up, 0, SETS);
    tcase_add_loop_test(tests, bytes_depend_on_neither_kernels_nor_threads, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
