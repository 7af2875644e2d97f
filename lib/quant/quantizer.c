/* SPDX-License-Identifier: MIT */
#include "quant/quantizer.h"

double wsic_quantizer_grid(int which)
{
    return which == WSIC_QUANTIZE_TRELLIS ? 0.5 : 1.0;
}

wsic_status wsic_quantizer_create(const wsic_env *env, const wsic_quantizer_choice *choice,
                                  wsic_quantizer *quantizer)
{
    switch (choice->which) {
    case WSIC_QUANTIZE_RDO:
        return wsic_quantizer_create_rdo(env, choice, quantizer);
    case WSIC_QUANTIZE_TRELLIS:
        return wsic_quantizer_create_trellis(env, choice, quantizer);
    default:
        *quantizer = wsic_quantizer_scalar;
        return WSIC_OK;
    }
}

void wsic_quantizer_release(const wsic_env *env, wsic_quantizer *quantizer)
{
    wsic_free(env, quantizer->state);
    *quantizer = (wsic_quantizer){.name = NULL};
}
