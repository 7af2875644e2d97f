/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "check_main.h"
#include "coding_env.h"
#include "temporary.h"

static double read_of(const char *text)
{
    double value = -77;

    ck_assert_msg(wsic_decimal_read(text, &value), "%s", text);
    return value;
}

START_TEST(numbers_are_those_of_the_compiler)
{
    ck_assert(read_of("2") == 2.0);
    ck_assert(read_of("-2.5") == -2.5);
    ck_assert(read_of("+.125") == 0.125);
    ck_assert(read_of("25E-1") == 2.5);
    ck_assert(read_of("7.") == 7.0);
    ck_assert(read_of("1e+3") == 1000.0);
    ck_assert(read_of("0.010507407403297175") == 0.010507407403297175);
    ck_assert(read_of("0.98617186483534813") == 0.98617186483534813);
    ck_assert(read_of("123456789012345678901234567890e-40") == 123456789012345678901234567890e-40);
    ck_assert(read_of("1e-310") == 1e-310);
    ck_assert(read_of("1.7976931348623157e308") == DBL_MAX);
    ck_assert(read_of("0.0000000000000000000000000000000000000000000001e46") == 1.0);
}
END_TEST

START_TEST(everything_else_is_refused)
{
    static const char *const wrong[] = {"",    ".",   "x",   "2x",    "2,5",   "1e",    "1e+",
                                        "--2", "nan", "inf", "1e309", " 2",    "2 ",    "0x10",
                                        "e5",  "+",   "-",   ".e1",   "1.2.3", "1e1.5", "1e999999"};
    char long_text[402];
    double value = 5;

    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
        ck_assert_msg(!wsic_decimal_read(wrong[k], &value), "%s", wrong[k]);
    memset(long_text, '1', 401);
    long_text[401] = '\0';
    ck_assert(!wsic_decimal_read(long_text, &value));
    ck_assert(value == 5);
}
END_TEST

/* All bits of a double, whatever number they are. */
static double any_number(uint64_t *state)
{
    double value;

    do {
        const uint64_t bits = random_bits(state);
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

START_TEST(what_is_printed_reads_back)
{
    uint64_t state = 3;
    char text[WSIC_DECIMAL_SIZE];

    errno = 12345;
    for (int k = 0; k < 20000; k++) {
        const double value =
            k % 2 == 0 ? any_number(&state) : (double)(random_bits(&state) >> 11) * 0x1p-53;
        wsic_decimal_print(value, text);
        const double back = read_of(text);
        ck_assert_msg(memcmp(&back, &value, sizeof value) == 0, "%a is %s", value, text);
    }
    ck_assert_int_eq(errno, 12345);
    wsic_decimal_print(2.5, text);
    ck_assert_str_eq(text, "2.5");
    wsic_decimal_print(1e-5, text);
    ck_assert_str_eq(text, "1e-05");
}
END_TEST

/* One whose radix has two bytes; where the system has what it takes to make it. */
START_TEST(the_locale_changes_nothing)
{
    char command[600], text[WSIC_DECIMAL_SIZE], local[8];
    temporary place;

    temporary_create(&place);
    snprintf(command, sizeof command, "localedef -i ps_AF -f UTF-8 %s >/dev/null 2>&1",
             temporary_path(&place, "ps_AF.UTF-8"));
    const bool made = system(command) == 0;
    setenv("LOCPATH", place.directory, 1);
    const bool chosen = made && setlocale(LC_NUMERIC, "ps_AF.UTF-8");
    snprintf(command, sizeof command, "rm -rf %s", place.path);
    ck_assert_int_eq(system(command), 0);
    temporary_destroy(&place);
    if (!chosen)
        return;
    snprintf(local, sizeof local, "%.1f", 0.5);
    ck_assert_str_eq(local, "0\xD9\xAB"
                            "5");
    ck_assert(read_of("2.5") == 2.5);
    ck_assert(read_of("-12.5e1") == -125);
    wsic_decimal_print(0.125, text);
    ck_assert_str_eq(text, "0.125");
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("decimal");
    TCase *const tests = tcase_create("decimal");

    tcase_add_test(tests, numbers_are_those_of_the_compiler);
    tcase_add_test(tests, everything_else_is_refused);
    tcase_add_test(tests, what_is_printed_reads_back);
    tcase_add_test(tests, the_locale_changes_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
