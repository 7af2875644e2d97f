/* SPDX-License-Identifier: MIT */
/* A system that maps no files: everything is read instead. */
#include <errno.h>
#include <sys/mman.h>

#include "check_main.h"
#include "view_fixture.h"

static unsigned refusals;

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    (void)address;
    (void)size;
    (void)protection;
    (void)flags;
    (void)descriptor;
    (void)offset;
    refusals++;
    errno = ENODEV;
    return MAP_FAILED;
}

START_TEST(archives_are_read_instead)
{
    errno = 0;
    refusals = 0;
    wsic_archive *const archive = open_all();
    ck_assert_uint_eq(refusals, 1);
    ck_assert_int_eq(errno, 0);
    check_contents(archive, LAYERS);
    wsic_layer *const view = view_of(archive, 1);
    wsic_archive_close(archive);
    check_equal_layer(view, layers[1]);
    wsic_layer_destroy(view);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_unmapped");
    TCase *const tests = tcase_create("archive_unmapped");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, archives_are_read_instead);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
