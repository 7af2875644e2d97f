/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "archive_fixture.h"
#include "check_main.h"

static void check_size(wsic_archive_writer *writer, const char *path)
{
    struct stat facts;
    const uint64_t expected = wsic_archive_writer_size(writer, NULL, 0);

    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq((uint64_t)facts.st_size, expected);
    ck_assert_uint_eq(wsic_archive_writer_size(writer, NULL, 0), expected);
    wsic_archive_writer_destroy(writer);
}

START_TEST(the_size_is_known_beforehand)
{
    for (size_t count = 0; count <= LAYERS; count++) {
        wsic_archive_writer *const writer = begin_archive("q");
        ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "a", "some text"), WSIC_OK);
        for (size_t k = 0; k < count; k++) {
            const void *bytes;
            const size_t size = bytes_of(layers[k], &bytes);
            const uint64_t expected = wsic_archive_writer_size(writer, names[k], size);
            ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
            ck_assert_uint_eq(wsic_archive_writer_size(writer, NULL, 0), expected);
        }
        check_size(writer, temporary_path(&place, "q"));
    }
}
END_TEST

START_TEST(an_archive_adds_little)
{
    wsic_archive_writer *const writer = begin_archive("q");
    const size_t texts = 2 * (strlen("library") + strlen(names[0])) + strlen(wsic_version());

    ck_assert_uint_le(wsic_archive_writer_size(writer, names[0], 0) - texts, 150 + 63);
    wsic_archive_writer_destroy(writer);
}
END_TEST

START_TEST(an_unfinished_archive_leaves_nothing)
{
    wsic_archive_writer *const writer = begin_archive("q");

    ck_assert_int_eq(wsic_archive_writer_add(writer, "x", layers[0]), WSIC_OK);
    ck_assert_int_ne(access(temporary_path(&place, "q"), F_OK), 0);
    wsic_archive_writer_destroy(writer);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

START_TEST(a_finished_archive_takes_no_more)
{
    wsic_archive_writer *const writer = begin_archive("q");

    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_archive_writer_add(writer, "x", layers[0]), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "x", ""), WSIC_ERROR_STATE);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(access(temporary_path(&place, "q"), F_OK), 0);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

static void repeat(char *text, size_t count, char letter)
{
    memset(text, letter, count);
    text[count] = '\0';
}

START_TEST(names_are_checked)
{
    static const char *const bad[] = {
        "",
        "\x80",             /* a continuation byte alone */
        "a\xC3",            /* cut off */
        "\xC0\xAF",         /* overlong */
        "\xE0\x80\xAF",     /* overlong */
        "\xED\xA0\x80",     /* a surrogate */
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "\xF8\x88\x80\x80\x80",
        "\xFF",
    };
    static const char *const good[] = {
        "a", "\xC2\x80", "\xE0\xA0\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    wsic_archive_writer *const writer = begin_archive("q");
    char *const text = malloc((17 << 20) + 1);

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_int_eq(wsic_archive_writer_add(writer, bad[k], layers[0]), WSIC_ERROR_ARGUMENT);
        ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, bad[k], ""), WSIC_ERROR_ARGUMENT);
    }
    for (size_t k = 0; k < sizeof good / sizeof *good; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, good[k], layers[0]), WSIC_OK);
    repeat(text, 65535, 'n');
    ck_assert_int_eq(wsic_archive_writer_add(writer, text, layers[0]), WSIC_OK);
    repeat(text, 65536, 'n');
    ck_assert_int_eq(wsic_archive_writer_add(writer, text, layers[0]), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "65536"));
    repeat(text, 255, 'k');
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, text, "v"), WSIC_OK);
    repeat(text, 256, 'k');
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, text, "v"), WSIC_ERROR_ARGUMENT);
    repeat(text, 16 << 20, 'v');
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "k", text), WSIC_OK);
    repeat(text, (16 << 20) + 1, 'v');
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "k", text), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "k", "\xFF"), WSIC_ERROR_ARGUMENT);
    check_size(writer, temporary_path(&place, "q"));

    wsic_archive *archive;
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
    ck_assert_uint_eq(strlen(wsic_archive_name(archive, 6)), 65535);
    ck_assert_uint_eq(strlen(wsic_archive_metadata(archive, "k")), 16 << 20);
    wsic_archive_close(archive);
    free(text);
}
END_TEST

START_TEST(arguments_are_checked)
{
    wsic_archive_writer *writer = NULL;
    wsic_archive *archive;

    ck_assert_int_eq(wsic_archive_writer_create(NULL, "x", &writer), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_create(context, NULL, &writer), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_create(context, "x", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_create(context, "", &writer), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_context_message(context), "path is empty");
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(wsic_archive_writer_resume(context, "", &writer), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_context_message(context), "path is empty");
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(wsic_archive_writer_create(context, temporary_path(&place, "none/q"), &writer),
                     WSIC_ERROR_IO);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), strerror(ENOENT)));
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_ERROR_IO);
    ck_assert_int_eq(wsic_archive_open(context, NULL, &archive), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_open(context, "x", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_open(NULL, "x", &archive), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_open_memory(context, NULL, 9, &archive), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_open_memory(context, "x", 1, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_open_memory(NULL, "x", 1, &archive), WSIC_ERROR_ARGUMENT);

    writer = begin_archive("q");
    ck_assert_int_eq(wsic_archive_writer_add(writer, NULL, layers[0]), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_add(writer, "x", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_add(NULL, "x", layers[0]), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, NULL, "x"), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "x", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_finish(NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_archive_writer_add(writer, "x", layers[0]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, "x", layers[1]), WSIC_ERROR_EXISTS);
    ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), "'x'"));
    wsic_archive_writer_destroy(writer);
}
END_TEST

START_TEST(metadata_can_be_replaced)
{
    wsic_archive_writer *const writer = begin_archive("q");
    wsic_archive *archive;

    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "a", "1"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "b", "2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "a", "three"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "c", ""), WSIC_OK);
    check_size(writer, temporary_path(&place, "q"));
    ck_assert_int_eq(wsic_archive_open(context, place.path, &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_metadata_count(archive), 4);
    ck_assert_str_eq(wsic_archive_metadata(archive, "a"), "three");
    ck_assert_str_eq(wsic_archive_metadata(archive, "b"), "2");
    ck_assert_str_eq(wsic_archive_metadata(archive, "c"), "");
    wsic_archive_close(archive);
}
END_TEST

/* --- a full disk --------------------------------------------------------- */

static struct rlimit old_limit;

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    limit = (struct rlimit){size, old_limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void unlimit_files(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
}

START_TEST(a_full_disk_loses_one_call_only)
{
    wsic_archive_writer *const writer = begin_archive("q");
    wsic_archive *archive;
    const void *bytes;
    const size_t size = bytes_of(layers[0], &bytes);

    ck_assert_int_eq(wsic_archive_writer_add(writer, names[0], layers[0]), WSIC_OK);
    const uint64_t before = wsic_archive_writer_size(writer, NULL, 0);
    for (size_t more = 0; more < 60; more += 20) {
        limit_files(64 + size + more);
        const wsic_status status = wsic_archive_writer_add(writer, names[1], layers[1]);
        unlimit_files();
        ck_assert_int_eq(status, WSIC_ERROR_IO);
        ck_assert_ptr_nonnull(strstr(wsic_archive_writer_message(writer), strerror(EFBIG)));
        ck_assert_uint_eq(wsic_archive_writer_size(writer, NULL, 0), before);
    }
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, names[1], layers[1]), WSIC_OK);
    const uint64_t finished = wsic_archive_writer_size(writer, NULL, 0);
    for (rlim_t limit = finished - 150; limit < finished; limit += 7) {
        limit_files(limit);
        const wsic_status status = wsic_archive_writer_finish(writer);
        unlimit_files();
        ck_assert_int_eq(status, WSIC_ERROR_IO);
        ck_assert_int_ne(access(temporary_path(&place, "q"), F_OK), 0);
    }
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_size(archive), finished);
    check_contents(archive, 2);
    wsic_archive_close(archive);
}
END_TEST

START_TEST(what_a_failed_call_left_is_cut_off)
{
    wsic_archive_writer *const writer = begin_archive("q");

    /* The large layer fails after most of it was written, and does not come again. */
    sample_make(&made, 200, 200, 1000, 5);
    wsic_layer *large;
    ck_assert_int_eq(sample_layer(context, &made, &large), WSIC_OK);
    limit_files(20000);
    const wsic_status status = wsic_archive_writer_add(writer, "large", large);
    unlimit_files();
    ck_assert_int_eq(status, WSIC_ERROR_IO);
    wsic_layer_destroy(large);
    check_size(writer, temporary_path(&place, "q"));
}
END_TEST

START_TEST(a_writer_given_up_on_a_full_disk_leaves_nothing)
{
    wsic_archive_writer *const writer = begin_archive("q");

    limit_files(40);
    const wsic_status status = wsic_archive_writer_add(writer, "x", layers[0]);
    const wsic_status finish = wsic_archive_writer_finish(writer);
    unlimit_files();
    ck_assert_int_eq(status, WSIC_ERROR_IO);
    ck_assert_int_eq(finish, WSIC_ERROR_IO);
    wsic_archive_writer_destroy(writer);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

static wsic_status whole_life(void *data)
{
    wsic_archive_writer *writer = NULL;
    wsic_archive *archive = NULL;
    wsic_layer *layer = NULL;

    (void)data;
    wsic_status status = wsic_archive_writer_create(context, temporary_path(&place, "q"), &writer);
    if (status == WSIC_OK)
        status = wsic_archive_writer_set_metadata(writer, "a", "b");
    if (status == WSIC_OK)
        status = wsic_archive_writer_add(writer, names[0], layers[0]);
    if (status == WSIC_OK)
        status = wsic_archive_writer_finish(writer);
    wsic_archive_writer_destroy(writer);
    if (status == WSIC_OK)
        status = wsic_archive_open(context, temporary_path(&place, "q"), &archive);
    if (status == WSIC_OK)
        status = wsic_archive_load_layer(archive, 0, &layer);
    wsic_archive_close(archive);
    wsic_layer_destroy(layer);
    return status;
}

/* One call at a time on one writer: each is repeated until it succeeds. */
static wsic_archive_writer *shared_writer;

static wsic_status add_first(void *data)
{
    return wsic_archive_writer_add(shared_writer, data, layers[0]);
}

static wsic_status replace_text(void *data)
{
    return wsic_archive_writer_set_metadata(shared_writer, "parameters", data);
}

static wsic_status finish_shared(void *data)
{
    (void)data;
    return wsic_archive_writer_finish(shared_writer);
}

START_TEST(every_refused_allocation_is_reported)
{
    wsic_archive *archive;
    char long_name[3000];

    refuse_every_allocation(&counter, whole_life, NULL);

    shared_writer = begin_archive("q");
    ck_assert_int_eq(wsic_archive_writer_add(shared_writer, names[0], layers[0]), WSIC_OK);
    /* Long enough that the writer's index must grow. */
    repeat(long_name, sizeof long_name - 1, 'n');
    counter.fail_at = 1;
    counter.calls = 0;
    ck_assert_int_eq(add_first(long_name), WSIC_ERROR_MEMORY);
    counter.fail_at = 0;
    ck_assert_int_eq(wsic_archive_writer_add(shared_writer, names[1], layers[1]), WSIC_OK);
    ck_assert_int_eq(replace_text((void *)(uintptr_t) "rate=3"), WSIC_OK);
    counter.calls = 0;
    counter.fail_at = 1;
    ck_assert_int_eq(replace_text((void *)(uintptr_t) "rate=4"), WSIC_ERROR_MEMORY);
    counter.fail_at = 0;
    ck_assert_int_eq(replace_text((void *)(uintptr_t) "rate=2"), WSIC_OK);
    for (size_t k = 1;; k++) {
        counter.calls = 0;
        counter.fail_at = k;
        const wsic_status status = finish_shared(NULL);
        counter.fail_at = 0;
        if (status == WSIC_OK)
            break;
        ck_assert_int_eq(status, WSIC_ERROR_MEMORY);
        ck_assert_int_ne(counter.calls, 0);
    }
    wsic_archive_writer_destroy(shared_writer);
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    check_contents(archive, 2);
    wsic_archive_close(archive);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_write");
    TCase *const tests = tcase_create("archive_write");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_size_is_known_beforehand);
    tcase_add_test(tests, an_archive_adds_little);
    tcase_add_test(tests, an_unfinished_archive_leaves_nothing);
    tcase_add_test(tests, a_finished_archive_takes_no_more);
    tcase_add_test(tests, names_are_checked);
    tcase_add_test(tests, arguments_are_checked);
    tcase_add_test(tests, metadata_can_be_replaced);
    tcase_add_test(tests, a_full_disk_loses_one_call_only);
    tcase_add_test(tests, what_a_failed_call_left_is_cut_off);
    tcase_add_test(tests, a_writer_given_up_on_a_full_disk_leaves_nothing);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
