/* SPDX-License-Identifier: MIT */
#include "decode/product.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/half.h"

const wsic_product_kernels *wsic_product_for(int32_t kernels)
{
#if WSIC_X86
    if (kernels == WSIC_KERNELS_AVX512)
        return &wsic_product_avx512;
    if (kernels == WSIC_KERNELS_AVX2)
        return &wsic_product_avx2;
#elif WSIC_NEON
    if (kernels == WSIC_KERNELS_NEON)
        return &wsic_product_neon;
#endif
    (void)kernels;
    return &wsic_product_c;
}

size_t wsic_product_groups(size_t tokens)
{
    return wsic_div_up(tokens, WSIC_GROUP_TOKENS);
}

/* The first tokens % groups groups have one token more. */
size_t wsic_product_group_first(size_t tokens, size_t group)
{
    const size_t groups = wsic_product_groups(tokens);
    return group * (tokens / groups) + wsic_min_size(group, tokens % groups);
}

static float input_element(const wsic_product_input *input, size_t token, size_t column)
{
    const size_t index = token * input->row_stride + column;

    if (input->dtype == WSIC_BF16)
        return wsic_bf16_to_f32(((const uint16_t *)input->data)[index]);
    return ((const float *)input->data)[index];
}

void wsic_product_fill(const wsic_product_input *input, size_t group, float *factors)
{
    const size_t first = wsic_product_group_first(input->tokens, group);
    const size_t end = wsic_product_group_first(input->tokens, group + 1);
    float *out = factors + first * input->live_columns;

    for (size_t k = 0; k < input->live_columns; k++) {
        const size_t column = input->order[k];
        /* Columns before the first one wrap around to large numbers. */
        const bool wanted = column - input->first_column < input->columns;
        for (size_t token = first; token < end; token++) {
            *out++ = wanted ? input->column_scales[column] *
                                  input_element(input, token, column - input->first_column)
                            : 0;
        }
    }
}

bool wsic_product_sums(size_t block_rows, size_t tokens, size_t *floats)
{
    return wsic_mul_size(wsic_div_up(block_rows, WSIC_STRIP_ROWS) * WSIC_STRIP_ROWS, tokens,
                         floats);
}

static void convert_wide(const int32_t *codes, size_t stride, size_t columns, float *floats)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < WSIC_STRIP_ROWS; i++)
            floats[j * WSIC_STRIP_ROWS + i] = (float)codes[j * stride + i];
    }
}

void wsic_product_add(const wsic_product_kernels *kernels, const wsic_product_input *input,
                      const float *factors, const wsic_code_tile *tile, size_t position,
                      size_t first_strip, size_t end_strip, float *sums)
{
    const size_t groups = wsic_product_groups(input->tokens);
    _Alignas(64) float floats[WSIC_TILE_COLUMNS * WSIC_STRIP_ROWS];

    for (size_t strip = first_strip; strip < end_strip; strip++) {
        const bool direct = tile->narrow && groups == 1;
        const size_t row = strip * WSIC_STRIP_ROWS;
        if (!tile->narrow)
            convert_wide(tile->wide + row, tile->stride, tile->columns, floats);
        else if (!direct)
            kernels->convert(tile->narrow + row, tile->stride, tile->columns, floats);
        for (size_t group = 0; group < groups; group++) {
            const size_t first = wsic_product_group_first(input->tokens, group);
            const size_t tokens = wsic_product_group_first(input->tokens, group + 1) - first;
            const float *const of_group = factors + first * input->live_columns + position * tokens;
            float *const of_strip = sums + (strip * input->tokens + first) * WSIC_STRIP_ROWS;
            if (direct)
                kernels->add_narrow(of_strip, tile->narrow + row, tile->stride, tile->columns,
                                    of_group, tokens);
            else
                kernels->add_floats(of_strip, floats, tile->columns, of_group, tokens);
        }
    }
}
