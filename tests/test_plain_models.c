/* SPDX-License-Identifier: MIT */
/* Models, contexts, arrays and scales as the plain decoder understands them, against closed forms
 * and against the plain encoder. */
#include <stdlib.h>

#include "check_main.h"
#include "code_matrices.h"
#include "plain_decoder.h"
#include "plain_encoder.h"

/* --- models ------------------------------------------------------------------------ */

START_TEST(built_in_models_are_distributions)
{
    model m;

    for (unsigned form = 0; form < PLAIN_FORMS; form++) {
        for (int w = -64; w <= 496; w += 13) {
            for (unsigned shape = 0; shape < 4; shape++) {
                unsigned sum = 0;
                plain_builtin_model(&m, shape, w, plain_form_symbols(form), plain_form_shift(form),
                                    0, 0, NULL);
                for (unsigned k = 0; k < m.symbols; k++)
                    sum += m.f[k];
                ck_assert_uint_eq(sum, 4096);
                ck_assert_int_eq(m.first, -m.last);
                ck_assert_uint_ge(m.f[0], 1);
            }
        }
    }
    /* At shape 2, of density exp(-sqrt(2) |x|) / sqrt(2), and width 16: 1 - exp(-sqrt(2) / 4) */
    plain_builtin_model(&m, 2, 16, 64, 0, 0, 0, NULL);
    ck_assert_double_eq_tol(m.f[32] / 4096.0, 1 - exp(-sqrt(2.0) / 4), 0.01);
}
END_TEST

/* A power of 32 doubles what a magnitude has, before all is made to sum to 1 again. */
START_TEST(corrections_are_factors)
{
    static const int doubled[7] = {32, 0, 0, 0, 0, 0, 0}, halved[7] = {0, -32, 0, 0, 0, 0, 0};
    model plain, m;

    plain_builtin_model(&plain, 0, 16, 32, 0, 0, 0, NULL);
    const double p = plain.f[16] / 4096.0, q = plain.f[17] / 4096.0;
    plain_builtin_model(&m, 0, 16, 32, 0, 0, 7, doubled);
    ck_assert_double_eq_tol(m.f[16] / 4096.0, 2 * p / (1 + p), 0.002);
    ck_assert_double_eq_tol(m.f[17] / 4096.0, q / (1 + p), 0.002);
    plain_builtin_model(&m, 0, 16, 32, 0, 0, 7, halved);
    ck_assert_double_eq_tol(m.f[17] / 4096.0, q / 2 / (1 - q), 0.002);
    ck_assert_double_eq_tol(m.f[15] / 4096.0, m.f[17] / 4096.0, 0.0005);
}
END_TEST

/* The second part of a context: which codebook follows as soon as this index counts, if it is even.
 */
START_TEST(contexts_foresee_codebooks)
{
    static const unsigned further[] = {0, 1, 1, 2, 1, 0, 0};
    const unsigned kind = (unsigned)_i;

    for (unsigned state = 0; state < 1U << kind; state++) {
        for (unsigned others = 0; others < 8; others++) {
            for (int64_t index = 0; index < 2; index++) {
                unsigned after = plain_next_state(kind, state, index);
                for (unsigned k = 0; k < further[kind - 2]; k++)
                    after = plain_next_state(kind, after, others >> k & 1);
                const unsigned context = plain_context(kind, 0, state);
                ck_assert_uint_eq(context / 2, plain_codebook(kind, state));
                ck_assert_uint_eq(plain_codebook(kind, after), (context + (unsigned)index) % 2);
            }
        }
    }
}
END_TEST

/* --- arrays and scales ------------------------------------------------------------- */

START_TEST(arrays_come_back_in_every_mode)
{
    static const int64_t ranges[] = {0, 1, 2, 100, 5000, 1048576, 1073741823};
    uint64_t state = 3;

    for (unsigned mode = 1; mode <= 5; mode++) {
        for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
            for (size_t count = 0; count < 300; count = 2 * count + 1) {
                int64_t values[300], out[300];
                writer bytes = {NULL, 0, 0};
                for (size_t i = 0; i < count; i++)
                    values[i] =
                        (int64_t)(random_bits(&state) % (2 * (uint64_t)ranges[k] + 1)) - ranges[k];
                plain_encode_array(values, count, mode, &bytes);
                stream s = {.bytes = bytes.data, .size = bytes.size};
                plain_array(&s, count, out);
                ck_assert(!s.bad && s.at == s.size);
                for (size_t i = 0; i < count; i++)
                    ck_assert_int_eq(out[i], values[i]);
                free(bytes.data);
            }
        }
    }
}
END_TEST

START_TEST(scales_are_powers_of_two_with_signs)
{
    enum { COUNT = 61 };
    uint64_t state = 9;

    for (unsigned grid = 0; grid <= 12; grid++) {
        int64_t signs[COUNT], exponents[COUNT], nonzero[COUNT];
        float values[COUNT];
        size_t live = 0, used;
        writer bytes = {NULL, 0, 0};
        for (size_t i = 0; i < COUNT; i++) {
            signs[i] = (int64_t)(random_bits(&state) % 3) - 1;
            exponents[i] = (int64_t)(random_bits(&state) % (253U << grid)) - (126 << grid);
            if (signs[i] != 0)
                nonzero[live++] = exponents[i];
        }
        put_u8(&bytes, grid | 16);
        plain_encode_array(signs, COUNT, 1, &bytes);
        plain_encode_array(nonzero, live, 2, &bytes);
        ck_assert(plain_decode_scales(bytes.data, bytes.size, COUNT, values, &used));
        ck_assert_uint_eq(used, bytes.size);
        for (size_t i = 0; i < COUNT; i++) {
            const double exact = (double)signs[i] * exp2(ldexp((double)exponents[i], -(int)grid));
            ck_assert(fabs((double)values[i] - exact) <= 0x1p-24 * 1.0001 * fabs(exact));
        }
        free(bytes.data);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("plain_models");
    TCase *const tests = tcase_create("plain_models");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, built_in_models_are_distributions);
    tcase_add_test(tests, corrections_are_factors);
    tcase_add_loop_test(tests, contexts_foresee_codebooks, 2, 9);
    tcase_add_test(tests, arrays_come_back_in_every_mode);
    tcase_add_test(tests, scales_are_powers_of_two_with_signs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
