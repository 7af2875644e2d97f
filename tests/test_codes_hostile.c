/* SPDX-License-Identifier: MIT */
/* Damaged bytes, and too little memory. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "code_matrices.h"
#include "coding/int_array.h"
#include "plain_decoder.h"

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
static void damage(element *make, unsigned kind, size_t stride)
{
    enum { ROWS = 13, COLUMNS = 11 };
    int32_t hints[ROWS + COLUMNS];
    int32_t *const codes = make_codes(make, ROWS, COLUMNS, 23);
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_bytes bytes;

    if (kind != 0)
        make_levels_in_order(codes, ROWS, COLUMNS, kind, 5, stride);
    for (size_t k = 0; k < ROWS + COLUMNS; k++)
        hints[k] = (int32_t)(k * 7 % 13);
    const wsic_code_matrix matrix = {.rows = ROWS,
                                     .columns = COLUMNS,
                                     .codes = codes,
                                     .kind = kind,
                                     .row_stride = stride,
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

START_TEST(damage_is_refused_or_decodes_as_the_text_says)
{
    static const unsigned kinds[] = {0, 2, 8, 3};
    const size_t stride = _i / MATRIX_COUNT == 3 ? 3 : 1;

    damage(MATRICES[_i % MATRIX_COUNT].make, kinds[_i / MATRIX_COUNT], stride);
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
        noise[0] = trial % 2 == 0 ? 0 : (uint8_t)(2 + trial / 2 % 7);
        noise[1] &= 0x8D; /* no hints, few lanes: what gets further */
        noise[2] &= 0x7F;
        noise[3] = (uint8_t)(1 + noise[3] % 9);
        noise[4] = (uint8_t)(1 + noise[4] % 3);
        noise[5] &= 31;
        noise[7] = 1;
        expect_agreement(&env, noise, sizeof noise, &like, (size_t)trial);
    }
    close_env(context);
}
END_TEST

START_TEST(unknown_quantizers_are_of_a_later_version)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    const uint8_t kinds[] = {1, 9, 255};

    for (size_t k = 0; k < sizeof kinds; k++) {
        const uint8_t bytes[] = {kinds[k], 0, 0, 1, 1, 0};
        wsic_cursor cursor = wsic_cursor_make(bytes, sizeof bytes);
        wsic_code_reader *reader;
        ck_assert_int_eq(wsic_code_reader_open(&env, &cursor, 1, 1, NULL, NULL, &reader),
                         WSIC_ERROR_VERSION);
    }
    close_env(context);
}
END_TEST

/* All of them zeros, which take no more bytes than these. */
START_TEST(blocks_claim_no_memory_without_bound)
{
    static const struct {
        size_t rows, columns;
        wsic_status status;
    } cases[] = {
        {64, 1 << 20, WSIC_OK},
        {65, 1 << 20, WSIC_ERROR_FORMAT},
        {64, (1 << 20) + 1, WSIC_ERROR_FORMAT},
        {1, 1 << 27, WSIC_OK},
        {2, 1 << 27, WSIC_ERROR_FORMAT},
    };
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const uint8_t bytes[] = {0, 0, 0, (uint8_t)cases[k].rows, 1, 0};
        wsic_cursor cursor = wsic_cursor_make(bytes, sizeof bytes);
        wsic_code_reader *reader;
        ck_assert_int_eq(wsic_code_reader_open(&env, &cursor, cases[k].rows, cases[k].columns, NULL,
                                               NULL, &reader),
                         cases[k].status);
        wsic_code_reader_close(&env, reader);
        /* A writer keeps to it. */
        const size_t chosen = wsic_codes_block_rows(cases[k].rows, cases[k].columns, 8);
        ck_assert_uint_le(chosen, wsic_codes_block_rows_most(cases[k].columns));
    }
    close_env(context);
}
END_TEST

START_TEST(more_than_can_be_counted_is_refused)
{
    static const size_t most = INT32_MAX;
    const size_t shapes[][2] = {{most + 1, 1}, {1, most + 1}, {SIZE_MAX, SIZE_MAX}};
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const uint8_t bytes[] = {0, 0, 0, 1, 1, 0};
        wsic_cursor cursor = wsic_cursor_make(bytes, sizeof bytes);
        wsic_code_reader *reader;
        ck_assert_int_eq(
            wsic_code_reader_open(&env, &cursor, shapes[k][0], shapes[k][1], NULL, NULL, &reader),
            WSIC_ERROR_FORMAT);
        ck_assert_ptr_null(reader);
    }
    close_env(context);
}
END_TEST

/* --- heads by hand, of 3 x 4 codes ------------------------------------------------- */

enum { ROWS = 3, COLUMNS = 4, ROW_HINT = 16, BY_HINT = 1 << 6, BY_KEYS = 2 << 6 };

typedef struct hand_head {
    uint8_t kind, flags1, flags2;
    uint64_t block_rows, stride, classes;
    int64_t base, form_class;
    int32_t row_class, key, octet_class; /* of all; the key counts towards the class of an octet */
    const char *told;
} hand_head;

static void put_constants(const wsic_env *env, int32_t value, size_t count, wsic_bytes *bytes)
{
    int32_t values[COLUMNS];

    for (size_t k = 0; k < count; k++)
        values[k] = value;
    ck_assert_int_eq(wsic_int_array_write(env, values, count, bytes), WSIC_OK);
}

/* What docs/format.md says, up to the octet classes: models would follow. */
static void put_hand_head(const wsic_env *env, const hand_head *head, wsic_bytes *bytes)
{
    wsic_bytes_init(bytes, env);
    wsic_put_u8(bytes, head->kind);
    wsic_put_u8(bytes, head->flags1);
    wsic_put_u8(bytes, head->flags2);
    wsic_put_varint(bytes, head->block_rows);
    wsic_put_varint(bytes, head->stride);
    wsic_put_varint(bytes, head->classes);
    wsic_put_signed(bytes, head->base);
    wsic_put_signed(bytes, head->form_class);
    wsic_put_varint(bytes, 1);
    put_constants(env, head->row_class, ROWS, bytes);
    if ((head->flags1 & BY_KEYS) != 0)
        put_constants(env, head->key, COLUMNS, bytes);
    put_constants(env, head->octet_class, 1, bytes);
}

static wsic_status open_hand_head(const wsic_env *env, const hand_head *head)
{
    wsic_code_reader *reader;
    wsic_bytes bytes;

    put_hand_head(env, head, &bytes);
    wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
    const wsic_status status =
        wsic_code_reader_open(env, &cursor, ROWS, COLUMNS, NULL, NULL, &reader);
    ck_assert_ptr_null(reader);
    wsic_bytes_release(&bytes);
    return status;
}

START_TEST(numbers_of_the_head_are_held_to_their_limits)
{
    static const hand_head cases[] = {
        {0, 0, 0, 3, 1, 1, 0, 0, 0, 0, 0, NULL},
        {0, 0, 0, 3, 3, 1, 0, 1023, 1023, 0, -1023, NULL},
        {0, BY_KEYS, 0, 1, 1, 1, 0, -1023, -1023, 1 << 20, -(1 << 20), NULL},
        {0, BY_KEYS, 0, 1, 1, 1, 0, 0, 0, -(1 << 20), 1 << 20, NULL},
        {0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, "block"},
        {0, 0, 0, 4, 1, 1, 0, 0, 0, 0, 0, "block"},
        {0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, "stride of 0"},
        {0, 0, 0, 3, 4, 1, 0, 0, 0, 0, 0, "stride of 4"},
        {0, 3, 0, 3, 1, 1, 0, 0, 0, 0, 0, "flags"},
        {0, 0, 64, 3, 1, 1, 0, 0, 0, 0, 0, "flags"},
        {0, ROW_HINT, 0, 3, 1, 1, 0, 0, 0, 0, 0, "hints"},
        {0, BY_HINT, 0, 3, 1, 1, 0, 0, 0, 0, 0, "hints"},
        {0, 0, 0, 3, 1, 1000000, 0, 0, 0, 0, 0, "1000000 classes"},
        {0, 0, 0, 3, 1, 1, 100000, 0, 0, 0, 0, "classes of codes, from 100000"},
        {0, 0, 0, 3, 1, 1, -100000, 0, 0, 0, 0, "classes of codes, from -100000"},
        {0, 0, 0, 3, 1, 1, 0, 1024, 0, 0, 0, "forms follow from is 1024"},
        {0, 0, 0, 3, 1, 1, 0, -1024, 0, 0, 0, "forms follow from is -1024"},
        {0, 0, 0, 3, 1, 1, 0, 0, 1024, 0, 0, "row classes is 1024"},
        {0, 0, 0, 3, 1, 1, 0, 0, -1024, 0, 0, "row classes is -1024"},
        {0, 0, 0, 3, 1, 1, 0, 0, 0, 0, 1024, "octet classes is 1024"},
        {0, 0, 0, 3, 1, 1, 0, 0, 0, 0, -1024, "octet classes is -1024"},
        {0, BY_KEYS, 0, 3, 1, 1, 0, 0, 0, (1 << 20) + 1, 0, "key of column 0"},
        {0, BY_KEYS, 0, 3, 1, 1, 0, 0, 0, -(1 << 20) - 1, 0, "key of column 0"},
    };
    wsic_env env;
    wsic_context *const context = open_env(&env);

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const wsic_status status = open_hand_head(&env, &cases[k]);
        ck_assert_msg(status == (cases[k].told ? WSIC_ERROR_FORMAT : WSIC_ERROR_TRUNCATED),
                      "head %zu: %s", k, wsic_context_message(context));
        if (cases[k].told)
            ck_assert_msg(strstr(wsic_context_message(context), cases[k].told) != NULL,
                          "head %zu: %s", k, wsic_context_message(context));
    }
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
    const unsigned kind = _i == 0 ? 0 : 3;
    int32_t *const codes = make_codes(with_dead, 60, 40, 3);
    if (kind != 0)
        make_levels(codes, 60, 40, kind, 32);
    const wsic_code_matrix matrix = {.rows = 60, .columns = 40, .codes = codes, .kind = kind};
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
    Suite *const suite = suite_create("codes_hostile");
    TCase *const tests = tcase_create("codes_hostile");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, damage_is_refused_or_decodes_as_the_text_says, 0, 4 * MATRIX_COUNT);
    tcase_add_loop_test(tests, noise_does_no_harm, 0, 4);
    tcase_add_test(tests, unknown_quantizers_are_of_a_later_version);
    tcase_add_test(tests, blocks_claim_no_memory_without_bound);
    tcase_add_test(tests, more_than_can_be_counted_is_refused);
    tcase_add_test(tests, numbers_of_the_head_are_held_to_their_limits);
    tcase_add_loop_test(tests, lack_of_memory_leaves_nothing_behind, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
