/* SPDX-License-Identifier: MIT */
#include "coding/scales.h"

#include <math.h>

#include "coding/int_array.h"
#include "coding/scales_format.h"

bool wsic_scale_round(double value, uint32_t grid, int8_t *sign, int32_t *exponent)
{
    const double magnitude = fabs(value);

    if (value == 0) {
        *sign = 0;
        *exponent = 0;
        return true;
    }
    if (!(magnitude >= 0x1p-126 && magnitude < 0x1p127))
        return false;
    *sign = value < 0 ? -1 : 1;
    *exponent = (int32_t)lround(ldexp(log2(magnitude), (int)grid));
    return true;
}

static bool all_positive(const wsic_scales *scales)
{
    for (size_t i = 0; i < scales->count; i++) {
        if (scales->sign[i] != 1)
            return false;
    }
    return true;
}

static wsic_status put_signs(const wsic_env *env, const wsic_scales *scales, int32_t *values,
                             wsic_bytes *out)
{
    for (size_t i = 0; i < scales->count; i++)
        values[i] = scales->sign[i];
    return wsic_int_array_write(env, values, scales->count, out);
}

static wsic_status put_exponents(const wsic_env *env, const wsic_scales *scales, int32_t *values,
                                 wsic_bytes *out)
{
    size_t nonzero = 0;

    for (size_t i = 0; i < scales->count; i++) {
        if (scales->sign[i] != 0)
            values[nonzero++] = scales->exponent[i];
    }
    return wsic_int_array_write(env, values, nonzero, out);
}

wsic_status wsic_scales_encode(const wsic_env *env, const wsic_scales *scales, wsic_bytes *out)
{
    const bool positive = all_positive(scales);
    wsic_status status;

    int32_t *const values = wsic_alloc(env, scales->count, sizeof *values, &status);
    if (!values)
        return status;
    wsic_put_u8(out, (uint8_t)(scales->grid | (positive ? 0 : WSIC_SCALES_SIGNS)));
    status = positive ? out->status : put_signs(env, scales, values, out);
    if (status == WSIC_OK)
        status = put_exponents(env, scales, values, out);
    wsic_free(env, values);
    return status;
}
