/* SPDX-License-Identifier: MIT */
/* A file mapped for reading. */
#ifndef EXAMPLES_FILEMAP_H
#define EXAMPLES_FILEMAP_H

#include <stddef.h>

#include "common/failure.h"

struct filemap {
    const unsigned char *data; /* NULL if the file is empty */
    size_t size;
};

/* Map a whole regular file. */
bool filemap_open(struct filemap *map, const char *path, struct failure *failure);

void filemap_close(struct filemap *map);

/* Let the pages go that hold these bytes of a map, and those that came with them. They are read
 * again when they are next looked at. */
void filemap_release(const struct filemap *map, const unsigned char *data, size_t bytes);

#endif
