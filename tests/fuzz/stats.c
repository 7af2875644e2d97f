/* SPDX-License-Identifier: MIT */
/* A file of statistics: refused, or sums that an empty handle can take. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wsic_context *const context = fuzz_context(WSIC_KERNELS_C);
    wsic_stats *stats = NULL, *sum = NULL;
    uint8_t *const bytes = fuzz_sealed_copy(data, size, fuzz_seal);

    if (!bytes)
        return 0;
    const wsic_status status = wsic_stats_load(context, fuzz_file(bytes, size - 1), &stats);
    if (status < 0)
        fuzz_check_refusal(status, wsic_context_message(context), stats);
    else {
        fuzz_require(wsic_stats_columns(stats) > 0 && wsic_stats_samples(stats) >= 0,
                     "statistics without columns, or with fewer than no samples");
        fuzz_require(wsic_stats_create(context, wsic_stats_columns(stats), &sum) == WSIC_OK,
                     "no memory for a second handle");
        /* Into an empty handle everything fits that a file may hold. */
        fuzz_require(wsic_stats_merge(sum, stats) >= 0, "statistics that cannot be merged");
    }
    wsic_stats_destroy(stats);
    wsic_stats_destroy(sum);
    free(bytes);
    fuzz_check_released();
    return 0;
}
