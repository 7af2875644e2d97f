/* SPDX-License-Identifier: MIT */
/* Pieces of work are dealt out one by one: whoever has finished gets the next. */
#ifndef EXAMPLES_MPI_DEAL_H
#define EXAMPLES_MPI_DEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

enum { NOTICE_SIZE = 256 };

/* What has become of a piece. */
struct made_piece {
    void *bytes; /* from malloc() */
    uint64_t size;
    char notice[NOTICE_SIZE]; /* empty: there is nothing to be said */
};

struct dealing {
    size_t first; /* rank 0: the first piece that is not made yet */
    size_t count;
    /* The ranks that make pieces; the bytes are the caller's. */
    bool (*make)(void *maker, size_t number, struct made_piece *made, struct failure *failure);
    void *maker;
    /* Rank 0, in whatever order pieces are made; the bytes are the function's. */
    bool (*take)(void *taker, size_t number, const struct made_piece *made,
                 struct failure *failure);
    void *taker;
};

/* All ranks call it. Of several, rank 0 deals and takes; a single one makes all pieces. */
bool deal(const struct dealing *dealing, int rank, int ranks, struct failure *failure);

#endif
