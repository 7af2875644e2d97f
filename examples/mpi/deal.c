/* SPDX-License-Identifier: MIT */
#include "mpi/deal.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "mpi/transfer.h"

enum { request_tag = 2, order_tag = 3 };

/* What a rank says when it wants a layer. */
struct request {
    int64_t number; /* of the layer that it has made; its bytes follow. -1: none yet */
    uint64_t size;
    char notice[256];
};

static void tell(const struct output *output, size_t number, uint64_t size, const char *notice)
{
    printf("%s: %llu bytes%s%s\n", output->manifest->layers[number].name, (unsigned long long)size,
           *notice ? ": " : "", notice);
    fflush(stdout);
}

/* Wait for a rank, take its layer, and say which rank it was. */
static bool collect(struct output *output, int *rank, struct failure *failure)
{
    struct request request;
    MPI_Status status;

    MPI_Recv(&request, sizeof request, MPI_BYTE, MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD,
             &status);
    *rank = status.MPI_SOURCE;
    if (request.number < 0)
        return true;
    struct made_layer made = {.bytes = malloc(request.size), .size = request.size};
    if (!made.bytes)
        return refuse(failure, "out of memory for a layer of %llu bytes",
                      (unsigned long long)request.size);
    transfer_receive(made.bytes, made.size, *rank);
    tell(output, (size_t)request.number, made.size, request.notice);
    return output_take(output, (size_t)request.number, made, failure);
}

bool deal_out(struct output *output, int ranks, struct failure *failure)
{
    size_t next = output->next;
    int rank, working = ranks - 1;

    while (working > 0) {
        if (!collect(output, &rank, failure))
            return false;
        const int64_t order = next < output->manifest->layer_count ? (int64_t)next++ : -1;
        working -= order < 0;
        MPI_Send(&order, 1, MPI_INT64_T, rank, order_tag, MPI_COMM_WORLD);
    }
    return true;
}

static int64_t ask(const struct request *request, const struct made_layer *made)
{
    int64_t order;

    MPI_Send(request, sizeof *request, MPI_BYTE, 0, request_tag, MPI_COMM_WORLD);
    transfer_send(made->bytes, made->size, 0);
    MPI_Recv(&order, 1, MPI_INT64_T, 0, order_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return order;
}

bool deal_in(struct workshop *workshop, struct failure *failure)
{
    struct request request = {.number = -1};
    struct made_layer made = {.bytes = NULL};

    for (;;) {
        const int64_t order = ask(&request, &made);
        free(made.bytes);
        if (order < 0)
            return true;
        if (!encode_layer(workshop, (size_t)order, &made, request.notice, failure))
            return false;
        request.number = order;
        request.size = made.size;
    }
}

bool deal_alone(struct workshop *workshop, struct output *output, struct failure *failure)
{
    char notice[256];

    for (size_t i = output->next; i < output->manifest->layer_count; i++) {
        struct made_layer made;
        if (!encode_layer(workshop, i, &made, notice, failure))
            return false;
        tell(output, i, made.size, notice);
        if (!output_take(output, i, made, failure))
            return false;
    }
    return true;
}
