/* SPDX-License-Identifier: MIT */
/* Kernels of products and weights: the numbers of their definitions, bit for bit, with every
 * instruction set that this machine has. */
#include <check.h>

#include "check_main.h"
#include "decode_cases.h"

START_TEST(kernels_do_what_their_definitions_say)
{
    decode_kernels kernels[DECODE_KERNELS_MOST];
    decode_report reports[DECODE_KERNELS_MOST];
    const size_t count = decode_kernels_here(kernels);

    for (size_t k = 0; k < count; k++) {
        decode_check(&kernels[k], &reports[k]);
        ck_assert_msg(reports[k].failure[0] == '\0', "%s: %s", kernels[k].name, reports[k].failure);
        ck_assert_uint_gt(reports[k].numbers, 10000);
        ck_assert_uint_eq(reports[k].hash, reports[0].hash);
    }
}
END_TEST

/* Each choice has kernels of its own. */
START_TEST(choices_are_kept)
{
    ck_assert_ptr_eq(wsic_product_for(WSIC_KERNELS_C), &wsic_product_c);
    ck_assert_ptr_eq(wsic_weights_for(WSIC_KERNELS_C), &wsic_weights_c);
#if WSIC_X86
    ck_assert_ptr_eq(wsic_product_for(WSIC_KERNELS_AVX2), &wsic_product_avx2);
    ck_assert_ptr_eq(wsic_weights_for(WSIC_KERNELS_AVX2), &wsic_weights_avx2);
    ck_assert_ptr_eq(wsic_product_for(WSIC_KERNELS_AVX512), &wsic_product_avx512);
    ck_assert_ptr_eq(wsic_weights_for(WSIC_KERNELS_AVX512), &wsic_weights_avx512);
#elif WSIC_NEON
    ck_assert_ptr_eq(wsic_product_for(WSIC_KERNELS_NEON), &wsic_product_neon);
    ck_assert_ptr_eq(wsic_weights_for(WSIC_KERNELS_NEON), &wsic_weights_neon);
#endif
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("decode_kernels");
    TCase *const tests = tcase_create("decode_kernels");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, kernels_do_what_their_definitions_say);
    tcase_add_test(tests, choices_are_kept);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
