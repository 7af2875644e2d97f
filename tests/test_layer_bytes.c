/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "base/checksum.h"
#include "sample_fixture.h"
#include "watersic/watersic.h"

START_TEST(reading_gives_the_same_layer)
{
    wsic_layer_info first = {.size = sizeof first}, second = {.size = sizeof second};
    static float a[ROWS * COLUMNS], b[ROWS * COLUMNS];
    const void *bytes, *again;
    size_t size, again_size;
    wsic_layer *other;
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_create(context, bytes, size, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(other, &again, &again_size), WSIC_OK);
    ck_assert_uint_eq(size, again_size);
    ck_assert_ptr_ne(bytes, again);
    ck_assert_mem_eq(bytes, again, size);
    ck_assert_int_eq(wsic_layer_get_info(layer, &first), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &second), WSIC_OK);
    ck_assert_mem_eq(&first, &second, sizeof first);
    wsic_matrix_init(&matrix, sizeof matrix, a, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    matrix.data = b;
    ck_assert_int_eq(wsic_layer_dequantize(other, 0, &matrix), WSIC_OK);
    ck_assert_mem_eq(a, b, sizeof a);
    wsic_layer_destroy(other);

    ck_assert_int_eq(wsic_layer_get_bytes(layer, NULL, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_bytes(NULL, &bytes, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_create(context, NULL, size, &other), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_create(context, bytes, size, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_create(NULL, bytes, size, &other), WSIC_ERROR_ARGUMENT);
    wsic_layer_destroy(NULL);
}
END_TEST

START_TEST(every_truncation_and_flip_is_refused)
{
    const void *original;
    wsic_layer *other;
    size_t size;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &original, &size), WSIC_OK);
    uint8_t *const bytes = malloc(size + 1);
    memcpy(bytes, original, size);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_lt(wsic_layer_create(context, bytes, cut, &other), 0);
        ck_assert_ptr_null(other);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_lt(wsic_layer_create(context, bytes, size, &other), 0);
        ck_assert_ptr_null(other);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[size] = 0;
    ck_assert_int_lt(wsic_layer_create(context, bytes, size + 1, &other), 0);
    free(bytes);
}
END_TEST

/* Layers put together by hand, from docs/format.md. */
typedef struct assembly {
    uint8_t bytes[8192];
    size_t size;
} assembly;

static void put_varint(assembly *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        out->bytes[out->size++] = (uint8_t)(value | 0x80);
    out->bytes[out->size++] = (uint8_t)value;
}

static uint64_t get_varint(const uint8_t *bytes, size_t *position)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = bytes[(*position)++];
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
}

static void put_header(assembly *out, uint64_t rows, uint64_t columns, uint8_t dtype)
{
    memcpy(out->bytes, "WSL\2", 4);
    out->size = 4;
    put_varint(out, rows);
    put_varint(out, columns);
    out->bytes[out->size++] = dtype;
}

static void put_section(assembly *out, uint64_t key, const void *payload, size_t size)
{
    put_varint(out, key);
    put_varint(out, size);
    memcpy(out->bytes + out->size, payload, size);
    out->size += size;
}

static wsic_status read_sealed(assembly *out)
{
    wsic_layer *other;
    const uint64_t checksum = wsic_checksum_of(out->bytes, out->size);

    for (size_t i = 0; i < 8; i++)
        out->bytes[out->size + i] = (uint8_t)(checksum >> 8 * i);
    const wsic_status status = wsic_layer_create(context, out->bytes, out->size + 8, &other);
    wsic_layer_destroy(other);
    return status;
}

typedef struct parts {
    const uint8_t *payload[5]; /* by type */
    size_t size[5];
} parts;

/* Take the fixture's layer to pieces, which checks the container on the way. */
static parts take_apart(void)
{
    const void *start;
    size_t size, position = 4;
    parts found = {{NULL}, {0}};

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &start, &size), WSIC_OK);
    const uint8_t *const bytes = start;
    ck_assert_mem_eq(bytes, "WSL\2", 4);
    ck_assert_uint_eq(get_varint(bytes, &position), ROWS);
    ck_assert_uint_eq(get_varint(bytes, &position), COLUMNS);
    ck_assert_uint_eq(bytes[position++], WSIC_I8);
    while (position < size - 8) {
        const uint64_t key = get_varint(bytes, &position);
        const size_t length = (size_t)get_varint(bytes, &position);
        ck_assert_uint_ge(key >> 1, 1);
        ck_assert_uint_le(key >> 1, 4);
        ck_assert_uint_eq(key & 1, key >> 1 != 1);
        found.payload[key >> 1] = bytes + position;
        found.size[key >> 1] = length;
        position += length;
    }
    ck_assert_uint_eq(position, size - 8);
    return found;
}

/* Put them together again without one type (0: none). */
static void put_together(assembly *out, const parts *from, size_t without)
{
    for (size_t type = 1; type <= 4; type++) {
        if (type != without)
            put_section(out, 2 * type + (type != 1), from->payload[type], from->size[type]);
    }
}

START_TEST(sections_may_be_unknown_but_not_critical)
{
    const parts all = take_apart();
    static assembly out;

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    ck_assert_int_eq(read_sealed(&out), WSIC_OK);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_section(&out, 2 * 77, "who knows", 9);
    put_together(&out, &all, 0);
    put_section(&out, 2 * 1000000, "", 0);
    ck_assert_int_eq(read_sealed(&out), WSIC_OK);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    put_section(&out, 2 * 77 + 1, "must know", 9);
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_VERSION);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "77"));

    /* Type 0 is no exception. */
    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_section(&out, 0, "who knows", 9);
    put_together(&out, &all, 0);
    ck_assert_int_eq(read_sealed(&out), WSIC_OK);
    put_section(&out, 1, "must know", 9);
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_VERSION);
}
END_TEST

START_TEST(sections_come_once_and_in_any_order)
{
    const parts all = take_apart();
    static assembly out;

    for (size_t type = 1; type <= 4; type++) {
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &all, type);
        /* Figures are not needed to decode. */
        ck_assert_int_eq(read_sealed(&out), type == 1 ? WSIC_OK : WSIC_ERROR_FORMAT);
        put_section(&out, 2 * type + (type != 1), all.payload[type], all.size[type]);
        ck_assert_int_eq(read_sealed(&out), WSIC_OK);
        put_section(&out, 2 * type + (type != 1), all.payload[type], all.size[type]);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
}
END_TEST

START_TEST(payloads_end_where_they_should)
{
    const parts all = take_apart();
    static assembly out;
    uint8_t longer[4096] = {0};

    for (size_t type = 1; type <= 4; type++) {
        parts changed = all;
        memset(longer, 0, sizeof longer);
        memcpy(longer, all.payload[type], all.size[type]);
        changed.payload[type] = longer;
        changed.size[type] = all.size[type] + 1;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        /* Figures may grow in later versions. */
        ck_assert_int_eq(read_sealed(&out), type == 1 ? WSIC_OK : WSIC_ERROR_FORMAT);
        changed.size[type] = all.size[type] - 1;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        ck_assert_int_lt(read_sealed(&out), 0);
    }
}
END_TEST

START_TEST(impossible_headers_are_refused)
{
    static const struct {
        uint64_t rows, columns;
        uint8_t dtype;
    } cases[] = {
        {0, COLUMNS, WSIC_I8},
        {ROWS, 0, WSIC_I8},
        {(uint64_t)1 << 31, COLUMNS, WSIC_I8},
        {ROWS, UINT64_MAX, WSIC_I8},
        {INT32_MAX, COLUMNS, WSIC_I8}, /* plausible only for a larger layer */
        {(1 << 22) + 8 * 8192, COLUMNS, WSIC_I8},
        {ROWS, INT32_MAX, WSIC_I8},
        {ROWS, COLUMNS, WSIC_F32},
        {ROWS, COLUMNS, 0},
    };
    const parts all = take_apart();
    static assembly out;
    uint64_t peak;

    wsic_context_reset_peak(context);
    const uint64_t used = wsic_context_memory(context, NULL);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        put_header(&out, cases[k].rows, cases[k].columns, cases[k].dtype);
        put_together(&out, &all, 0);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
    wsic_context_memory(context, &peak);
    ck_assert_uint_lt(peak - used, 1 << 16);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    for (uint8_t version = 1; version <= 3; version += 2) {
        out.bytes[3] = version;
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_VERSION);
    }
    out.bytes[0] = 'X';
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(figures_that_are_not_finite_are_refused)
{
    const parts all = take_apart();
    static assembly out;
    uint8_t figures[256];

    for (size_t offset = 0; offset < 40; offset += offset < 24 ? 8 : 4) {
        parts changed = all;
        memcpy(figures, all.payload[1], all.size[1]);
        memset(figures + offset, 0xFF, offset < 24 ? 8 : 4); /* NaN */
        changed.payload[1] = figures;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
}
END_TEST

/* Read, and use whatever could be read: nothing may go out of bounds (sanitizers), and
 * failures have their status. */
static void try_sealed(const uint8_t *bytes, size_t size)
{
    static int32_t codes[ROWS * COLUMNS] = {0};
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;
    wsic_matrix matrix;

    if (wsic_layer_create(context, bytes, size, &other) != WSIC_OK)
        return;
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    if (info.rows == ROWS && info.columns == COLUMNS) {
        wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, ROWS, COLUMNS, 0);
        const wsic_status status = wsic_layer_get_codes(other, 0, &matrix);
        ck_assert(status == WSIC_OK || status == WSIC_ERROR_FORMAT ||
                  status == WSIC_ERROR_TRUNCATED || status == WSIC_ERROR_MEMORY_LIMIT);
    }
    wsic_layer_destroy(other);
}

START_TEST(sealed_damage_is_survived)
{
    const void *original;
    random_state random = {7};
    size_t size;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &original, &size), WSIC_OK);
    uint8_t *const bytes = malloc(size);
    wsic_context_set_memory_limit(context, (uint64_t)64 << 20);
    for (size_t round = 0; round < 8 * (size - 8) + 5000; round++) {
        memcpy(bytes, original, size);
        /* Every bit once, then several at a time. */
        if (round < 8 * (size - 8))
            bytes[round / 8] ^= (uint8_t)(1 << round % 8);
        else
            for (int k = 0; k < 4; k++)
                bytes[random_bits(&random) % (size - 8)] = (uint8_t)random_bits(&random);
        const uint64_t checksum = wsic_checksum_of(bytes, size - 8);
        for (size_t i = 0; i < 8; i++)
            bytes[size - 8 + i] = (uint8_t)(checksum >> 8 * i);
        try_sealed(bytes, size);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_bytes");
    TCase *const tests = tcase_create("layer_bytes");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, reading_gives_the_same_layer);
    tcase_add_test(tests, every_truncation_and_flip_is_refused);
    tcase_add_test(tests, sections_may_be_unknown_but_not_critical);
    tcase_add_test(tests, sections_come_once_and_in_any_order);
    tcase_add_test(tests, payloads_end_where_they_should);
    tcase_add_test(tests, impossible_headers_are_refused);
    tcase_add_test(tests, figures_that_are_not_finite_are_refused);
    tcase_add_test(tests, sealed_damage_is_survived);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
