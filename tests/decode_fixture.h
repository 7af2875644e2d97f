/* SPDX-License-Identifier: MIT */
/* Layers with known codes for the tests of decoding calls, and all kernels that can run here. */
#ifndef TESTS_DECODE_FIXTURE_H
#define TESTS_DECODE_FIXTURE_H

#include <stdio.h>

#include "counting_allocator.h"
#include "guarded.h"
#include "sample_layer.h"
#include "watersic/watersic.h"

enum { KERNELS_MOST = 4 };

static counting_allocator counter;
static wsic_context *context;
static sample made;
static wsic_layer *layer;
static wsic_layer_info info;

static inline void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);
    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    layer = NULL;
}

static inline void end(void)
{
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

/* Replace the layer by the sample as it stands. */
static inline void build(void)
{
    wsic_layer_destroy(layer);
    ck_assert_int_eq(sample_layer(context, &made, &layer), WSIC_OK);
    info = (wsic_layer_info){.size = sizeof info};
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
}

static inline void build_sample(size_t rows, size_t columns, size_t block, double spread,
                                uint64_t seed)
{
    sample_make(&made, rows, columns, spread, seed);
    made.block_rows = block;
    build();
}

/* The code that the layer was made of. */
static inline int32_t code_at(size_t row, size_t column)
{
    return sample_code(&made, row, column);
}

static inline float weight_at(size_t row, size_t column)
{
    return wsic_layer_row_scales(layer)[row] *
           (wsic_layer_column_scales(layer)[column] * (float)code_at(row, column));
}

/* The choices of kernels that this machine can run, C first. */
static inline size_t list_kernels(int32_t *kernels)
{
    size_t count = 0;

    for (int32_t k = WSIC_KERNELS_C; k <= WSIC_KERNELS_NEON; k++) {
        if (wsic_context_set_kernels(context, k) == WSIC_OK)
            kernels[count++] = k;
    }
    return count;
}

/* A workspace of exactly the size that is asked for, between pages that end the test. Nothing may
 * be allocated with it. */
static inline wsic_status run_guarded(const wsic_layer_job *job)
{
    size_t bytes = 0;
    wsic_status status = wsic_layer_get_workspace_size(job, &bytes);

    if (status != WSIC_OK)
        return status;
    ck_assert_uint_eq(bytes % WSIC_WORKSPACE_ALIGNMENT, 0);
    guarded workspace = guarded_make(bytes);
    const size_t before = counter.calls;
    status = wsic_layer_run(job, workspace.data, bytes);
    ck_assert_uint_eq(counter.calls, before);
    guarded_free(&workspace);
    return status;
}

#endif
