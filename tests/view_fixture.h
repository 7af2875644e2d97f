/* SPDX-License-Identifier: MIT */
/* The archive "q" with all layers of the fixture, and layers that borrow from it. */
#ifndef TESTS_VIEW_FIXTURE_H
#define TESTS_VIEW_FIXTURE_H

#include "archive_fixture.h"

static inline void write_all(const char *name)
{
    wsic_archive_writer *const writer = begin_archive(name);

    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "parameters", "rate=2"), WSIC_OK);
    for (size_t k = 0; k < LAYERS; k++)
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

static inline wsic_archive *open_all(void)
{
    wsic_archive *archive;

    write_all("q");
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "q"), &archive), WSIC_OK);
    return archive;
}

static inline wsic_layer *view_of(wsic_archive *archive, size_t index)
{
    wsic_layer *view;

    ck_assert_msg(wsic_archive_view_layer(archive, index, &view) == WSIC_OK, "%s",
                  wsic_archive_message(archive));
    return view;
}

/* Bytes, codes and scales. */
static inline void check_equal_layer(const wsic_layer *layer, const wsic_layer *expected)
{
    static int32_t codes[2][32 * 32];
    wsic_layer_info info = {.size = sizeof info};

    check_same_layer(layer, expected);
    ck_assert_int_eq(wsic_layer_get_info(expected, &info), WSIC_OK);
    ck_assert_uint_le(info.rows * info.columns, 32 * 32);
    for (size_t k = 0; k < 2; k++) {
        wsic_matrix matrix;
        wsic_matrix_init(&matrix, sizeof matrix, codes[k], WSIC_I32, info.rows, info.columns, 0);
        ck_assert_int_eq(wsic_layer_get_codes(k == 0 ? layer : expected, 0, &matrix), WSIC_OK);
    }
    ck_assert_mem_eq(codes[0], codes[1], info.rows * info.columns * sizeof(int32_t));
    ck_assert_mem_eq(wsic_layer_row_scales(layer), wsic_layer_row_scales(expected),
                     info.rows * sizeof(float));
}

#endif
