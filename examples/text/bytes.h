/* SPDX-License-Identifier: MIT */
/* Bytes that grow. */
#ifndef EXAMPLES_TEXT_BYTES_H
#define EXAMPLES_TEXT_BYTES_H

#include <stddef.h>

#include "common/failure.h"

struct bytes {
    char *data; /* NULL until something is added */
    size_t size;
    size_t room;
};

/* Add to the end. */
bool bytes_add(struct bytes *bytes, const void *data, size_t size, struct failure *failure);
/* Take the first bytes away; the rest moves to the front. */
void bytes_drop(struct bytes *bytes, size_t size);
void bytes_free(struct bytes *bytes);

#endif
