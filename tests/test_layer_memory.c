/* SPDX-License-Identifier: MIT */
/* What a layer holds in memory, as the host's allocator sees it: little more than its bytes. */
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

/* An allocator that knows how many bytes it has given. */
static size_t held;

enum { HEAD = alignof(max_align_t) };

static void *allocate(void *user, size_t size)
{
    char *const block = malloc(HEAD + size);

    (void)user;
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    held += size;
    return block + HEAD;
}

static void release(void *user, void *pointer)
{
    char *const block = (char *)pointer - HEAD;
    size_t size;

    (void)user;
    memcpy(&size, block, sizeof size);
    held -= size;
    free(block);
}

/* Rows, columns. */
static const size_t shapes[][2] = {{512, 192}, {192, 512}, {192, 192}, {1000, 64}, {3, 1000}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The bound of the documentation, and what info says against what the allocator gave; the library
 * aligns its few blocks, with up to 80 bytes for each. */
static void check_held(const wsic_layer *layer, size_t given)
{
    const wsic_layer_info info = layer_info(layer);

    ck_assert_msg((double)given <= 1.1 * (double)info.bytes + 16384.0, "%zu bytes are held for %zu",
                  given, (size_t)info.bytes);
    ck_assert_msg(info.memory <= given && given <= info.memory + 20 * 80,
                  "%zu bytes are held, %zu said", given, (size_t)info.memory);
}

START_TEST(a_layer_holds_little_more_than_its_bytes)
{
    const wsic_allocator hooks = {sizeof hooks, allocate, release, NULL};
    const size_t *const shape = shapes[_i % SHAPES];
    layer_fixture f = layer_open(shape[0], shape[1], COVARIANCE_CHANNELS, 5);
    wsic_layer *layer;
    wsic_context *context;
    const void *bytes;
    size_t size;

    layer_choose(&f, (size_t)_i / SHAPES);
    wsic_layer *const made = layer_encode(&f, 2.0);
    ck_assert_int_eq(wsic_layer_get_bytes(made, &bytes, &size), WSIC_OK);
    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    const size_t before = held;
    ck_assert_int_eq(wsic_layer_create(context, bytes, size, &layer), WSIC_OK);
    check_held(layer, held - before);
    wsic_layer_destroy(layer);
    ck_assert_uint_eq(held, before);
    ck_assert_int_eq(wsic_layer_create_view(context, bytes, size, &layer), WSIC_OK);
    ck_assert_double_le((double)(held - before), 0.1 * (double)size + 16384.0);
    wsic_layer_destroy(layer);
    ck_assert_uint_eq(held, before);
    wsic_context_destroy(context);
    ck_assert_uint_eq(held, 0);
    wsic_layer_destroy(made);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("layer_memory");
    TCase *const tests = tcase_create("layer_memory");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_layer_holds_little_more_than_its_bytes, 0,
                        SHAPES * LAYER_VARIANTS);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
