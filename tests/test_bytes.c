/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "api/context.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "base/bytes.h"
#include "base/checksum.h"

static counting_allocator counter;
static wsic_context *context;
static wsic_env env;
static wsic_bytes bytes;

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    env = wsic_context_env(context);
    wsic_bytes_init(&bytes, &env);
}

static void end(void)
{
    wsic_bytes_release(&bytes);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

START_TEST(numbers_are_little_endian)
{
    const uint8_t expected[] = {1, 2, 1, 4, 3, 2, 1, 8, 7,    6,    5,    4, 3,
                                2, 1, 0, 0, 0, 0, 0, 0, 0xF8, 0xBF, 0xAC, 2};

    wsic_put_u8(&bytes, 1);
    wsic_put_u16(&bytes, 0x0102);
    wsic_put_u32(&bytes, 0x01020304);
    wsic_put_u64(&bytes, 0x0102030405060708);
    wsic_put_f64(&bytes, -1.5);
    wsic_put_varint(&bytes, 300);
    ck_assert_int_eq(bytes.status, WSIC_OK);
    ck_assert_uint_eq(bytes.size, sizeof expected);
    ck_assert_mem_eq(bytes.data, expected, sizeof expected);

    wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
    ck_assert_uint_eq(wsic_get_u8(&cursor), 1);
    ck_assert_ptr_nonnull(wsic_take(&cursor, 2));
    ck_assert_uint_eq(wsic_get_u32(&cursor), 0x01020304);
    ck_assert_uint_eq(wsic_get_u64(&cursor), 0x0102030405060708);
    ck_assert(wsic_get_f64(&cursor) == -1.5);
    ck_assert_uint_eq(wsic_get_varint(&cursor), 300);
    ck_assert(!cursor.failed && wsic_cursor_left(&cursor) == 0);
}
END_TEST

START_TEST(varints_round_trip_at_every_length)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t values[] = {(uint64_t)1 << bit, ((uint64_t)1 << bit) - 1,
                                   ~(uint64_t)0 >> bit};
        for (size_t i = 0; i < 3; i++) {
            const uint64_t value = values[i];
            bytes.size = 0;
            wsic_put_varint(&bytes, value);
            /* Seven bits a byte, and one byte for 0. */
            size_t length = 1;
            while (length < 10 && value >> 7 * length != 0)
                length++;
            ck_assert_uint_eq(bytes.size, length);
            ck_assert_uint_eq(wsic_varint_size(value), length);
            wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
            ck_assert_uint_eq(wsic_get_varint(&cursor), value);
            ck_assert(!cursor.failed && wsic_cursor_left(&cursor) == 0);
        }
    }
}
END_TEST

START_TEST(signed_numbers_round_trip)
{
    const int64_t values[] = {0,  -1,        1,         -2,        63,       -64,
                              64, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bytes.size = 0;
        wsic_put_signed(&bytes, values[i]);
        if (i < 4)
            ck_assert_uint_eq(bytes.data[0], i);
        wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
        ck_assert_int_eq(wsic_get_signed(&cursor), values[i]);
    }
}
END_TEST

START_TEST(reading_stops_at_the_end)
{
    const uint8_t data[] = {1, 2, 3};
    wsic_cursor cursor = wsic_cursor_make(data, sizeof data);

    ck_assert_uint_eq(wsic_get_u32(&cursor), 0);
    ck_assert(cursor.failed);
    ck_assert_uint_eq(cursor.position, 0);
    /* A failure stays. */
    ck_assert_uint_eq(wsic_get_u8(&cursor), 0);

    cursor = wsic_cursor_make(data, sizeof data);
    ck_assert_ptr_null(wsic_take(&cursor, SIZE_MAX));
    cursor = wsic_cursor_make(data, sizeof data);
    ck_assert_ptr_eq(wsic_take(&cursor, 3), data);
    ck_assert_ptr_eq(wsic_take(&cursor, 0), data + 3);
    ck_assert(!cursor.failed);
}
END_TEST

START_TEST(overlong_varints_are_refused)
{
    const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0};
    const uint8_t wide[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    const uint8_t open[] = {0x80, 0x80};
    wsic_cursor cursor = wsic_cursor_make(eleven, sizeof eleven);

    wsic_get_varint(&cursor);
    ck_assert(cursor.failed);
    cursor = wsic_cursor_make(wide, sizeof wide);
    wsic_get_varint(&cursor);
    ck_assert(cursor.failed);
    cursor = wsic_cursor_make(open, sizeof open);
    wsic_get_varint(&cursor);
    ck_assert(cursor.failed);
}
END_TEST

START_TEST(growing_keeps_what_was_written)
{
    for (uint32_t i = 0; i < 10000; i++)
        wsic_put_u32(&bytes, i * 2654435761U);
    wsic_cursor cursor = wsic_cursor_make(bytes.data, bytes.size);
    for (uint32_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(wsic_get_u32(&cursor), i * 2654435761U);
}
END_TEST

START_TEST(a_failure_is_remembered)
{
    wsic_put_u8(&bytes, 1);
    counter.calls = 0;
    counter.fail_at = 1;
    ck_assert_ptr_null(wsic_bytes_extend(&bytes, 100000));
    ck_assert_int_eq(bytes.status, WSIC_ERROR_MEMORY);
    wsic_put_u8(&bytes, 2);
    ck_assert_uint_eq(bytes.size, 1);
    ck_assert_uint_eq(bytes.data[0], 1);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    wsic_put_u8(&bytes, 1);
    ck_assert_ptr_null(wsic_bytes_extend(&bytes, SIZE_MAX));
    ck_assert_int_eq(bytes.status, WSIC_ERROR_TOO_LARGE);
}
END_TEST

START_TEST(checksum_is_xxh3)
{
    /* Published: XXH3 of nothing with seed 0 (xxhash's sanity check). */
    ck_assert_uint_eq(wsic_checksum_of("", 0), 0x2D06800538D394C2);

    uint8_t data[3000];
    wsic_checksum checksum;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    wsic_checksum_begin(&checksum);
    wsic_checksum_add(&checksum, data, 1);
    wsic_checksum_add(&checksum, data + 1, 0);
    wsic_checksum_add(&checksum, data + 1, 1999);
    wsic_checksum_add(&checksum, data + 2000, 1000);
    ck_assert_uint_eq(wsic_checksum_end(&checksum), wsic_checksum_of(data, sizeof data));
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("bytes");
    TCase *const tests = tcase_create("bytes");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, numbers_are_little_endian);
    tcase_add_test(tests, varints_round_trip_at_every_length);
    tcase_add_test(tests, signed_numbers_round_trip);
    tcase_add_test(tests, reading_stops_at_the_end);
    tcase_add_test(tests, overlong_varints_are_refused);
    tcase_add_test(tests, growing_keeps_what_was_written);
    tcase_add_test(tests, a_failure_is_remembered);
    tcase_add_test(tests, impossible_sizes_are_refused);
    tcase_add_test(tests, checksum_is_xxh3);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
