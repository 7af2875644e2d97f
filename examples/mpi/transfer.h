/* SPDX-License-Identifier: MIT */
/* Bytes and files from rank to rank, of any size: a message of MPI counts by int. */
#ifndef EXAMPLES_MPI_TRANSFER_H
#define EXAMPLES_MPI_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

/* Send bytes to a rank, which receives them by transfer_receive(). */
void transfer_send(const void *bytes, uint64_t size, int rank);

/* Receive so many bytes from a rank. */
void transfer_receive(void *bytes, uint64_t size, int rank);

/* Send a file, and receive it as another one. Files are not held in memory. */
bool transfer_send_file(const char *path, int rank, struct failure *failure);
bool transfer_receive_file(const char *path, int rank, struct failure *failure);

#endif
