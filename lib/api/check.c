/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "api/context.h"
#include "base/checked.h"
#include "base/half.h"

/* env may be NULL where there is no handle yet to hold the message. */
#define FAIL(env, status, ...) ((env) ? wsic_fail((env), (status), __VA_ARGS__) : (status))

/* Larger than any struct of ours will ever be: a size field that was not set. */
enum { PLAUSIBLE_SIZE = 4096 };

wsic_status wsic_check_creation(wsic_context *context, const char *name, const void *input,
                                const void *out)
{
    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (name && !input)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "%s is NULL", name);
    return out ? WSIC_OK : wsic_fail(&env, WSIC_ERROR_ARGUMENT, "out is NULL");
}

static wsic_status check_size(const wsic_env *env, const char *name, size_t given,
                              size_t first_size, size_t known_size)
{
    if (given < first_size || given > PLAUSIBLE_SIZE)
        return FAIL(env, WSIC_ERROR_STRUCT_SIZE, "%s->size is %zu, not %zu", name, given,
                    known_size);
    return WSIC_OK;
}

wsic_status wsic_take_struct(const wsic_env *env, const char *name, const void *given,
                             size_t given_size, size_t first_size, void *taken, size_t known_size)
{
    const wsic_status status = check_size(env, name, given_size, first_size, known_size);

    if (status != WSIC_OK)
        return status;
    for (size_t i = known_size; i < given_size; i++) {
        if (((const char *)given)[i] != 0)
            return FAIL(env, WSIC_ERROR_STRUCT_NEWER,
                        "%s has %zu bytes, of which this version knows %zu, and byte %zu is set",
                        name, given_size, known_size, i);
    }
    memset(taken, 0, known_size);
    memcpy(taken, given, wsic_min_size(given_size, known_size));
    /* Whoever hands the copy on must not claim bytes that it does not have. */
    memcpy(taken, &known_size, sizeof known_size);
    return WSIC_OK;
}

wsic_status wsic_give_struct(const wsic_env *env, const char *name, void *target,
                             size_t target_size, size_t first_size, const void *source,
                             size_t source_size)
{
    const wsic_status status = check_size(env, name, target_size, first_size, source_size);

    if (status != WSIC_OK)
        return status;
    /* What a later program asks beyond our knowledge reads as 0; its size stays. */
    memset((char *)target + sizeof(size_t), 0, target_size - sizeof(size_t));
    memcpy((char *)target + sizeof(size_t), (const char *)source + sizeof(size_t),
           wsic_min_size(target_size, source_size) - sizeof(size_t));
    return WSIC_OK;
}

/* The types that may stand there, for the message. */
static const char *names_of_allowed(unsigned allowed)
{
    if (allowed & WSIC_ALLOW_CODES)
        return "I8, I16 or I32";
    return allowed & WSIC_ALLOW_REAL ? "F64, F32, F16 or BF16" : "F64 or F32";
}

static bool dtype_allowed(uint32_t dtype, unsigned allowed)
{
    switch (dtype) {
    case WSIC_F64:
        return (allowed & (WSIC_ALLOW_REAL | WSIC_ALLOW_DOUBLE)) != 0;
    case WSIC_F32:
        return (allowed &
                (WSIC_ALLOW_REAL | WSIC_ALLOW_DOUBLE | WSIC_ALLOW_SINGLE | WSIC_ALLOW_INPUT)) != 0;
    case WSIC_F16:
        return (allowed & WSIC_ALLOW_REAL) != 0;
    case WSIC_BF16:
        return (allowed & (WSIC_ALLOW_REAL | WSIC_ALLOW_INPUT)) != 0;
    case WSIC_I4:
        return (allowed & WSIC_ALLOW_PACKED) != 0;
    case WSIC_I8:
    case WSIC_I16:
    case WSIC_I32:
        return (allowed & WSIC_ALLOW_CODES) != 0;
    default:
        return false;
    }
}

static wsic_status refuse_dtype(const wsic_env *env, const char *name, uint32_t dtype,
                                unsigned allowed)
{
    const char *const wanted = names_of_allowed(allowed);

    if (wsic_dtype_size(dtype) == 0)
        return wsic_fail(env, WSIC_ERROR_DTYPE, "%s->dtype is %u, no number type; %s is expected",
                         name, (unsigned)dtype, wanted);
    return wsic_fail(env, WSIC_ERROR_DTYPE, "%s->dtype is %s, where %s is expected", name,
                     wsic_dtype_name(dtype), wanted);
}

static wsic_status check_extent(const wsic_env *env, const char *name, const wsic_matrix *matrix)
{
    size_t elements, bytes;

    if (matrix->row_stride < matrix->columns)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s->row_stride is %zu, below its %zu columns",
                         name, matrix->row_stride, matrix->columns);
    if (!wsic_mul_size(matrix->rows, matrix->row_stride, &elements) ||
        !wsic_mul_size(elements, wsic_dtype_size(matrix->dtype), &bytes))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE,
                         "%s: %zu rows of stride %zu do not fit the address space", name,
                         matrix->rows, matrix->row_stride);
    if (matrix->rows > INT32_MAX || matrix->columns > INT32_MAX)
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%s is %zu x %zu; BLAS counts to 2^31 - 1",
                         name, matrix->rows, matrix->columns);
    return WSIC_OK;
}

static size_t alignment_of(uint32_t dtype)
{
    switch (dtype) {
    case WSIC_F64:
        return _Alignof(double);
    case WSIC_F32:
        return _Alignof(float);
    case WSIC_F16:
    case WSIC_BF16:
    case WSIC_I16:
        return _Alignof(uint16_t);
    case WSIC_I32:
        return _Alignof(int32_t);
    default:
        return 1;
    }
}

static wsic_status check_alignment(const wsic_env *env, const char *name, const wsic_matrix *matrix)
{
    const size_t alignment = alignment_of(matrix->dtype);
    const size_t beyond = (size_t)((uintptr_t)matrix->data % alignment);

    if (beyond != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "%s->data is not aligned for its type: its address is %zu bytes beyond a "
                         "multiple of %zu",
                         name, beyond, alignment);
    return WSIC_OK;
}

wsic_status wsic_check_matrix(const wsic_env *env, const char *name, const wsic_matrix *given,
                              unsigned allowed, wsic_shape expected, wsic_matrix *matrix)
{
    if (!given)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", name);
    const wsic_status status =
        wsic_take_struct(env, name, given, given->size, WSIC_FIRST_SIZE(wsic_matrix, reserved),
                         matrix, sizeof *matrix);
    if (status != WSIC_OK)
        return status;
    if (!matrix->data)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s->data is NULL", name);
    if (matrix->reserved != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s->reserved is %u, not 0", name,
                         (unsigned)matrix->reserved);
    if (matrix->rows == 0 || matrix->columns == 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is %zu x %zu: empty", name, matrix->rows,
                         matrix->columns);
    if (!dtype_allowed(matrix->dtype, allowed))
        return refuse_dtype(env, name, matrix->dtype, allowed);
    const wsic_status aligned = check_alignment(env, name, matrix);
    if (aligned != WSIC_OK)
        return aligned;
    if (matrix->row_stride == 0) /* rows of I4 begin at whole bytes */
        matrix->row_stride = matrix->columns + (matrix->dtype == WSIC_I4 && matrix->columns % 2);
    if ((expected.rows != 0 && matrix->rows != expected.rows) ||
        (expected.columns != 0 && matrix->columns != expected.columns))
        return wsic_fail(env, WSIC_ERROR_SHAPE, "%s is %zu x %zu, where %zu x %zu is expected",
                         name, matrix->rows, matrix->columns,
                         expected.rows ? expected.rows : matrix->rows,
                         expected.columns ? expected.columns : matrix->columns);
    return check_extent(env, name, matrix);
}

wsic_status wsic_check_finite(const wsic_env *env, const char *name, const wsic_matrix *matrix)
{
    enum { CHUNK = 512 };
    const size_t element = wsic_dtype_size(matrix->dtype);
    size_t bad = 0, first_row = 0, first_column = 0;
    double chunk[CHUNK];

    for (size_t i = 0; i < matrix->rows; i++) {
        const char *const row = (const char *)matrix->data + i * matrix->row_stride * element;
        if (isfinite(wsic_largest_magnitude(row, matrix->dtype, matrix->columns)))
            continue;
        for (size_t j = 0; j < matrix->columns; j += CHUNK) {
            const size_t count = wsic_min_size(CHUNK, matrix->columns - j);
            wsic_load_f64(chunk, row + j * element, matrix->dtype, count);
            for (size_t k = 0; k < count; k++) {
                if (isfinite(chunk[k]))
                    continue;
                if (bad++ == 0) {
                    first_row = i;
                    first_column = j + k;
                }
            }
        }
    }
    if (bad == 0)
        return WSIC_OK;
    return wsic_fail(env, WSIC_ERROR_NOT_FINITE,
                     "%s is NaN or infinite at row %zu, column %zu; %zu such in all", name,
                     first_row, first_column, bad);
}

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
        [WSIC_I8] = "I8",   [WSIC_I16] = "I16", [WSIC_I32] = "I32",
    };
    return wsic_dtype_size(dtype) > 0 ? names[dtype] : "unknown";
}
