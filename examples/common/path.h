/* SPDX-License-Identifier: MIT */
/* Names of files that are put together of several parts. */
#ifndef EXAMPLES_PATH_H
#define EXAMPLES_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* path: what the format makes of its arguments. Fails if that is longer than the system takes
 * names; the failure then has the beginning of the name and its length. */
bool path_format(char path[PATH_MAX], struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* path: folder/name, in the same way. */
bool path_join(char path[PATH_MAX], const char *folder, const char *name, struct failure *failure);

/* Bytes of a path before its last name, with the slash. */
size_t path_folder_length(const char *path);

#endif
