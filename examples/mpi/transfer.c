/* SPDX-License-Identifier: MIT */
#include "mpi/transfer.h"

#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { piece = 16 << 20, tag = 1 };

static size_t least(uint64_t left)
{
    return left < piece ? (size_t)left : piece;
}

void transfer_send(const void *bytes, uint64_t size, int rank)
{
    const char *from = bytes;

    for (uint64_t left = size; left > 0; left -= least(left)) {
        MPI_Send(from, (int)least(left), MPI_BYTE, rank, tag, MPI_COMM_WORLD);
        from += least(left);
    }
}

void transfer_receive(void *bytes, uint64_t size, int rank)
{
    char *to = bytes;

    for (uint64_t left = size; left > 0; left -= least(left)) {
        MPI_Recv(to, (int)least(left), MPI_BYTE, rank, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        to += least(left);
    }
}

static bool fail(const char *path, struct failure *failure)
{
    return refuse(failure, "%s: %s", path, strerror(errno));
}

static bool send_pieces(FILE *file, char *buffer, uint64_t size, int rank)
{
    transfer_send(&size, sizeof size, rank);
    for (uint64_t left = size; left > 0; left -= least(left)) {
        if (fread(buffer, 1, least(left), file) != least(left))
            return false;
        transfer_send(buffer, least(left), rank);
    }
    return true;
}

bool transfer_send_file(const char *path, int rank, struct failure *failure)
{
    FILE *const file = fopen(path, "rb");
    char *const buffer = malloc(piece);
    long size = -1;
    bool ok = false;

    if (file && buffer && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0) {
        rewind(file);
        ok = send_pieces(file, buffer, (uint64_t)size, rank);
    }
    if (!ok)
        fail(path, failure);
    free(buffer);
    if (file)
        fclose(file);
    return ok;
}

static bool receive_pieces(FILE *file, char *buffer, int rank)
{
    uint64_t size;

    transfer_receive(&size, sizeof size, rank);
    for (uint64_t left = size; left > 0; left -= least(left)) {
        transfer_receive(buffer, least(left), rank);
        if (fwrite(buffer, 1, least(left), file) != least(left))
            return false;
    }
    return true;
}

bool transfer_receive_file(const char *path, int rank, struct failure *failure)
{
    FILE *const file = fopen(path, "wb");
    char *const buffer = malloc(piece);
    bool ok = file && buffer && receive_pieces(file, buffer, rank);

    if (file)
        ok = fclose(file) == 0 && ok;
    free(buffer);
    return ok || fail(path, failure);
}
