/* SPDX-License-Identifier: MIT */
/* What a run keeps on the disk beside its output until that is complete: OUT.inputs, with the
 * statistics of inputs and the settings that they belong to. All ranks see it. */
#ifndef EXAMPLES_MPI_FOLDER_H
#define EXAMPLES_MPI_FOLDER_H

#include "common/failure.h"

#include <stddef.h>

enum { FOLDER_PATH_SIZE = 4096 };

struct folder {
    int rank, ranks;                  /* who asks, of how many */
    char path[FOLDER_PATH_SIZE - 64]; /* room for the names of files */
    char scratch[FOLDER_PATH_SIZE];   /* a file of this rank, for what is sent or received */
};

/* Name folder and file; nothing is written. */
bool folder_name(struct folder *folder, const char *out, struct failure *failure);

/* Rank 0: create it for these settings, or see that it was created for the same. */
bool folder_open(const struct folder *folder, const char *settings, struct failure *failure);

/* The file of an input's statistics; and whether it is there from an earlier run: rank 0 looks, and
 * all call it. */
void folder_statistics(const struct folder *folder, size_t number, char path[FOLDER_PATH_SIZE]);
bool folder_has(const struct folder *folder, size_t number);

/* Remove it with all of its files. */
void folder_remove(const struct folder *folder);

/* Whether all ranks are ready. The first that is not tells why, under the name of the program; it
 * is what has gone wrong for all of them alike. All call it. */
bool folder_all_ready(const struct folder *folder, const char *program, bool ready,
                      const struct failure *failure);

#endif
