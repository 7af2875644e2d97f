/* SPDX-License-Identifier: MIT */
/* Layers on bytes that the caller keeps. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS is not of POSIX */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check_main.h"
#include "view_fixture.h"

/* Anywhere, as in a tensor of another container, with other bytes on both sides. */
START_TEST(bytes_may_have_any_address)
{
    enum { SHIFTS = 64 };

    for (size_t k = 0; k < LAYERS; k++) {
        const void *bytes;
        const size_t size = bytes_of(layers[k], &bytes);
        uint8_t *const around = malloc(size + 2 * SHIFTS);
        memset(around, 0xA5, size + 2 * SHIFTS);
        for (size_t shift = 0; shift < SHIFTS; shift++) {
            wsic_layer *view;
            const void *kept;
            memcpy(around + shift, bytes, size);
            ck_assert_int_eq(wsic_layer_create_view(context, around + shift, size, &view), WSIC_OK);
            ck_assert_uint_eq(bytes_of(view, &kept), size);
            ck_assert_ptr_eq(kept, around + shift);
            check_equal_layer(view, layers[k]);
            wsic_layer_destroy(view);
        }
        free(around);
    }
}
END_TEST

/* Bytes that end where the memory ends: whatever is flipped or missing, nothing behind them is
 * touched, and the view says what the copy says. */
START_TEST(checks_are_those_of_reading)
{
    const void *bytes;
    const size_t size = bytes_of(layers[0], &bytes);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *const pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert(pages != MAP_FAILED && size <= page);
    ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        const size_t kept = bit % 8 == 7 ? bit / 8 : size;
        uint8_t *const end = pages + page - kept;
        wsic_layer *view = layers[0], *copy = layers[0];
        memcpy(end, bytes, kept);
        if (kept == size)
            end[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const wsic_status status = wsic_layer_create_view(context, end, kept, &view);
        ck_assert_int_lt(status, 0);
        ck_assert_int_eq(status, wsic_layer_create(context, end, kept, &copy));
        ck_assert(!view && !copy);
    }
    memcpy(pages + page - size, bytes, size);
    wsic_layer *view;
    ck_assert_int_eq(wsic_layer_create_view(context, pages + page - size, size, &view), WSIC_OK);
    check_equal_layer(view, layers[0]);
    wsic_layer_destroy(view);
    munmap(pages, 2 * page);
}
END_TEST

START_TEST(arguments_are_checked)
{
    wsic_layer *layer = layers[0];

    ck_assert_int_eq(wsic_layer_create_view(NULL, "x", 1, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    layer = layers[0];
    ck_assert_int_eq(wsic_layer_create_view(context, NULL, 1, &layer), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_null(layer);
    ck_assert_str_eq(wsic_context_message(context), "bytes is NULL");
    ck_assert_int_eq(wsic_layer_create_view(context, "x", 1, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_create_view(context, "x", 0, &layer), WSIC_ERROR_TRUNCATED);
}
END_TEST

/* Scales of a view can be changed, since that makes another layer. */
START_TEST(a_view_is_a_layer)
{
    const void *bytes;
    const size_t size = bytes_of(layers[2], &bytes);
    wsic_layer *view, *same;

    ck_assert_int_eq(wsic_layer_create_view(context, bytes, size, &view), WSIC_OK);
    ck_assert_int_eq(wsic_layer_create_with_scales(view, NULL, NULL, &same), WSIC_OK);
    wsic_layer_destroy(view);
    wsic_layer_info info = {.size = sizeof info}, expected = {.size = sizeof expected};
    ck_assert_int_eq(wsic_layer_get_info(same, &info), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(layers[2], &expected), WSIC_OK);
    ck_assert_uint_eq(info.rows, expected.rows);
    wsic_layer_destroy(same);
}
END_TEST

static wsic_status view_once(void *data)
{
    const void *bytes;
    const size_t size = bytes_of(layers[0], &bytes);
    wsic_layer *view;

    (void)data;
    const wsic_status status = wsic_layer_create_view(context, bytes, size, &view);
    wsic_layer_destroy(view);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    refuse_every_allocation(&counter, view_once, NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_view");
    TCase *const tests = tcase_create("layer_view");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, bytes_may_have_any_address);
    tcase_add_test(tests, checks_are_those_of_reading);
    tcase_add_test(tests, arguments_are_checked);
    tcase_add_test(tests, a_view_is_a_layer);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
