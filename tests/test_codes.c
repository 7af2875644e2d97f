/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding/codes.h"
#include "coding/codes_plan.h"
#include "coding_env.h"
#include "plain_decoder.h"

/* --- matrices ------------------------------------------------------------------- */

typedef int32_t element(uint64_t *state, size_t i, size_t j);

static int32_t all_zero(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return 0;
}

static int32_t all_three(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return 3;
}

static int32_t all_lowest(uint64_t *state, size_t i, size_t j)
{
    (void)state, (void)i, (void)j;
    return INT32_MIN;
}

static int32_t alternating(uint64_t *state, size_t i, size_t j)
{
    (void)state;
    return (i + j) % 2 == 0 ? -1 : 1;
}

static int32_t extremes(uint64_t *state, size_t i, size_t j)
{
    static const int32_t values[] = {INT32_MIN, INT32_MAX, 0, -1, 1, INT32_MIN + 1};
    (void)i, (void)j;
    return values[random_bits(state) % 6];
}

static int32_t any_bits(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    return (int32_t)(uint32_t)random_bits(state);
}

static int32_t sparse(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    return random_bits(state) % 200 == 0 ? 1 : 0;
}

static int32_t one_element(uint64_t *state, size_t i, size_t j)
{
    (void)state;
    return i == 2 && j == 5 ? -4 : 0;
}

/* Narrow but for a few far out, some of them as far as can be. */
static int32_t outliers(uint64_t *state, size_t i, size_t j)
{
    (void)i, (void)j;
    if (random_bits(state) % 16 == 0)
        return (int32_t)(uint32_t)random_bits(state) >> random_bits(state) % 31;
    return (int32_t)lrint(random_gauss(state));
}

static int32_t spread(uint64_t *state, size_t i, size_t j)
{
    const double scale = exp2((double)(j * 7 % 13) / 4 - 1 + (double)(i * 5 % 7) / 6);
    return (int32_t)lrint(scale * random_gauss(state));
}

static int32_t wide(uint64_t *state, size_t i, size_t j)
{
    return (int32_t)lrint(exp2((double)(j % 17) + (double)(i % 3)) * random_gauss(state));
}

/* Every third column and every fifth row dead. */
static int32_t with_dead(uint64_t *state, size_t i, size_t j)
{
    return i % 5 == 0 || j % 3 == 0 ? 0 : spread(state, i, j) | 1;
}

typedef struct named {
    const char *name;
    element *make;
} named;

static const named MATRICES[] = {{"zero", all_zero},     {"three", all_three},
                                 {"lowest", all_lowest}, {"alternating", alternating},
                                 {"extremes", extremes}, {"any bits", any_bits},
                                 {"sparse", sparse},     {"one element", one_element},
                                 {"outliers", outliers}, {"spread", spread},
                                 {"wide", wide},         {"with dead", with_dead}};

enum { MATRIX_COUNT = sizeof MATRICES / sizeof *MATRICES };

static int32_t *make_codes(element *make, size_t rows, size_t columns, uint64_t seed)
{
    int32_t *const codes = malloc(rows * columns * sizeof *codes);
    uint64_t state = seed;

    ck_assert_ptr_nonnull(codes);
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < rows; i++)
            codes[j * rows + i] = make(&state, i, j);
    }
    return codes;
}

/* --- decoding ---------------------------------------------------------------------- */

/* All blocks; the last status. out is row-major. */
static wsic_status decode(const wsic_env *env, const uint8_t *data, size_t size,
                          const wsic_code_matrix *like, int32_t *out, size_t *used)
{
    wsic_cursor cursor = wsic_cursor_make(data, size);
    wsic_code_reader *reader;

    wsic_status status = wsic_code_reader_open(env, &cursor, like->rows, like->columns,
                                               like->row_hint, like->column_hint, &reader);
    if (status != WSIC_OK) {
        ck_assert_ptr_null(reader);
        ck_assert_uint_eq(cursor.position, 0);
        return status;
    }
    const size_t block_rows = wsic_code_reader_block_rows(reader);
    /* Backwards, to show that blocks do not need each other. */
    for (size_t k = (like->rows + block_rows - 1) / block_rows; k-- > 0 && status == WSIC_OK;)
        status = wsic_code_reader_block(env, reader, k, out + k * block_rows * like->columns);
    wsic_code_reader_close(env, reader);
    *used = cursor.position;
    return status;
}

static void expect_equal(const wsic_code_matrix *matrix, const int32_t *decoded)
{
    for (size_t i = 0; i < matrix->rows; i++) {
        for (size_t j = 0; j < matrix->columns; j++)
            ck_assert_int_eq(decoded[i * matrix->columns + j], matrix->codes[j * matrix->rows + i]);
    }
}

/* Both decoders, and the measure; returns the size in bytes. */
static size_t round_trip(const wsic_env *env, const wsic_code_matrix *matrix, size_t block_rows)
{
    int32_t *const decoded = malloc(matrix->rows * matrix->columns * sizeof *decoded);
    wsic_bytes bytes;
    size_t used;
    double bits;
    double fixed;

    ck_assert_ptr_nonnull(decoded);
    wsic_bytes_init(&bytes, env);
    wsic_put_u8(&bytes, 0xA5); /* appended to what is there */
    ck_assert_int_eq(wsic_codes_encode(env, matrix, block_rows, &bytes), WSIC_OK);
    const size_t size = bytes.size - 1;
    wsic_put_u8(&bytes, 0xA5);
    ck_assert_int_eq(decode(env, bytes.data + 1, size + 1, matrix, decoded, &used), WSIC_OK);
    ck_assert_uint_eq(used, size);
    expect_equal(matrix, decoded);
    ck_assert(plain_decode_codes(bytes.data + 1, size, matrix->rows, matrix->columns,
                                 matrix->row_hint, matrix->column_hint, decoded, &used));
    ck_assert_uint_eq(used, size);
    expect_equal(matrix, decoded);

    const double blocks = ceil((double)matrix->rows / (double)block_rows);
    ck_assert_int_eq(wsic_codes_measure(env, matrix, block_rows, &bits, &fixed), WSIC_OK);
    ck_assert_msg(fabs(bits / 8 - (double)size) <= 8 + 2 * blocks + 0.001 * (double)size,
                  "measured %f bytes, written %zu", bits / 8, size);
    ck_assert_double_gt(fixed, 0);
    ck_assert_double_le(fixed, bits);
    wsic_bytes_release(&bytes);
    free(decoded);
    return size;
}

START_TEST(everything_comes_back)
{
    static const size_t shapes[][3] = {{1, 1, 1},    {1, 70, 1},   {70, 1, 64},  {3, 7, 2},
                                       {65, 33, 64}, {130, 5, 50}, {100, 90, 7}, {200, 170, 64}};
    const named *const given = &MATRICES[_i];
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        int32_t *const codes = make_codes(given->make, shapes[k][0], shapes[k][1], 17 + k);
        const wsic_code_matrix matrix = {
            .rows = shapes[k][0], .columns = shapes[k][1], .codes = codes};
        round_trip(&env, &matrix, shapes[k][2]);
        free(codes);
    }
    close_env(context);
}
END_TEST

/* 32 lanes, which only larger blocks have, and a last group that does not fill them. */
START_TEST(many_lanes_come_back)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const codes = make_codes(outliers, 1100, 1001, 4);
    const wsic_code_matrix matrix = {.rows = 1100, .columns = 1001, .codes = codes};
    wsic_code_plan plan;

    ck_assert_int_eq(wsic_code_plan_make(&env, &matrix, 1100, &plan), WSIC_OK);
    ck_assert_uint_eq(plan.lanes_log, 5);
    wsic_code_plan_release(&env, &plan);
    round_trip(&env, &matrix, 1100);
    free(codes);
    close_env(context);
}
END_TEST

/* --- sizes --------------------------------------------------------------------------- */

static size_t coded_size(const wsic_env *env, const wsic_code_matrix *matrix, size_t block_rows)
{
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, env);
    ck_assert_int_eq(wsic_codes_encode(env, matrix, block_rows, &bytes), WSIC_OK);
    const size_t size = bytes.size;
    wsic_bytes_release(&bytes);
    return size;
}

START_TEST(little_is_coded_in_few_bytes)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const int32_t one = -5;
    const wsic_code_matrix single = {.rows = 1, .columns = 1, .codes = &one};

    ck_assert_uint_le(coded_size(&env, &single, 1), 14);
    int32_t *codes = make_codes(all_zero, 300, 200, 1);
    wsic_code_matrix matrix = {.rows = 300, .columns = 200, .codes = codes};
    ck_assert_uint_le(coded_size(&env, &matrix, 300), 6);
    for (size_t k = 0; k < 300 * 200; k++)
        codes[k] = 3;
    ck_assert_uint_le(coded_size(&env, &matrix, 300), 40);
    free(codes);
    close_env(context);
}
END_TEST

/* Dead columns in known places beside live ones: all they cost is their marks. */
START_TEST(dead_columns_cost_their_marks)
{
    enum { ROWS = 600, COLUMNS = 400 };
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const live = make_codes(spread, ROWS, COLUMNS, 2);
    int32_t *const all = calloc((size_t)ROWS * 2 * COLUMNS, sizeof *all);

    for (size_t j = 0; j < COLUMNS; j++)
        memcpy(all + 2 * j * ROWS, live + j * ROWS, ROWS * sizeof *all);
    const wsic_code_matrix small = {.rows = ROWS, .columns = COLUMNS, .codes = live};
    const wsic_code_matrix large = {.rows = ROWS, .columns = 2 * COLUMNS, .codes = all};
    ck_assert_uint_le(coded_size(&env, &large, ROWS),
                      coded_size(&env, &small, ROWS) + 2 * COLUMNS / 8 + 20);
    free(all);
    free(live);
    close_env(context);
}
END_TEST

typedef struct source {
    const char *name;
    double log2_deviation;
    double column_octaves;
    double row_octaves;
    bool laplace;
} source;

static const source SOURCES[] = {
    {"low rate", -3, 3, 0, false},    {"about 1 bit", -1, 3, 0, false},
    {"about 2 bits", 0, 3, 0, false}, {"rows too", 0, 3, 1.5, false},
    {"about 4 bits", 2, 3, 0, false}, {"8 bits", 6, 3, 0, false},
    {"laplace", 0, 3, 0, true},       {"laplace, rows too", 1, 3, 1.5, true}};

enum { SOURCE_COUNT = sizeof SOURCES / sizeof *SOURCES };

static double tail_above(const source *given, double t)
{
    return given->laplace ? 0.5 * exp(-t * sqrt(2)) : 0.5 * erfc(t / sqrt(2));
}

static double ideal_bits(const source *given, double deviation, int32_t code)
{
    const double magnitude = fabs((double)code);
    const double mass = code == 0 ? 1 - 2 * tail_above(given, 0.5 / deviation)
                                  : tail_above(given, (magnitude - 0.5) / deviation) -
                                        tail_above(given, (magnitude + 0.5) / deviation);
    return -log2(fmax(mass, 1e-300));
}

/* Codes from a known source, and the bits that they cost who knows all scales. */
static double draw(const source *given, size_t rows, size_t columns, int32_t *codes)
{
    double *const row_scale = malloc(rows * sizeof *row_scale);
    uint64_t state = 99;
    double bits = 0;

    for (size_t i = 0; i < rows; i++)
        row_scale[i] = exp2(given->row_octaves * (random_uniform(&state) - 0.5));
    for (size_t j = 0; j < columns; j++) {
        const double scale =
            exp2(given->log2_deviation + given->column_octaves * (random_uniform(&state) - 0.5));
        for (size_t i = 0; i < rows; i++) {
            const double unit = given->laplace ? log(random_uniform(&state)) / sqrt(2) *
                                                     (random_bits(&state) % 2 == 0 ? 1 : -1)
                                               : random_gauss(&state);
            codes[j * rows + i] = (int32_t)lrint(scale * row_scale[i] * unit);
            bits += ideal_bits(given, scale * row_scale[i], codes[j * rows + i]);
        }
    }
    free(row_scale);
    return bits / ((double)rows * (double)columns);
}

START_TEST(size_is_below_the_pooled_entropy_and_near_the_source)
{
    enum { SIZE = 1024 };
    const source *const given = &SOURCES[_i];
    int32_t *const codes = malloc((size_t)SIZE * SIZE * sizeof *codes);
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const double ideal = draw(given, SIZE, SIZE, codes);
    const wsic_code_matrix matrix = {.rows = SIZE, .columns = SIZE, .codes = codes};
    double pooled;

    ck_assert_int_eq(wsic_codes_entropy(&env, codes, (size_t)SIZE * SIZE, &pooled), WSIC_OK);
    const size_t size = coded_size(&env, &matrix, wsic_codes_block_rows(SIZE, SIZE));
    const double rate = 8.0 * (double)size / SIZE / SIZE;
    ck_assert_msg(rate < pooled, "%s: %f bits, pooled %f", given->name, rate, pooled);
    ck_assert_msg(rate < ideal + 0.02, "%s: %f bits, ideal %f", given->name, rate, ideal);
    ck_assert_msg(rate > ideal - 0.01, "%s: %f bits, ideal %f", given->name, rate, ideal);
    free(codes);
    close_env(context);
}
END_TEST

START_TEST(entropy_is_that_of_the_histogram)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const int32_t near[] = {1, 1, 1, 1, 2, 2, 3, 4};
    const int32_t far[] = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX, 0, 7};
    double bits;

    ck_assert_int_eq(wsic_codes_entropy(&env, near, 8, &bits), WSIC_OK);
    ck_assert_double_eq_tol(bits, 1.75, 1e-12);
    ck_assert_int_eq(wsic_codes_entropy(&env, far, 8, &bits), WSIC_OK);
    ck_assert_double_eq_tol(bits, 1.75, 1e-12);
    close_env(context);
}
END_TEST

/* --- hints ----------------------------------------------------------------------------- */

START_TEST(hints_help_or_are_dropped)
{
    enum { ROWS = 256, COLUMNS = 256 };
    uint64_t state = 8;
    int32_t hints[COLUMNS];
    int32_t noise[COLUMNS];
    int32_t *const codes = malloc((size_t)ROWS * COLUMNS * sizeof *codes);
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t j = 0; j < COLUMNS; j++) {
        hints[j] = (int32_t)(random_bits(&state) % 24) + 1000;
        noise[j] = (int32_t)(uint32_t)random_bits(&state);
        for (size_t i = 0; i < ROWS; i++)
            codes[j * ROWS + i] =
                (int32_t)lrint(exp2((hints[j] - 1006) / 4.0) * random_gauss(&state));
    }
    wsic_code_matrix matrix = {.rows = ROWS, .columns = COLUMNS, .codes = codes};
    const size_t plain = coded_size(&env, &matrix, ROWS);
    matrix.column_hint = hints;
    const size_t hinted = round_trip(&env, &matrix, ROWS);
    /* 24 equally likely classes cost 4.6 bits each, of which little remains. */
    ck_assert_uint_lt(hinted + COLUMNS * 4 / 8 - COLUMNS / 8, plain);
    matrix.column_hint = noise;
    matrix.row_hint = noise;
    ck_assert_uint_le(round_trip(&env, &matrix, ROWS), plain);
    free(codes);
    close_env(context);
}
END_TEST

/* --- hostile bytes ------------------------------------------------------------------------ */

static void expect_agreement(const wsic_env *env, const uint8_t *data, size_t size,
                             const wsic_code_matrix *like, size_t bit)
{
    const size_t count = like->rows * like->columns;
    int32_t *const decoded = malloc(count * sizeof *decoded);
    int32_t *const truth = malloc(count * sizeof *truth);
    size_t used = 0;
    size_t plain_used = 0;

    const wsic_status status = decode(env, data, size, like, decoded, &used);
    const bool good = plain_decode_codes(data, size, like->rows, like->columns, like->row_hint,
                                         like->column_hint, truth, &plain_used);
    ck_assert_msg((status == WSIC_OK) == good, "bit %zu: status %d, the text says %d", bit,
                  (int)status, good);
    ck_assert(status == WSIC_OK || status == WSIC_ERROR_FORMAT || status == WSIC_ERROR_TRUNCATED ||
              status == WSIC_ERROR_VERSION);
    if (good) {
        ck_assert_uint_eq(used, plain_used);
        ck_assert_mem_eq(decoded, truth, count * sizeof *decoded);
    }
    free(decoded);
    free(truth);
}

/* In a copy of just the right size, so that a sanitizer sees reads past the end. */
START_TEST(damage_is_refused_or_decodes_as_the_text_says)
{
    enum { ROWS = 13, COLUMNS = 11 };
    int32_t hints[ROWS + COLUMNS];
    int32_t *const codes = make_codes(MATRICES[_i].make, ROWS, COLUMNS, 23);
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_bytes bytes;

    for (size_t k = 0; k < ROWS + COLUMNS; k++)
        hints[k] = (int32_t)(k * 7 % 13);
    const wsic_code_matrix matrix = {.rows = ROWS,
                                     .columns = COLUMNS,
                                     .codes = codes,
                                     .row_hint = hints,
                                     .column_hint = hints + ROWS};
    wsic_bytes_init(&bytes, &env);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 5, &bytes), WSIC_OK);
    uint8_t *const copy = malloc(bytes.size);
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        memcpy(copy, bytes.data, bytes.size);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        expect_agreement(&env, copy, bytes.size, &matrix, bit);
    }
    free(copy);
    for (size_t size = 0; size < bytes.size; size++) {
        int32_t decoded[ROWS * COLUMNS];
        size_t used;
        uint8_t *const cut = malloc(size + 1); /* malloc(0) may be NULL */
        memcpy(cut + 1, bytes.data, size);
        ck_assert_int_lt(decode(&env, cut + 1, size, &matrix, decoded, &used), 0);
        free(cut);
    }
    wsic_bytes_release(&bytes);
    free(codes);
    close_env(context);
}
END_TEST

START_TEST(noise_does_no_harm)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const wsic_code_matrix like = {.rows = 9, .columns = 6};
    uint64_t state = 77 + (uint64_t)_i;

    for (int trial = 0; trial < 3000; trial++) {
        uint8_t noise[160];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)(random_bits(&state) >> 24 & random_bits(&state) >> 30);
        noise[0] = 0;
        noise[1] &= 0x9D; /* no hints, few lanes: what gets further */
        noise[2] &= 15;
        noise[3] = (uint8_t)(1 + noise[3] % 9);
        noise[4] &= 31;
        expect_agreement(&env, noise, sizeof noise, &like, (size_t)trial);
    }
    close_env(context);
}
END_TEST

START_TEST(unknown_quantizers_are_of_a_later_version)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const uint8_t bytes[] = {1, 0, 0, 1, 0};
    wsic_cursor cursor = wsic_cursor_make(bytes, sizeof bytes);
    wsic_code_reader *reader;

    ck_assert_int_eq(wsic_code_reader_open(&env, &cursor, 1, 1, NULL, NULL, &reader),
                     WSIC_ERROR_VERSION);
    close_env(context);
}
END_TEST

/* --- threads and memory --------------------------------------------------------------------- */

START_TEST(bytes_do_not_depend_on_threads)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    int32_t *const codes = make_codes(spread, 500, 120, 31);
    const wsic_code_matrix matrix = {.rows = 500, .columns = 120, .codes = codes};
    wsic_bytes one;
    wsic_bytes many;

    wsic_bytes_init(&one, &env);
    wsic_bytes_init(&many, &env);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 64, &one), WSIC_OK);
    ck_assert_int_eq(wsic_context_set_threads(context, 4), WSIC_OK);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, 64, &many), WSIC_OK);
    ck_assert_uint_eq(one.size, many.size);
    ck_assert_mem_eq(one.data, many.data, one.size);
    wsic_bytes_release(&one);
    wsic_bytes_release(&many);
    ck_assert_int_eq(wsic_context_set_threads(context, 1), WSIC_OK);
    free(codes);
    close_env(context);
}
END_TEST

typedef struct scarce {
    long left; /* allocations before one fails */
} scarce;

static void *scarce_allocate(void *user, size_t size)
{
    scarce *const memory = user;
    return memory->left-- > 0 ? malloc(size) : NULL;
}

static void scarce_release(void *user, void *pointer)
{
    (void)user;
    free(pointer);
}

/* Whichever allocation fails: the status says so, and nothing stays behind. */
START_TEST(lack_of_memory_leaves_nothing_behind)
{
    int32_t *const codes = make_codes(with_dead, 60, 40, 3);
    const wsic_code_matrix matrix = {.rows = 60, .columns = 40, .codes = codes};
    int32_t decoded[60 * 40];
    bool done = false;

    for (long allowed = 1; !done; allowed++) {
        scarce memory = {.left = allowed};
        const wsic_allocator allocator = {sizeof allocator, scarce_allocate, scarce_release,
                                          &memory};
        wsic_context *context;
        wsic_bytes bytes;
        size_t used;
        ck_assert_int_eq(wsic_context_create(&allocator, &context), WSIC_OK);
        const wsic_env env = wsic_context_env(context);
        wsic_bytes_init(&bytes, &env);
        wsic_status status = wsic_codes_encode(&env, &matrix, 32, &bytes);
        if (status == WSIC_OK)
            status = decode(&env, bytes.data, bytes.size, &matrix, decoded, &used);
        ck_assert(status == WSIC_OK || status == WSIC_ERROR_MEMORY);
        done = status == WSIC_OK;
        wsic_bytes_release(&bytes);
        close_env(context);
    }
    expect_equal(&matrix, decoded);
    free(codes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("codes");
    TCase *const tests = tcase_create("codes");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, everything_comes_back, 0, MATRIX_COUNT);
    tcase_add_test(tests, many_lanes_come_back);
    tcase_add_test(tests, little_is_coded_in_few_bytes);
    tcase_add_test(tests, dead_columns_cost_their_marks);
    tcase_add_loop_test(tests, size_is_below_the_pooled_entropy_and_near_the_source, 0,
                        SOURCE_COUNT);
    tcase_add_test(tests, entropy_is_that_of_the_histogram);
    tcase_add_test(tests, hints_help_or_are_dropped);
    tcase_add_loop_test(tests, damage_is_refused_or_decodes_as_the_text_says, 0, MATRIX_COUNT);
    tcase_add_loop_test(tests, noise_does_no_harm, 0, 4);
    tcase_add_test(tests, unknown_quantizers_are_of_a_later_version);
    tcase_add_test(tests, bytes_do_not_depend_on_threads);
    tcase_add_test(tests, lack_of_memory_leaves_nothing_behind);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
