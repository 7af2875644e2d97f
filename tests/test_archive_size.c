/* SPDX-License-Identifier: MIT */
/* The size of an archive is known before a layer is added, to the byte: over lengths that take one
 * byte more in a head, alignments, and resumptions. Layers are any bytes here. */
#include <string.h>
#include <sys/stat.h>

#include "archive_fixture.h"
#include "check_main.h"
#include "format/archive_format.h"

typedef wsic_status open_function(const wsic_env *env, const char *path,
                                  wsic_archive_output *output);

static uint8_t payload[(1 << 21) + 8];

static void open_output(const wsic_env *env, open_function *open, uint64_t alignment,
                        wsic_archive_output *output)
{
    ck_assert_int_eq(open(env, temporary_path(&place, "q"), output), WSIC_OK);
    ck_assert_int_eq(wsic_archive_output_align(env, output, alignment), WSIC_OK);
}

static void add(const wsic_env *env, wsic_archive_output *output, size_t size)
{
    char name[32];

    snprintf(name, sizeof name, "%zu bytes", size);
    const uint64_t expected = wsic_archive_output_size(output, name, size);
    ck_assert_int_eq(wsic_archive_output_layer(env, output, name, payload, size), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_output_size(output, NULL, 0), expected);
}

static void finish(const wsic_env *env, wsic_archive_output *output)
{
    const uint64_t expected = wsic_archive_output_size(output, NULL, 0);
    struct stat facts;

    ck_assert_int_eq(wsic_archive_output_finish(env, output), WSIC_OK);
    wsic_archive_output_close(env, output);
    ck_assert_int_eq(stat(temporary_path(&place, "q"), &facts), 0);
    ck_assert_uint_eq((uint64_t)facts.st_size, expected);
}

static const size_t borders[] = {0, 127, 128, 16383, 16384, (1 << 21) - 1, 1 << 21};
static const uint64_t alignments[] = {64, 4096};
static open_function *const openers[] = {wsic_archive_output_open, wsic_archive_output_resume};

START_TEST(sizes_are_exact_at_borders)
{
    const wsic_env env = wsic_context_env(context);
    wsic_archive_output output;

    open_output(&env, openers[_i / 2], alignments[_i % 2], &output);
    ck_assert_int_eq(wsic_archive_output_text(&env, &output, "key", "value"), WSIC_OK);
    for (size_t k = 0; k < sizeof borders / sizeof *borders; k++)
        add(&env, &output, borders[k]);
    ck_assert_int_eq(wsic_archive_output_text(&env, &output, "late", "value"), WSIC_OK);
    add(&env, &output, 5);
    finish(&env, &output);
}
END_TEST

/* The index passes 127 bytes on the way. */
START_TEST(sizes_are_exact_from_zero_on)
{
    const wsic_env env = wsic_context_env(context);
    wsic_archive_output output;

    open_output(&env, wsic_archive_output_open, alignments[_i], &output);
    for (size_t size = 0; size < 300; size++)
        add(&env, &output, size);
    finish(&env, &output);
}
END_TEST

START_TEST(sizes_are_exact_after_a_resumption)
{
    const wsic_env env = wsic_context_env(context);
    wsic_archive_output output;

    open_output(&env, wsic_archive_output_resume, alignments[_i], &output);
    for (size_t k = 0; k < sizeof borders / sizeof *borders; k++) {
        ck_assert_int_eq(wsic_archive_output_text(&env, &output, "key", "value"), WSIC_OK);
        add(&env, &output, borders[k]);
        const uint64_t expected = wsic_archive_output_size(&output, NULL, 0);
        wsic_archive_output_close(&env, &output);
        open_output(&env, wsic_archive_output_resume, alignments[_i], &output);
        ck_assert_uint_eq(wsic_archive_output_size(&output, NULL, 0), expected);
    }
    finish(&env, &output);
}
END_TEST

/* docs/format.md, "Archive": the formula, for one layer and one text. */
START_TEST(sizes_are_those_of_the_formula)
{
    const wsic_env env = wsic_context_env(context);
    const uint64_t alignment = alignments[_i];
    wsic_archive_output output;
    const char name[] = "layer", key[] = "key", value[] = "value";
    const size_t size = 20000; /* three bytes of length */

    open_output(&env, wsic_archive_output_open, alignment, &output);
    ck_assert_int_eq(wsic_archive_output_text(&env, &output, key, value), WSIC_OK);
    ck_assert_int_eq(wsic_archive_output_layer(&env, &output, name, payload, size), WSIC_OK);
    const size_t layer_head = 1 + 1 + strlen(name) + 3, text_head = 1 + 1 + strlen(key) + 1;
    const size_t index_head = 1 + 1 + 1;
    const uint64_t layer = (12 + layer_head + alignment - 1) / alignment * alignment + size + 8;
    const uint64_t text = text_head + strlen(value) + 8;
    const uint64_t index = index_head + layer_head + text_head + 8;
    ck_assert_uint_eq(wsic_archive_output_size(&output, NULL, 0), layer + text + index + 32);
    finish(&env, &output);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_size");
    TCase *const tests = tcase_create("archive_size");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, sizes_are_exact_at_borders, 0, 4);
    tcase_add_loop_test(tests, sizes_are_exact_from_zero_on, 0, 2);
    tcase_add_loop_test(tests, sizes_are_exact_after_a_resumption, 0, 2);
    tcase_add_loop_test(tests, sizes_are_those_of_the_formula, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
