/* SPDX-License-Identifier: MIT */
/* An allocator that counts, and that can refuse one allocation of the test's choice. */
#ifndef TESTS_COUNTING_ALLOCATOR_H
#define TESTS_COUNTING_ALLOCATOR_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "watersic/base.h"

typedef struct counting_allocator {
    size_t calls;   /* to allocate, since the last reset */
    size_t fail_at; /* number of the call to refuse, from 1; 0: none */
    size_t live;    /* blocks that have not been released */
} counting_allocator;

static inline void *counting_allocate(void *user, size_t size)
{
    counting_allocator *const counter = user;

    if (++counter->calls == counter->fail_at)
        return NULL;
    void *const block = malloc(size);
    if (block)
        counter->live++;
    return block;
}

static inline void counting_release(void *user, void *block)
{
    counting_allocator *const counter = user;

    counter->live--;
    free(block);
}

static inline wsic_allocator counting_hooks(counting_allocator *counter)
{
    *counter = (counting_allocator){0, 0, 0};
    return (wsic_allocator){sizeof(wsic_allocator), counting_allocate, counting_release, counter};
}

/* Run operation(data) with its k-th allocation refused: it must come back as WSIC_ERROR_MEMORY and
 * must leave no block behind. False if the operation needed less and has succeeded. */
static inline bool refuse_allocation(counting_allocator *counter, size_t k,
                                     wsic_status (*operation)(void *data), void *data)
{
    const size_t live = counter->live;

    counter->calls = 0;
    counter->fail_at = k;
    const wsic_status status = operation(data);
    const bool refused = counter->calls >= k;
    counter->fail_at = 0;
    ck_assert_msg(status == (refused ? WSIC_ERROR_MEMORY : WSIC_OK), "allocation %zu %s: status %d",
                  k, refused ? "refused" : "granted", (int)status);
    if (refused)
        ck_assert_uint_eq(counter->live, live);
    return refused;
}

/* The same with the first, second, ... allocation until the operation needs no more. */
static inline void refuse_every_allocation(counting_allocator *counter,
                                           wsic_status (*operation)(void *data), void *data)
{
    size_t k = 1;

    while (refuse_allocation(counter, k, operation, data))
        k++;
    ck_assert_uint_gt(k, 1);
}

#endif
