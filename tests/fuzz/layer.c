/* SPDX-License-Identifier: MIT */
/* A layer: refused, or the same numbers from all kernels, owned or borrowed. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wsic_layer *plain = NULL;
    uint8_t *const bytes = fuzz_sealed_copy(data, size, fuzz_seal);

    if (!bytes)
        return 0;
    wsic_context *const context = fuzz_context(WSIC_KERNELS_C);
    const wsic_status status = wsic_layer_create(context, bytes, size - 1, &plain);
    if (status < 0)
        fuzz_check_refusal(status, wsic_context_message(context), plain);
    for (int32_t kernels = WSIC_KERNELS_C; kernels <= WSIC_KERNELS_NEON; kernels++) {
        wsic_context *const choice = fuzz_context(kernels);
        wsic_layer *layer = NULL;

        if (!choice)
            continue;
        fuzz_require(wsic_layer_create_view(choice, bytes, size - 1, &layer) == status,
                     "kernels or a view disagree about a layer's bytes");
        if (status >= 0)
            fuzz_decode_layer(plain, layer);
        wsic_layer_destroy(layer);
    }
    wsic_layer_destroy(plain);
    free(bytes);
    fuzz_check_released();
    return 0;
}
