/* SPDX-License-Identifier: MIT */
/* One sample layer in a context whose memory is counted. */
#ifndef TESTS_SAMPLE_FIXTURE_H
#define TESTS_SAMPLE_FIXTURE_H

#include "counting_allocator.h"
#include "sample_layer.h"

static counting_allocator counter;
static wsic_context *context;
static sample made;
static wsic_layer *layer;

enum { ROWS = 50, COLUMNS = 37, BLOCK = 16 };

static inline void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    sample_make(&made, ROWS, COLUMNS, 20, 1);
    made.block_rows = BLOCK;
    ck_assert_int_eq(sample_layer(context, &made, &layer), WSIC_OK);
}

static inline void end(void)
{
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

#endif
