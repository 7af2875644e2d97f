/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "check_main.h"
#include "coding_env.h"

typedef struct pair {
    double key;
    size_t number;
} pair;

static int by_key(const void *left, const void *right)
{
    const pair *const a = left, *const b = right;

    return a->key != b->key ? wsic_ascending_double(&a->key, &b->key)
                            : (a->number > b->number) - (a->number < b->number);
}

/* Against the system's sort, with many values that are equal and with few. */
START_TEST(agrees_with_qsort)
{
    enum { MOST = 300 };
    int32_t numbers[MOST], sorted_numbers[MOST];
    pair pairs[MOST], sorted_pairs[MOST];
    uint64_t state = 1;

    for (size_t count = 0; count < MOST; count++) {
        for (size_t i = 0; i < count; i++) {
            const uint64_t bits = random_bits(&state);
            numbers[i] = count % 2 == 0 ? (int32_t)(uint32_t)bits : (int32_t)(bits % 7) - 3;
            pairs[i] = (pair){(double)numbers[i] / 3, i};
        }
        memcpy(sorted_numbers, numbers, count * sizeof *numbers);
        memcpy(sorted_pairs, pairs, count * sizeof *pairs);
        qsort(sorted_numbers, count, sizeof *numbers, wsic_ascending_int32);
        qsort(sorted_pairs, count, sizeof *pairs, by_key);
        wsic_sort(numbers, count, sizeof *numbers, wsic_ascending_int32);
        wsic_sort(pairs, count, sizeof *pairs, by_key);
        ck_assert_mem_eq(numbers, sorted_numbers, count * sizeof *numbers);
        ck_assert_mem_eq(pairs, sorted_pairs, count * sizeof *pairs);
        for (size_t i = 1; i < count; i++)
            ck_assert_int_le(numbers[i - 1], numbers[i]);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("sort");
    TCase *const tests = tcase_create("sort");

    tcase_add_test(tests, agrees_with_qsort);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
