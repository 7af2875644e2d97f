/* SPDX-License-Identifier: MIT */
/* Writers of the archive "q" that go on with what is there, and what they are to make of it. */
#ifndef TESTS_RESUME_FIXTURE_H
#define TESTS_RESUME_FIXTURE_H

#include <string.h>
#include <sys/stat.h>

#include "archive_fixture.h"

static inline wsic_archive_writer *resume(void)
{
    wsic_archive_writer *writer;

    ck_assert_msg(wsic_archive_writer_resume(context, temporary_path(&place, "q"), &writer) ==
                      WSIC_OK,
                  "%s", wsic_context_message(context));
    return writer;
}

static inline wsic_status refused(void)
{
    wsic_archive_writer *writer = (wsic_archive_writer *)&counter;
    const wsic_status status =
        wsic_archive_writer_resume(context, temporary_path(&place, "q"), &writer);

    ck_assert_ptr_null(writer);
    return status;
}

static inline void set(wsic_archive_writer *writer, const char *key, const char *value)
{
    ck_assert_msg(wsic_archive_writer_set_metadata(writer, key, value) == WSIC_OK, "%s",
                  wsic_archive_writer_message(writer));
}

/* The layers up to count that are not there, with metadata before the first and the third. */
static inline void add_up_to(wsic_archive_writer *writer, size_t count)
{
    set(writer, "parameters", "rate=2");
    for (size_t k = wsic_archive_writer_count(writer); k < count; k++) {
        if (k == 2)
            set(writer, "between", "");
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_OK);
    }
}

static inline void finish(wsic_archive_writer *writer)
{
    add_up_to(writer, LAYERS);
    set(writer, "late", "seconds=1");
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

static inline uint64_t size_of(const char *name)
{
    struct stat facts;

    ck_assert_int_eq(stat(temporary_path(&place, name), &facts), 0);
    return (uint64_t)facts.st_size;
}

/* The finished archive of a run that nothing has interrupted, and where its layers end. */
struct expected {
    uint8_t *bytes;
    size_t size;
    uint64_t ends[LAYERS + 1];
    size_t finished; /* interrupted runs that were brought to their end */
};

static inline struct expected uninterrupted(void)
{
    wsic_archive_writer *const writer = resume();
    struct expected expected = {.ends = {12}};

    for (size_t k = 1; k <= LAYERS; k++) {
        add_up_to(writer, k);
        expected.ends[k] = size_of("q.part");
    }
    finish(writer);
    ck_assert_uint_eq(temporary_count(&place), 1);
    expected.bytes = read_file(temporary_path(&place, "q"), &expected.size);
    ck_assert_int_eq(unlink(place.path), 0);
    return expected;
}

static inline void check_file(const char *name, const uint8_t *bytes, size_t size)
{
    size_t found_size;
    uint8_t *const found = read_file(temporary_path(&place, name), &found_size);

    ck_assert_uint_eq(found_size, size);
    ck_assert_mem_eq(found, bytes, size);
    free(found);
}

static inline void check_taken_over(wsic_archive_writer *writer, size_t count)
{
    ck_assert_uint_eq(wsic_archive_writer_count(writer), count);
    for (size_t k = 0; k < count; k++) {
        wsic_layer *layer;
        ck_assert_str_eq(wsic_archive_writer_name(writer, k), names[k]);
        ck_assert_int_eq(wsic_archive_writer_load_layer(writer, k, &layer), WSIC_OK);
        check_same_layer(layer, layers[k]);
        wsic_layer_destroy(layer);
        ck_assert_int_eq(wsic_archive_writer_add(writer, names[k], layers[k]), WSIC_ERROR_EXISTS);
    }
    const char *const parameters = wsic_archive_writer_metadata(writer, "parameters");
    ck_assert(count == 0 ? parameters == NULL : strcmp(parameters, "rate=2") == 0);
    ck_assert((wsic_archive_writer_metadata(writer, "between") != NULL) == (count > 2));
    ck_assert_ptr_null(wsic_archive_writer_metadata(writer, "late"));
    ck_assert_str_eq(wsic_archive_writer_metadata(writer, "library"), wsic_version());
}

static inline size_t whole_layers(const uint64_t ends[LAYERS + 1], size_t size)
{
    size_t count = 0;

    while (count < LAYERS && ends[count + 1] <= size)
        count++;
    return count;
}

#endif
