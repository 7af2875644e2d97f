/* SPDX-License-Identifier: MIT */
/* A context, three layers and a directory: what the tests of archives start from. */
#ifndef TESTS_ARCHIVE_FIXTURE_H
#define TESTS_ARCHIVE_FIXTURE_H

#include "counting_allocator.h"
#include "sample_layer.h"
#include "temporary.h"
#include "watersic/watersic.h"

enum { LAYERS = 3 };

static const char *const names[LAYERS] = {"model.z", "model.a", "model.\xC3\xA9"};

static counting_allocator counter;
static wsic_context *context;
static wsic_layer *layers[LAYERS];
static temporary place;
static sample made;

static inline void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    for (size_t k = 0; k < LAYERS; k++) {
        sample_make(&made, 10 + k, 20, 3, k);
        ck_assert_int_eq(sample_layer(context, &made, &layers[k]), WSIC_OK);
    }
    temporary_create(&place);
}

static inline void end(void)
{
    temporary_destroy(&place);
    for (size_t k = 0; k < LAYERS; k++)
        wsic_layer_destroy(layers[k]);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static inline wsic_archive_writer *begin_archive(const char *name)
{
    wsic_archive_writer *writer;

    ck_assert_int_eq(wsic_archive_writer_create(context, temporary_path(&place, name), &writer),
                     WSIC_OK);
    return writer;
}

static inline size_t bytes_of(const wsic_layer *layer, const void **bytes)
{
    size_t size;

    ck_assert_int_eq(wsic_layer_get_bytes(layer, bytes, &size), WSIC_OK);
    return size;
}

static inline void check_same_layer(const wsic_layer *a, const wsic_layer *b)
{
    const void *first, *second;
    const size_t size = bytes_of(a, &first);

    ck_assert_uint_eq(bytes_of(b, &second), size);
    ck_assert_mem_eq(first, second, size);
}

static inline void check_contents(wsic_archive *archive, size_t count)
{
    ck_assert_uint_eq(wsic_archive_count(archive), count);
    for (size_t k = 0; k < count; k++) {
        wsic_layer *found;
        size_t index = 99;
        ck_assert_str_eq(wsic_archive_name(archive, k), names[k]);
        ck_assert_int_eq(wsic_archive_find(archive, names[k], &index), WSIC_OK);
        ck_assert_uint_eq(index, k);
        ck_assert_int_eq(wsic_archive_load_layer(archive, k, &found), WSIC_OK);
        check_same_layer(found, layers[k]);
        wsic_layer_destroy(found);
    }
    ck_assert_uint_eq(wsic_archive_metadata_count(archive), 2);
    ck_assert_str_eq(wsic_archive_metadata(archive, "library"), wsic_version());
    ck_assert_str_eq(wsic_archive_metadata(archive, "parameters"), "rate=2");
}

#endif
