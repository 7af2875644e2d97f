/* SPDX-License-Identifier: MIT */
/* Weights as a decoder will see them. */
#ifndef WSIC_QUANT_DECODED_H
#define WSIC_QUANT_DECODED_H

#include "quant/job.h"

/* The scales as they will be decoded: of the rows, and of the live columns. */
typedef struct wsic_decoded {
    const float *row_scales;
    const float *column_scales;
} wsic_decoded;

/* In the float expression of the decoder; codes in natural order of live columns. */
static inline float wsic_decoded_value(const wsic_job *job, const wsic_decoded *decoded, size_t row,
                                       size_t column)
{
    const float code = (float)job->pass.codes[column * job->rows + row];
    return decoded->row_scales[row] * (decoded->column_scales[column] * code);
}

#endif
