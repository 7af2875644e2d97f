/* SPDX-License-Identifier: MIT */
/* An archive in memory: its index, its metadata, and every layer loaded and borrowed. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

static void look_at_metadata(const wsic_archive *archive)
{
    for (size_t k = 0; k < wsic_archive_metadata_count(archive); k++)
        fuzz_require(wsic_archive_metadata(archive, wsic_archive_metadata_key(archive, k)) != NULL,
                     "a key of the metadata has no value");
}

static void look_at_layer(wsic_archive *archive, size_t index, size_t size)
{
    uint64_t offset, bytes;
    size_t found;
    wsic_layer *owned = NULL, *borrowed = NULL;

    fuzz_require(wsic_archive_find(archive, wsic_archive_name(archive, index), &found) == WSIC_OK &&
                     found == index,
                 "a name does not lead to its layer");
    fuzz_require(wsic_archive_get_extent(archive, index, &offset, &bytes) == WSIC_OK &&
                     offset <= size && bytes <= size - offset,
                 "an extent leaves the archive");
    const wsic_status status = wsic_archive_load_layer(archive, index, &owned);
    if (status < 0)
        fuzz_check_refusal(status, wsic_archive_message(archive), owned);
    /* Viewing trusts the record around the layer, whose checksum covers what the layer's own
     * does. */
    const wsic_status viewed = wsic_archive_view_layer(archive, index, &borrowed);
    fuzz_require(status < 0 || viewed == status, "what can be loaded cannot be viewed");
    if (status >= 0)
        fuzz_decode_layer(owned, borrowed);
    wsic_layer_destroy(owned);
    wsic_layer_destroy(borrowed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wsic_context *const context = fuzz_context(WSIC_KERNELS_C);
    wsic_archive *archive = NULL;
    uint8_t *const bytes = fuzz_sealed_copy(data, size, fuzz_seal_archive);

    if (!bytes)
        return 0;
    const wsic_status status = wsic_archive_open_memory(context, bytes, size - 1, &archive);
    if (status < 0)
        fuzz_check_refusal(status, wsic_context_message(context), archive);
    else {
        look_at_metadata(archive);
        for (size_t k = 0; k < wsic_archive_count(archive); k++)
            look_at_layer(archive, k, size - 1);
    }
    wsic_archive_close(archive);
    free(bytes);
    fuzz_check_released();
    return 0;
}
