/* SPDX-License-Identifier: MIT */
/* Kernels of streams: the same bits as wsic_stream_step() on all forms, and no byte read that is
 * not theirs. */
#include <check.h>
#include <stdio.h>

#include "check_main.h"
#include "stream_cases.h"
#if WSIC_X86
#include "coding/expand.h"
#endif

static void expect_same(const char *name, stream_kernel_choice *choice, unsigned form,
                        size_t least_lanes, unsigned octet_log)
{
    stream_report report = {.hash = 1};

    for (unsigned kind = 1; kind <= STREAM_KINDS; kind++) {
        for (size_t lanes = least_lanes; lanes <= WSIC_VECTOR_LANES; lanes *= 2) {
            const stream_case given = {form, kind, lanes, octet_log};
            stream_check(choice, &given, &report);
        }
    }
    ck_assert_msg(report.failure[0] == '\0', "%s, form %u: %s", name, form, report.failure);
    /* The cases are worth something. */
    ck_assert_uint_gt(report.steps, 1000);
    ck_assert_uint_gt(report.outside, 5);
    if (form < WSIC_FORM_SHIFTED)
        ck_assert_uint_gt(report.escapes, 100);
}

START_TEST(c_decodes_the_same)
{
    expect_same("C", wsic_vector_kernel_c, (unsigned)_i, 8, WSIC_OCTET_LOG);
}
END_TEST

START_TEST(c_decodes_columns_with_models_of_their_own)
{
    expect_same("C", wsic_vector_kernel_c, (unsigned)_i, 8, 0);
}
END_TEST

#if WSIC_X86
START_TEST(avx2_decodes_the_same)
{
    if (wsic_kernels_available(WSIC_KERNELS_AVX2))
        expect_same("AVX2", wsic_vector_kernel_avx2, (unsigned)_i, WSIC_VECTOR_LANES,
                    WSIC_OCTET_LOG);
}
END_TEST

START_TEST(avx2_decodes_columns_with_models_of_their_own)
{
    if (wsic_kernels_available(WSIC_KERNELS_AVX2))
        expect_same("AVX2", wsic_vector_kernel_avx2_alone, (unsigned)_i, WSIC_VECTOR_LANES, 0);
}
END_TEST

/* Where the processor does not have it, test_stream_emulated does what can be done. */
START_TEST(avx512_decodes_the_same)
{
    if (wsic_kernels_available(WSIC_KERNELS_AVX512))
        expect_same("AVX-512", wsic_vector_kernel_avx512, (unsigned)_i, WSIC_VECTOR_LANES,
                    WSIC_OCTET_LOG);
}
END_TEST

START_TEST(words_expand_in_the_order_of_lanes)
{
    for (unsigned mask = 0; mask < 256; mask++) {
        unsigned before = 0;
        for (unsigned lane = 0; lane < 8; lane++) {
            const unsigned place = wsic_expand[mask] >> 8 * lane & 0xFF;
            if (mask >> lane & 1)
                ck_assert_uint_eq(place, before++);
            else
                ck_assert_uint_lt(place, 8);
        }
    }
}
END_TEST
#endif

#if WSIC_NEON
START_TEST(neon_decodes_the_same)
{
    expect_same("NEON", wsic_vector_kernel_neon, (unsigned)_i, WSIC_VECTOR_LANES, WSIC_OCTET_LOG);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("stream_kernels");
    TCase *const tests = tcase_create("stream_kernels");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, c_decodes_the_same, 0, STREAM_FORMS);
    tcase_add_loop_test(tests, c_decodes_columns_with_models_of_their_own, 0, STREAM_FORMS);
#if WSIC_X86
    tcase_add_loop_test(tests, avx2_decodes_the_same, 0, STREAM_FORMS);
    tcase_add_loop_test(tests, avx2_decodes_columns_with_models_of_their_own, 0, STREAM_FORMS);
    tcase_add_loop_test(tests, avx512_decodes_the_same, 0, STREAM_FORMS);
    tcase_add_test(tests, words_expand_in_the_order_of_lanes);
#endif
#if WSIC_NEON
    tcase_add_loop_test(tests, neon_decodes_the_same, 0, STREAM_FORMS);
#endif
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
