/* SPDX-License-Identifier: MIT */
#include "quant/permute.h"

#include <string.h>

typedef struct permutation {
    const size_t *order;
    size_t bytes;
    char *data;
    char *hand;          /* one column */
    unsigned char *done; /* one mark for each column */
} permutation;

static char *at(const permutation *p, size_t column)
{
    return p->data + column * p->bytes;
}

/* The cycle through `first`: place k is filled from order[k]; its old content, lost
 * otherwise, is taken in hand at the beginning and put down at the end. */
static void pull_cycle(const permutation *p, size_t first)
{
    size_t place = first;

    memcpy(p->hand, at(p, first), p->bytes);
    for (; p->order[place] != first; place = p->order[place]) {
        memcpy(at(p, place), at(p, p->order[place]), p->bytes);
        p->done[place] = 1;
    }
    memcpy(at(p, place), p->hand, p->bytes);
    p->done[place] = 1;
}

/* The reverse: the content of place k goes to order[k], whose own is taken in hand by
 * swapping. */
static void push_cycle(const permutation *p, size_t first)
{
    for (size_t place = p->order[first]; place != first; place = p->order[place]) {
        memcpy(p->hand, at(p, place), p->bytes);
        memcpy(at(p, place), at(p, first), p->bytes);
        memcpy(at(p, first), p->hand, p->bytes);
        p->done[place] = 1;
    }
    p->done[first] = 1;
}

static wsic_status permute(const wsic_env *env, size_t columns, const size_t *order,
                           size_t column_bytes, void *data,
                           void (*cycle)(const permutation *p, size_t first))
{
    permutation p = {.order = order, .bytes = column_bytes, .data = data};
    wsic_status status = WSIC_OK;

    if (!order)
        return WSIC_OK;
    p.done = wsic_alloc_zero(env, columns, 1, &status);
    if (!p.done)
        return status;
    p.hand = wsic_alloc(env, column_bytes, 1, &status);
    for (size_t k = 0; p.hand && k < columns; k++) {
        if (!p.done[k])
            cycle(&p, k);
    }
    wsic_free(env, p.hand);
    wsic_free(env, p.done);
    return status;
}

wsic_status wsic_permute_forward(const wsic_env *env, size_t columns, const size_t *order,
                                 size_t column_bytes, void *data)
{
    return permute(env, columns, order, column_bytes, data, pull_cycle);
}

wsic_status wsic_permute_backward(const wsic_env *env, size_t columns, const size_t *order,
                                  size_t column_bytes, void *data)
{
    return permute(env, columns, order, column_bytes, data, push_cycle);
}
