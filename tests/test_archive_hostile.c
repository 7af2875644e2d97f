/* SPDX-License-Identifier: MIT */
/* Archives put together by hand, from docs/format.md: what the writer never writes. */
#include <string.h>

#include "check_main.h"
#include "counting_allocator.h"
#include "base/checksum.h"
#include "sample_layer.h"
#include "watersic/watersic.h"

static counting_allocator counter;
static wsic_context *context;
static wsic_layer *layer;

static void begin(void)
{
    static sample made;
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    sample_make(&made, 10, 20, 3, 1);
    ck_assert_int_eq(sample_layer(context, &made, &layer), WSIC_OK);
}

static void end(void)
{
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

/* --- assembling ---------------------------------------------------------- */

typedef struct assembly {
    uint8_t bytes[(1 << 24) + (1 << 16)];
    size_t size;
    uint64_t alignment;
    uint8_t index[4096]; /* heads */
    size_t index_size;
} assembly;

static assembly out;

static void put(const void *bytes, size_t size)
{
    memcpy(out.bytes + out.size, bytes, size);
    out.size += size;
}

static void put_number(uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out.bytes[out.size++] = (uint8_t)(value >> 8 * i);
}

static void put_varint(uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        out.bytes[out.size++] = (uint8_t)(value | 0x80);
    out.bytes[out.size++] = (uint8_t)value;
}

static void put_header(void)
{
    out.size = 0;
    out.index_size = 0;
    out.alignment = 64;
    put("WSICARCH\2\0\6\0", 12);
}

static void put_checksum(size_t start)
{
    put_number(wsic_checksum_of(out.bytes + start, out.size - start), 8);
}

static void put_head(unsigned type, const char *name, size_t name_size, uint64_t payload)
{
    put_number(type, 1);
    put_varint(name_size);
    put(name, name_size);
    put_varint(payload);
}

/* Copy the bytes from start to here into the index. */
static void note(size_t start)
{
    memcpy(out.index + out.index_size, out.bytes + start, out.size - start);
    out.index_size += out.size - start;
}

static void put_zeros(void)
{
    while (out.size % out.alignment != 0)
        out.bytes[out.size++] = 0;
}

static void put_record(unsigned type, const char *name, const void *payload, size_t size)
{
    const size_t start = out.size;

    put_head(type, name, strlen(name), size);
    note(start);
    if (type == 1)
        put_zeros();
    put(payload, size);
    put_checksum(start);
}

/* A head in the index that has no record. */
static void note_head(unsigned type, const char *name, size_t name_size, uint64_t payload)
{
    const size_t start = out.size;

    put_head(type, name, name_size, payload);
    note(start);
    out.size = start;
}

static void put_footer(uint64_t offset, uint64_t size)
{
    const size_t start = out.size;

    put_number(offset, 8);
    put_number(size, 8);
    put_checksum(start);
    put("WSICDONE", 8);
}

static void put_end(void)
{
    const size_t start = out.size;

    put_head(3, "", 0, out.index_size);
    put(out.index, out.index_size);
    put_checksum(start);
    put_footer(start, out.size - start);
}

static wsic_status open_it(void)
{
    wsic_archive *archive;
    const wsic_status status = wsic_archive_open_memory(context, out.bytes, out.size, &archive);

    wsic_archive_close(archive);
    return status;
}

static void put_layer(const char *name)
{
    const void *bytes;
    size_t size;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
    put_record(1, name, bytes, size);
}

/* --- what is right ------------------------------------------------------- */

START_TEST(the_description_is_what_the_library_reads)
{
    wsic_archive *archive;
    wsic_layer *found;

    put_header();
    put_record(2, "key", "value", 5);
    put_layer("b");
    put_record(77, "", "a later version's", 17);
    put_layer("a");
    put_record(255, "b", "the name is free among unknown types", 36);
    put_end();
    ck_assert_int_eq(wsic_archive_open_memory(context, out.bytes, out.size, &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_count(archive), 2);
    ck_assert_str_eq(wsic_archive_name(archive, 0), "b");
    ck_assert_str_eq(wsic_archive_name(archive, 1), "a");
    ck_assert_str_eq(wsic_archive_metadata(archive, "key"), "value");
    for (size_t k = 0; k < 2; k++) {
        ck_assert_int_eq(wsic_archive_load_layer(archive, k, &found), WSIC_OK);
        wsic_layer_destroy(found);
    }
    wsic_archive_close(archive);

    put_header();
    put_end();
    ck_assert_int_eq(open_it(), WSIC_OK);
}
END_TEST

/* --- what is not --------------------------------------------------------- */

START_TEST(other_versions_are_refused)
{
    put_header();
    put_end();
    for (unsigned version = 0; version < 256; version++) {
        out.bytes[8] = (uint8_t)version;
        ck_assert_int_eq(open_it(), version == 0   ? WSIC_ERROR_FORMAT
                                    : version == 2 ? WSIC_OK
                                                   : WSIC_ERROR_VERSION);
        if (version == 1 || version > 2)
            ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "knows version 2"));
    }
    out.bytes[8] = 2;
    out.bytes[9] = 1;
    ck_assert_int_eq(open_it(), WSIC_ERROR_VERSION);
    out.bytes[9] = 0;
    out.bytes[11] = 1;
    ck_assert_int_eq(open_it(), WSIC_ERROR_VERSION);
    out.bytes[11] = 0;
    for (unsigned alignment = 0; alignment < 256; alignment++) {
        out.bytes[10] = (uint8_t)alignment;
        ck_assert_int_eq(open_it(),
                         alignment >= 6 && alignment <= 16 ? WSIC_OK : WSIC_ERROR_FORMAT);
    }
    out.bytes[10] = 6;
    out.bytes[8] = 0;
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    out.bytes[0] = 'X';
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(names_must_be_unique)
{
    put_header();
    put_layer("a");
    put_layer("b");
    put_layer("a");
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "'a'"));
    put_header();
    put_record(2, "k", "1", 1);
    put_record(2, "k", "1", 1);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    put_header();
    put_record(2, "k", "1", 1);
    put_layer("k");
    put_end();
    ck_assert_int_eq(open_it(), WSIC_OK);
}
END_TEST

START_TEST(records_must_fill_the_file)
{
    /* A gap. */
    put_header();
    put_layer("a");
    put_number(0, 1);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    /* A record that the index does not know. */
    put_header();
    put_layer("a");
    out.index_size = 0;
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    /* Records that are not there. */
    const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX, UINT64_MAX - 12};
    for (size_t k = 0; k < 5; k++) {
        put_header();
        note_head(1, "a", 1, sizes[k]);
        put_end();
        ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    }
    /* An index within the index. */
    put_header();
    put_record(3, "", "", 0);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(footers_must_point_at_the_index)
{
    static const int64_t wrong[][2] = {{1, 0},  {-1, 0}, {0, 1},      {0, -1},
                                       {1, -1}, {-1, 1}, {-100, 100}, {1 << 20, 0}};
    uint64_t offset = 0, size = 0;

    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        put_header();
        put_layer("a");
        put_end();
        out.size -= 32;
        for (size_t i = 0; i < 8; i++) {
            offset = offset << 8 | out.bytes[out.size + 7 - i];
            size = size << 8 | out.bytes[out.size + 15 - i];
        }
        put_footer(offset + (uint64_t)wrong[k][0], size + (uint64_t)wrong[k][1]);
        ck_assert_int_lt(open_it(), 0);
    }
    put_header();
    put_footer(12, 0);
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    put_header();
    put_footer(0, 12);
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    put_header();
    put_footer(UINT64_MAX, 13);
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

/* The last record, of a right checksum, where the footer says that it is. */
static wsic_status open_with_index(unsigned type, const char *name, size_t more)
{
    put_header();
    put_layer("a");
    const size_t start = out.size;
    put_head(type, name, strlen(name), out.index_size + more);
    put(out.index, out.index_size);
    put_checksum(start);
    put_footer(start, out.size - start);
    return open_it();
}

START_TEST(the_index_must_be_one)
{
    ck_assert_int_eq(open_with_index(3, "", 0), WSIC_OK);
    for (unsigned type = 0; type < 256; type += type == 2 ? 2 : 1)
        ck_assert_int_eq(open_with_index(type, "", 0), WSIC_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "not an index"));
    ck_assert_int_eq(open_with_index(3, "index", 0), WSIC_ERROR_FORMAT);
    ck_assert_int_eq(open_with_index(3, "", 1), WSIC_ERROR_FORMAT);
    ck_assert_int_eq(open_with_index(3, "", (size_t)0 - 1), WSIC_ERROR_FORMAT);
    put_header();
    const size_t start = out.size;
    put_number(3, 1);
    put_checksum(start);
    put_footer(start, out.size - start);
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(metadata_have_at_most_16_mib)
{
    for (size_t more = 0; more < 2; more++) {
        const size_t size = (1U << 24) + more;
        put_header();
        const size_t start = out.size;
        put_head(2, "key", 3, size);
        note(start);
        memset(out.bytes + out.size, 'x', size);
        out.size += size;
        put_checksum(start);
        put_end();
        ck_assert_int_eq(open_it(), more == 0 ? WSIC_OK : WSIC_ERROR_FORMAT);
    }
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "more than 16 MiB"));
}
END_TEST

static void put_named(unsigned type, const char *name, size_t name_size)
{
    put_header();
    put_head(type, name, name_size, 0);
    note(12);
    if (type == 1)
        put_zeros();
    put_checksum(12);
    put_end();
}

START_TEST(names_must_be_text)
{
    static char key[256];

    memset(key, 'k', sizeof key);
    for (unsigned type = 1; type <= 2; type++) {
        put_named(type, "", 0);
        ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
        put_named(type, "a\0b", 3);
        ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
        put_named(type, "\xFF", 1);
        ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
        put_named(type, key, 255);
        ck_assert_int_eq(open_it(), WSIC_OK);
        put_named(type, key, 256);
        ck_assert_int_eq(open_it(), type == 1 ? WSIC_OK : WSIC_ERROR_FORMAT);
    }
    put_header();
    put_record(2, "k", "\xFF", 1);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    put_header();
    put_record(2, "k", "a\0b", 3);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(heads_must_be_short_and_whole)
{
    /* The length of the name in two bytes where one would do. */
    put_header();
    put("\1\x81\0a\0", 5);
    note(12);
    put_checksum(12);
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
    /* An index that ends within a head. */
    put_header();
    put_layer("a");
    out.index_size--;
    put_end();
    ck_assert_int_lt(open_it(), 0);
    /* A name that reaches beyond it. */
    put_header();
    memcpy(out.index, "\1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1", 11);
    out.index_size = 11;
    put_end();
    ck_assert_int_eq(open_it(), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(a_layer_must_be_a_layer)
{
    wsic_archive *archive;
    wsic_layer *found;

    put_header();
    put_record(1, "a", "not a layer at all", 18);
    put_record(1, "b", "", 0);
    put_end();
    ck_assert_int_eq(wsic_archive_open_memory(context, out.bytes, out.size, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &found), WSIC_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(wsic_archive_message(archive), "not a layer"));
    ck_assert_int_eq(wsic_archive_load_layer(archive, 1, &found), WSIC_ERROR_TRUNCATED);
    ck_assert_ptr_null(found);
    wsic_archive_close(archive);
}
END_TEST

START_TEST(the_head_in_the_file_must_be_that_in_the_index)
{
    wsic_archive *archive;
    wsic_layer *found;

    put_header();
    put_layer("a");
    out.index[2] = 'b';
    put_end();
    ck_assert_int_eq(wsic_archive_open_memory(context, out.bytes, out.size, &archive), WSIC_OK);
    ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &found), WSIC_ERROR_CHECKSUM);
    wsic_archive_close(archive);
}
END_TEST

/* Zeros that are none, or too few or too many of them, under a checksum that is right. */
START_TEST(layers_lie_where_they_must)
{
    static const int wrong[] = {0, 1, -1, 64};

    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        wsic_archive *archive;
        wsic_layer *found;
        const void *bytes;
        size_t size;

        ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
        put_header();
        put_record(2, "key", "some text", 9);
        const size_t start = out.size;
        put_head(1, "a", 1, size);
        note(start);
        ck_assert_uint_ne(out.size % 64, 0);
        put_zeros();
        out.size += (size_t)wrong[k];
        if (wrong[k] > 0)
            memset(out.bytes + out.size - wrong[k], 0, (size_t)wrong[k]);
        if (wrong[k] == 0)
            out.bytes[out.size - 1] = 1;
        put(bytes, size);
        put_checksum(start);
        put_end();
        const wsic_status status = wsic_archive_open_memory(context, out.bytes, out.size, &archive);
        if (wrong[k] != 0) {
            ck_assert_int_eq(status, WSIC_ERROR_FORMAT);
            continue;
        }
        ck_assert_int_eq(status, WSIC_OK);
        ck_assert_int_eq(wsic_archive_load_layer(archive, 0, &found), WSIC_ERROR_CHECKSUM);
        ck_assert_int_eq(wsic_archive_view_layer(archive, 0, &found), WSIC_ERROR_CHECKSUM);
        ck_assert_ptr_null(found);
        wsic_archive_close(archive);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_hostile");
    TCase *const tests = tcase_create("archive_hostile");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_description_is_what_the_library_reads);
    tcase_add_test(tests, other_versions_are_refused);
    tcase_add_test(tests, layers_lie_where_they_must);
    tcase_add_test(tests, names_must_be_unique);
    tcase_add_test(tests, records_must_fill_the_file);
    tcase_add_test(tests, footers_must_point_at_the_index);
    tcase_add_test(tests, the_index_must_be_one);
    tcase_add_test(tests, metadata_have_at_most_16_mib);
    tcase_add_test(tests, names_must_be_text);
    tcase_add_test(tests, heads_must_be_short_and_whole);
    tcase_add_test(tests, a_layer_must_be_a_layer);
    tcase_add_test(tests, the_head_in_the_file_must_be_that_in_the_index);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
