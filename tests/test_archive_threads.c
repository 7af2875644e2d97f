/* SPDX-License-Identifier: MIT */
/* Several threads in one archive at the same time; one of the layers is damaged. Meant for
 * ThreadSanitizer, too. */
#include <pthread.h>
#include <string.h>

#include "check_main.h"
#include "view_fixture.h"

enum { THREADS = 4, ROUNDS = 200, DAMAGED = 1 };

static wsic_archive *shared;
static wsic_context *own;
static uint8_t *file_bytes; /* of the archive, as an engine reads them itself */

/* What went wrong in one thread; Check's assertions are for the main thread. */
typedef struct reader {
    pthread_t thread;
    unsigned number;
    unsigned wrong;
} reader;

static int has_bytes(const wsic_layer *layer, const wsic_layer *expected)
{
    const void *bytes, *other;
    size_t size, other_size;

    return wsic_layer_get_bytes(layer, &bytes, &size) == WSIC_OK &&
           wsic_layer_get_bytes(expected, &other, &other_size) == WSIC_OK && size == other_size &&
           memcmp(bytes, other, size) == 0;
}

static int decodes(const wsic_layer *layer)
{
    int32_t codes[32 * 32];
    wsic_layer_info info = {.size = sizeof info};
    wsic_matrix matrix;

    if (wsic_layer_get_info(layer, &info) != WSIC_OK || info.rows * info.columns > 32 * 32)
        return 0;
    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, info.rows, info.columns, 0);
    return wsic_layer_get_codes(layer, 0, &matrix) == WSIC_OK;
}

/* In three ways: a copy, borrowed from the archive, on bytes of the caller. */
static wsic_status take(size_t k, unsigned way, wsic_layer **layer)
{
    uint64_t offset, size;

    if (way == 0)
        return wsic_archive_load_layer(shared, k, layer);
    if (way == 1)
        return wsic_archive_view_layer(shared, k, layer);
    *layer = NULL;
    const wsic_status status = wsic_archive_get_extent(shared, k, &offset, &size);
    return status == WSIC_OK ? wsic_layer_create_view(own, file_bytes + offset, (size_t)size, layer)
                             : status;
}

static int round_is_right(unsigned round)
{
    const size_t k = round % LAYERS;
    wsic_layer *layer;
    size_t index;

    if (wsic_archive_find(shared, names[k], &index) != WSIC_OK || index != k ||
        wsic_archive_find(shared, "none", &index) != WSIC_ERROR_NOT_FOUND)
        return 0;
    const wsic_status status = take(k, round / LAYERS % 3, &layer);
    if (k == DAMAGED)
        return status == WSIC_ERROR_CHECKSUM && !layer;
    const int right = status == WSIC_OK && has_bytes(layer, layers[k]) && decodes(layer);
    wsic_layer_destroy(layer);
    return right;
}

static void *read_layers(void *data)
{
    reader *const self = data;

    for (unsigned round = 0; round < ROUNDS; round++)
        self->wrong += !round_is_right(round + self->number);
    return NULL;
}

static void damage(size_t index)
{
    uint64_t offset, size;
    size_t bytes_size;
    wsic_archive *const archive = open_all();

    ck_assert_int_eq(wsic_archive_get_extent(archive, index, &offset, &size), WSIC_OK);
    wsic_archive_close(archive);
    uint8_t *const bytes = read_file(temporary_path(&place, "q"), &bytes_size);
    bytes[offset + size - 1] ^= 1;
    write_file(place.path, bytes, bytes_size);
    free(bytes);
}

START_TEST(threads_read_one_archive)
{
    reader readers[THREADS];
    size_t size;

    damage(DAMAGED);
    file_bytes = read_file(temporary_path(&place, "q"), &size);
    /* The allocator of the fixture counts without a lock. */
    ck_assert_int_eq(wsic_context_create(NULL, &own), WSIC_OK);
    ck_assert_int_eq(wsic_archive_open(own, temporary_path(&place, "q"), &shared), WSIC_OK);
    for (unsigned k = 0; k < THREADS; k++) {
        readers[k] = (reader){.number = k};
        ck_assert_int_eq(pthread_create(&readers[k].thread, NULL, read_layers, &readers[k]), 0);
    }
    for (unsigned k = 0; k < THREADS; k++) {
        ck_assert_int_eq(pthread_join(readers[k].thread, NULL), 0);
        ck_assert_uint_eq(readers[k].wrong, 0);
    }
    ck_assert_str_ne(wsic_archive_message(shared), "");
    wsic_archive_close(shared);
    ck_assert_uint_eq(wsic_context_memory(own, NULL), 0);
    wsic_context_destroy(own);
    free(file_bytes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("archive_threads");
    TCase *const tests = tcase_create("archive_threads");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, threads_read_one_archive);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
