/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/checked.h"
#include "watersic/base.h"

void wsic_matrix_init(wsic_matrix *matrix, size_t struct_size, const void *data, uint32_t dtype,
                      size_t rows, size_t columns, size_t row_stride)
{
    const wsic_matrix filled = {
        .size = struct_size,
        .data = (void *)(uintptr_t)data,
        .rows = rows,
        .columns = columns,
        .row_stride = row_stride,
        .dtype = dtype,
        .reserved = 0,
    };

    if (!matrix || struct_size < sizeof(size_t))
        return;
    memset(matrix, 0, struct_size);
    memcpy(matrix, &filled, wsic_min_size(struct_size, sizeof filled));
}

size_t wsic_dtype_size(uint32_t dtype)
{
    switch (dtype) {
    case WSIC_F64:
        return 8;
    case WSIC_F32:
    case WSIC_I32:
        return 4;
    case WSIC_F16:
    case WSIC_BF16:
    case WSIC_I16:
        return 2;
    case WSIC_I8:
        return 1;
    default:
        return 0;
    }
}

const char *wsic_dtype_name(uint32_t dtype)
{
    static const char *const names[] = {
        [WSIC_F64] = "F64", [WSIC_F32] = "F32", [WSIC_F16] = "F16", [WSIC_BF16] = "BF16",
        [WSIC_I8] = "I8",   [WSIC_I16] = "I16", [WSIC_I32] = "I32", [WSIC_I4] = "I4",
    };
    return dtype >= WSIC_F64 && dtype <= WSIC_I4 ? names[dtype] : "unknown";
}
