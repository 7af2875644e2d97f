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
        *quantizer = choice->fit_i4 ? wsic_quantizer_scalar_i4 : wsic_quantizer_scalar;
        return WSIC_OK;
    }
}

double wsic_quantizer_memory(const wsic_quantizer_choice *choice, size_t rows)
{
    const double of_rdo = 1 << 17; /* its state and the samples that it learns from */

    return choice->which == WSIC_QUANTIZE_TRELLIS ? wsic_trellis_memory(choice, rows)
           : choice->which == WSIC_QUANTIZE_RDO   ? of_rdo
                                                  : 0.0;
}

void wsic_quantizer_release(const wsic_env *env, wsic_quantizer *quantizer)
{
    wsic_free(env, quantizer->state);
    *quantizer = (wsic_quantizer){.name = NULL};
}
