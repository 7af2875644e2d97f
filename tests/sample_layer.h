/* SPDX-License-Identifier: MIT */
/* Layers with known contents, made without an encoder. */
#ifndef TESTS_SAMPLE_LAYER_H
#define TESTS_SAMPLE_LAYER_H

#include <check.h>
#include <string.h>

#include "api/context.h"
#include "api/layer.h"
#include "format/layer_format.h"
#include "random.h"

enum { SAMPLE_ELEMENTS = 1 << 16, SAMPLE_EXTENT = 1024 };

typedef struct sample {
    size_t rows;
    size_t columns;
    size_t block_rows;
    int32_t codes[SAMPLE_ELEMENTS]; /* column-major */
    int8_t row_sign[SAMPLE_EXTENT], column_sign[SAMPLE_EXTENT];
    int32_t row_exponent[SAMPLE_EXTENT], column_exponent[SAMPLE_EXTENT];
    wsic_scales row_scales, column_scales;
    wsic_layer_figures figures;
} sample;

static inline int32_t sample_code(const sample *made, size_t i, size_t j)
{
    return made->codes[j * made->rows + i];
}

/* Scales that vary, one of each kind zero where there is room for that. */
static inline void sample_scales(wsic_scales *scales, int8_t *sign, int32_t *exponent, size_t count,
                                 random_state *random)
{
    *scales = (wsic_scales){.count = count, .grid = 3, .exponent = exponent, .sign = sign};
    for (size_t i = 0; i < count; i++) {
        sign[i] = random_bits(random) & 1 ? 1 : -1;
        exponent[i] = (int32_t)(random_bits(random) % 40) - 30;
    }
    if (count > 2) {
        sign[count / 2] = 0;
        exponent[count / 2] = 0;
    }
}

/* Codes of magnitude up to about `spread`, 0 where a scale is 0. */
static inline void sample_make(sample *made, size_t rows, size_t columns, double spread,
                               uint64_t seed)
{
    random_state random = {seed};

    ck_assert_uint_le(rows * columns, SAMPLE_ELEMENTS);
    made->rows = rows;
    made->columns = columns;
    made->block_rows = 0;
    sample_scales(&made->row_scales, made->row_sign, made->row_exponent, rows, &random);
    sample_scales(&made->column_scales, made->column_sign, made->column_exponent, columns, &random);
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < rows; i++) {
            const double shape = random_symmetric(&random);
            const int32_t code = (int32_t)(spread * shape * shape * shape);
            made->codes[j * rows + i] = made->row_sign[i] && made->column_sign[j] ? code : 0;
        }
    }
    made->figures = (wsic_layer_figures){.rate_target = 2.1,
                                         .step = 0.123456789012345,
                                         .entropy_pooled = 1.7,
                                         .distortion = 1.0 / 3,
                                         .relative_distortion = 0.015,
                                         .limit_rate = 1.25,
                                         .damping = 1e-60,
                                         .damping_retries = 2,
                                         .dead_columns = 1,
                                         .dead_rows = 3};
}

static inline wsic_status sample_bytes(const wsic_env *env, const sample *made, wsic_bytes *bytes)
{
    const wsic_layer_parts parts = {.rows = made->rows,
                                    .columns = made->columns,
                                    .codes = made->codes,
                                    .row_scales = &made->row_scales,
                                    .column_scales = &made->column_scales,
                                    .figures = &made->figures,
                                    .block_rows = made->block_rows};
    return wsic_layer_format_write(env, &parts, bytes);
}

static inline wsic_status sample_layer(wsic_context *context, const sample *made, wsic_layer **out)
{
    const wsic_env env = wsic_context_env(context);
    wsic_bytes bytes;

    *out = NULL;
    wsic_bytes_init(&bytes, &env);
    wsic_status status = sample_bytes(&env, made, &bytes);
    if (status == WSIC_OK)
        status = wsic_layer_from_bytes(context, &bytes, out);
    wsic_bytes_release(&bytes);
    return status;
}

#endif
