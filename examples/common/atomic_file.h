/* SPDX-License-Identifier: MIT */
/* A file that appears under its name only when it is complete. */
#ifndef EXAMPLES_ATOMIC_FILE_H
#define EXAMPLES_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/failure.h"

typedef struct atomic_file {
    FILE *stream;
    char *path;
    char *temporary; /* NULL where path is a device or a pipe: written to directly */
} atomic_file;

/* Whether a file can be begun, without beginning it: the folder is there and may be written to. */
bool atomic_file_is_possible(const char *path, struct failure *failure);

/* Open for writing. Failures name the path. A link is replaced when the file is complete; what it
 * points to is left alone. */
bool atomic_file_open(atomic_file *file, const char *path, struct failure *failure);
bool atomic_file_write(atomic_file *file, const void *data, size_t size, struct failure *failure);
/* Bring everything to the disk and give the file its name. The file is closed in any
 * case; on failure nothing is left behind. */
bool atomic_file_commit(atomic_file *file, struct failure *failure);
/* A whole file in one call. */
bool atomic_file_put(const char *path, const void *data, size_t size, struct failure *failure);
/* Close and leave nothing behind. Does nothing after a commit. */
void atomic_file_abandon(atomic_file *file);

#endif
