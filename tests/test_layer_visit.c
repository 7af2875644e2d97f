/* SPDX-License-Identifier: MIT */
/* Tiles as the decoder finds them: every code once, within the memory that was given. */
#include "check_main.h"
#include "decode_fixture.h"

typedef struct tile_check {
    size_t position;
    size_t codes;
    size_t stop_at;
} tile_check;

static int32_t check_tile(void *user, const wsic_tile *tile)
{
    tile_check *const check = user;

    ck_assert_uint_eq(tile->size, sizeof *tile);
    ck_assert_uint_ge(tile->stride, tile->rows);
    ck_assert_uint_eq(tile->stride % 64, 0);
    ck_assert_uint_eq((uintptr_t)(tile->narrow ? (const void *)tile->narrow : tile->wide) % 64, 0);
    for (size_t j = 0; j < tile->columns; j++, check->position++) {
        ck_assert_uint_eq(tile->column[j], wsic_layer_column_order(layer)[check->position]);
        for (size_t i = 0; i < tile->rows; i++, check->codes++) {
            const size_t index = j * tile->stride + i;
            ck_assert_int_eq(tile->narrow ? tile->narrow[index] : tile->wide[index],
                             code_at(tile->first_row + tile->row[i], tile->column[j]));
        }
    }
    return check->position >= check->stop_at;
}

START_TEST(tiles_bring_every_code_once)
{
    for (int wide = 0; wide < 2; wide++) {
        build_sample(150, 203, 70, wide ? 30000 : 100, 12);
        const size_t bytes = wsic_layer_visit_workspace_size(layer);
        guarded workspace = guarded_make(bytes);
        size_t zeros = 0, codes = 0;
        for (size_t k = 0; k < 150 * 203; k++)
            zeros += made.codes[k] == 0;
        for (size_t block = 0; block < 3; block++) {
            tile_check check = {.stop_at = SIZE_MAX};
            const size_t before = counter.calls;
            ck_assert_int_eq(
                wsic_layer_visit(layer, block, check_tile, &check, workspace.data, bytes), WSIC_OK);
            ck_assert_uint_eq(counter.calls, before);
            ck_assert_uint_eq(check.position, info.live_columns);
            codes += check.codes;
        }
        /* Whatever is not brought is 0, which the sample must bear out. */
        ck_assert_uint_ge(codes + zeros, 150 * 203);
        ck_assert_uint_le(codes, 150 * 203);
        guarded_free(&workspace);
    }
}
END_TEST

START_TEST(visits_check_their_arguments_and_can_be_stopped)
{
    static _Alignas(64) char workspace[1 << 20];
    tile_check check = {.stop_at = 33};

    build_sample(150, 203, 70, 100, 13);
    const size_t bytes = wsic_layer_visit_workspace_size(layer);
    ck_assert_uint_le(bytes, sizeof workspace - 64);
    ck_assert_int_eq(wsic_layer_visit(layer, 1, check_tile, &check, NULL, 0), WSIC_ERROR_CANCELLED);
    ck_assert_uint_lt(check.position, info.live_columns);
    ck_assert_int_eq(wsic_layer_visit(NULL, 0, check_tile, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, NULL, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 3, check_tile, &check, NULL, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, check_tile, &check, workspace, bytes - 1),
                     WSIC_ERROR_BUFFER);
    ck_assert_int_eq(wsic_layer_visit(layer, 0, check_tile, &check, workspace + 1, bytes),
                     WSIC_ERROR_ARGUMENT);
}
END_TEST

static wsic_status visit_without_workspace(void *data)
{
    tile_check check = {.stop_at = SIZE_MAX};
    const wsic_status status = wsic_layer_visit(layer, 0, check_tile, &check, NULL, 0);

    (void)data;
    ck_assert_uint_eq(check.position, status == WSIC_OK ? info.live_columns : 0);
    return status;
}

static wsic_status find_range(void *data)
{
    int32_t least = 1234, greatest = 5678;
    const wsic_status status = wsic_layer_get_code_range(layer, &least, &greatest);

    (void)data;
    if (status == WSIC_OK) {
        ck_assert_int_le(least, 0);
        ck_assert_int_ge(greatest, 0);
    } else {
        ck_assert_int_eq(least, 1234);
        ck_assert_int_eq(greatest, 5678);
    }
    return status;
}

START_TEST(visits_without_memory_are_refused)
{
    build_sample(150, 203, 70, 100, 14);
    refuse_every_allocation(&counter, visit_without_workspace, NULL);
    refuse_every_allocation(&counter, find_range, NULL);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_visit");
    TCase *const tests = tcase_create("layer_visit");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, tiles_bring_every_code_once);
    tcase_add_test(tests, visits_check_their_arguments_and_can_be_stopped);
    tcase_add_test(tests, visits_without_memory_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
