/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CHECK_MAIN_H
#define TESTS_CHECK_MAIN_H

#include <check.h>

/* Run a suite with TAP on standard output, which is how meson reads the results. */
static inline int run_suite(Suite *suite)
{
    SRunner *const runner = srunner_create(suite);

    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
