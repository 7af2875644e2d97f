/* SPDX-License-Identifier: MIT */
/* What readers and writers of archives share. */
#ifndef WSIC_API_ARCHIVE_H
#define WSIC_API_ARCHIVE_H

#include "api/context.h"
#include "format/archive_format.h"
#include "watersic/archive.h"

/* Read a layer from its record for the caller of a handle: the item is that of this index, or
 * NULL if there are only count layers. */
wsic_status wsic_archive_give_layer(const wsic_handle *handle, const wsic_source *source,
                                    const wsic_archive_item *item, size_t index, size_t count,
                                    wsic_layer **out);

#endif
