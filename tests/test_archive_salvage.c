/* SPDX-License-Identifier: MIT */
/* Unfinished archives that were cut off or damaged, or that are none: what is still good is gone on
 * with. */
#include <stdlib.h>

#include "check_main.h"
#include "base/checksum.h"
#include "resume_fixture.h"

/* Go on with these bytes of an unfinished file, of whose layers the first count are good. Bringing
 * it to its end waits for the disk several times, so that not every file can be. */
static void go_on(const uint8_t *part, size_t part_size, size_t count, bool to_the_end,
                  struct expected *expected)
{
    write_file(temporary_path(&place, "q.part"), part, part_size);
    wsic_archive_writer *const writer = resume();
    ck_assert_uint_eq(size_of("q.part"), expected->ends[count]);
    check_taken_over(writer, count);
    if (!to_the_end) {
        wsic_archive_writer_destroy(writer);
        return;
    }
    finish(writer);
    check_file("q", expected->bytes, expected->size);
    ck_assert_uint_eq(temporary_count(&place), 1);
    ck_assert_int_eq(unlink(place.path), 0);
    expected->finished++;
}

START_TEST(a_file_cut_at_any_byte_is_gone_on_with)
{
    struct expected expected = uninterrupted();

    for (size_t cut = 0; cut <= expected.size; cut++) {
        const size_t count = whole_layers(expected.ends, cut);
        const bool near_an_end = cut <= expected.ends[count] + 1 || cut >= expected.size - 1;
        go_on(expected.bytes, cut, count, near_an_end || cut % 37 == 0, &expected);
    }
    ck_assert_uint_ge(expected.finished, 24);
    free(expected.bytes);
}
END_TEST

/* A flipped bit of the header is another matter: that is no file of ours. */
START_TEST(a_flipped_bit_drops_its_layer_and_all_behind)
{
    struct expected expected = uninterrupted();
    const size_t end_of_layers = (size_t)expected.ends[LAYERS];
    uint8_t *const copy = malloc(end_of_layers);
    for (size_t bit = 8 * 12; bit < 8 * end_of_layers; bit++) {
        memcpy(copy, expected.bytes, end_of_layers);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        go_on(copy, end_of_layers, whole_layers(expected.ends, bit / 8), bit % 331 == 0, &expected);
    }
    ck_assert_uint_ge(expected.finished, 10);
    free(copy);
    free(expected.bytes);
}
END_TEST

START_TEST(what_is_no_unfinished_archive_is_refused_and_left_alone)
{
    static const struct {
        const char *bytes;
        size_t size;
        wsic_status status;
        const char *part;
    } cases[] = {
        {"a text that somebody wrote", 26, WSIC_ERROR_FORMAT, "magic"},
        {"x", 1, WSIC_ERROR_FORMAT, "magic"},
        {"WSICARCX\2\0\6\0", 12, WSIC_ERROR_FORMAT, "magic"},
        {"WSICARCH\1\0\0\0", 12, WSIC_ERROR_VERSION, "version 1"},
        {"WSICARCH\3\0\6\0", 12, WSIC_ERROR_VERSION, "version 3"},
        {"WSICARCH\2\0\6\1abc", 15, WSIC_ERROR_VERSION, "flags"},
        {"WSICARCH\2\0\5\0abc", 15, WSIC_ERROR_FORMAT, "2^5"},
        {"WSICARCH\3", 9, WSIC_ERROR_VERSION, "version"},
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        write_file(temporary_path(&place, "q.part"), cases[k].bytes, cases[k].size);
        ck_assert_int_eq(refused(), cases[k].status);
        ck_assert_ptr_nonnull(strstr(wsic_context_message(context), cases[k].part));
        ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "/q.part"));
        check_file("q.part", (const uint8_t *)cases[k].bytes, cases[k].size);
    }
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

/* A record of metadata that brings what stands behind it to the same place within 64 bytes as
 * `first`; returns its size. */
static size_t put_filler(uint8_t *bytes, size_t offset, size_t first)
{
    enum { BESIDE = 12 };
    const size_t value = (first - offset - BESIDE) % 64;

    memcpy(bytes, (const uint8_t[]){2, 1, 'x', (uint8_t)value}, 4);
    memset(bytes + 4, 'y', value);
    const uint64_t checksum = wsic_checksum_of(bytes, 4 + value);
    for (size_t i = 0; i < 8; i++)
        bytes[4 + value + i] = (uint8_t)(checksum >> 8 * i);
    return BESIDE + value;
}

/* A layer, or the metadata before the first one. */
START_TEST(a_name_that_comes_twice_is_refused)
{
    const struct expected expected = uninterrupted();
    const size_t first = (size_t)expected.ends[_i];
    const size_t end = (size_t)expected.ends[_i + 1];
    uint8_t *const twice = malloc(end + 128 + end - first);

    memcpy(twice, expected.bytes, end);
    const size_t again = end + put_filler(twice + end, end, first);
    const size_t size = again + end - first;
    memcpy(twice + again, expected.bytes + first, end - first);
    write_file(temporary_path(&place, "q.part"), twice, size);
    ck_assert_int_eq(refused(), WSIC_ERROR_FORMAT);
    ck_assert_ptr_nonnull(
        strstr(wsic_context_message(context), _i == 0 ? "'library' twice" : "'model.a' twice"));
    check_file("q.part", twice, size);
    free(twice);
    free(expected.bytes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_salvage");
    TCase *const tests = tcase_create("archive_salvage");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_file_cut_at_any_byte_is_gone_on_with);
    tcase_add_test(tests, a_flipped_bit_drops_its_layer_and_all_behind);
    tcase_add_test(tests, what_is_no_unfinished_archive_is_refused_and_left_alone);
    tcase_add_loop_test(tests, a_name_that_comes_twice_is_refused, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
