/* SPDX-License-Identifier: MIT */
#include "mpi/deal.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/transfer.h"

enum { request_tag = 2, order_tag = 3 };

/* What a rank says when it wants a piece. */
struct request {
    int64_t number; /* of the piece that it has made; its bytes follow. -1: none yet */
    uint64_t size;
    char notice[NOTICE_SIZE];
};

/* Wait for a rank, take its piece, and say which rank it was. */
static bool collect(const struct dealing *dealing, int *rank, struct failure *failure)
{
    struct request request;
    MPI_Status status;

    MPI_Recv(&request, sizeof request, MPI_BYTE, MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD,
             &status);
    *rank = status.MPI_SOURCE;
    if (request.number < 0)
        return true;
    struct made_piece made = {.bytes = malloc(request.size), .size = request.size};
    if (!made.bytes)
        return refuse(failure, "out of memory for a piece of %llu bytes",
                      (unsigned long long)request.size);
    transfer_receive(made.bytes, made.size, *rank);
    memcpy(made.notice, request.notice, sizeof made.notice);
    return dealing->take(dealing->taker, (size_t)request.number, &made, failure);
}

static bool deal_out(const struct dealing *dealing, int ranks, struct failure *failure)
{
    size_t next = dealing->first;
    int rank, working = ranks - 1;

    while (working > 0) {
        if (!collect(dealing, &rank, failure))
            return false;
        const int64_t order = next < dealing->count ? (int64_t)next++ : -1;
        working -= order < 0;
        MPI_Send(&order, 1, MPI_INT64_T, rank, order_tag, MPI_COMM_WORLD);
    }
    return true;
}

static int64_t ask(const struct request *request, const struct made_piece *made)
{
    int64_t order;

    MPI_Send(request, sizeof *request, MPI_BYTE, 0, request_tag, MPI_COMM_WORLD);
    transfer_send(made->bytes, made->size, 0);
    MPI_Recv(&order, 1, MPI_INT64_T, 0, order_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return order;
}

/* Make pieces until there are no more. */
static bool deal_in(const struct dealing *dealing, struct failure *failure)
{
    struct request request = {.number = -1};
    struct made_piece made = {.bytes = NULL};

    for (;;) {
        const int64_t order = ask(&request, &made);
        free(made.bytes);
        if (order < 0)
            return true;
        made = (struct made_piece){.bytes = NULL};
        if (!dealing->make(dealing->maker, (size_t)order, &made, failure))
            return false;
        request.number = order;
        request.size = made.size;
        memcpy(request.notice, made.notice, sizeof request.notice);
    }
}

static bool deal_alone(const struct dealing *dealing, struct failure *failure)
{
    for (size_t i = dealing->first; i < dealing->count; i++) {
        struct made_piece made = {.bytes = NULL};
        if (!dealing->make(dealing->maker, i, &made, failure) ||
            !dealing->take(dealing->taker, i, &made, failure))
            return false;
    }
    return true;
}

bool deal(const struct dealing *dealing, int rank, int ranks, struct failure *failure)
{
    if (ranks == 1)
        return deal_alone(dealing, failure);
    return rank == 0 ? deal_out(dealing, ranks, failure) : deal_in(dealing, failure);
}
