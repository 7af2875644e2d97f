/* SPDX-License-Identifier: MIT */
/* What readers and writers of archives share. */
#ifndef WSIC_API_ARCHIVE_H
#define WSIC_API_ARCHIVE_H

#include "api/layer.h"
#include "format/archive_format.h"
#include "watersic/archive.h"

/* A layer that the caller of a handle asked for: the item is that of this index, or NULL if there
 * are only count layers. */
typedef struct wsic_layer_request {
    const wsic_handle *handle;
    const wsic_source *source;
    const wsic_archive_item *item;
    size_t index;
    size_t count;
    wsic_layer_keeper keeper; /* of the source's memory, if the layer may borrow from it */
} wsic_layer_request;

/* Any number of threads may do this on one handle at the same time. */
wsic_status wsic_archive_give_layer(const wsic_layer_request *request, wsic_layer **out);

#endif
