/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/half.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "format/checksum.h"
#include "sample_layer.h"
#include "watersic/watersic.h"

static counting_allocator counter;
static wsic_context *context;
static sample made;
static wsic_layer *layer;

enum { ROWS = 50, COLUMNS = 37, BLOCK = 16 };

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    sample_make(&made, ROWS, COLUMNS, 20, 1);
    made.block_rows = BLOCK;
    ck_assert_int_eq(sample_layer(context, &made, &layer), WSIC_OK);
}

static void end(void)
{
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static const char *message(void)
{
    return wsic_layer_message(layer);
}

static float scale_of(const wsic_scales *scales, size_t index)
{
    return scales->sign[index] == 0
               ? 0.0F
               : wsic_scale_value(scales->grid, scales->sign[index], scales->exponent[index]);
}

static float expected_weight(size_t i, size_t j)
{
    return scale_of(&made.row_scales, i) *
           (scale_of(&made.column_scales, j) * (float)sample_code(&made, i, j));
}

/* --- facts --------------------------------------------------------------- */

START_TEST(facts_come_from_the_bytes)
{
    wsic_layer_info info = {.size = sizeof info};
    const double weights = (double)ROWS * COLUMNS;
    const void *bytes;
    size_t size;

    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_int_eq(wsic_layer_write(layer, &bytes, &size), WSIC_OK);
    ck_assert_uint_eq(info.rows, ROWS);
    ck_assert_uint_eq(info.columns, COLUMNS);
    ck_assert_uint_eq(info.bytes, size);
    ck_assert_uint_eq(info.bytes_codes + info.bytes_side, size);
    ck_assert_uint_gt(info.bytes_codes, 0);
    ck_assert_uint_eq(info.block_rows, BLOCK);
    ck_assert_uint_eq(info.code_dtype, WSIC_I8);
    ck_assert_double_eq_tol(info.rate, 8 * (double)size / weights, 1e-12);
    ck_assert_double_eq_tol(info.rate_codes, 8 * (double)info.bytes_codes / weights, 1e-12);
    ck_assert_double_eq_tol(info.rate_side, 8 * (double)info.bytes_side / weights, 1e-12);
    /* Stored in single precision. */
    ck_assert(info.rate_target == (double)2.1F);
    ck_assert(info.entropy_pooled == (double)1.7F);
    ck_assert(info.relative_distortion == (double)0.015F);
    ck_assert(info.limit_rate == 1.25);
    ck_assert_double_eq_tol(info.gap, info.rate - 1.25, 1e-12);
    /* Stored in full. */
    ck_assert(info.step == 0.123456789012345);
    ck_assert(info.distortion == 1.0 / 3);
    ck_assert(info.damping == 1e-60);
    ck_assert_uint_eq(info.damping_retries, 2);
    ck_assert_uint_eq(info.dead_columns, 1);
    ck_assert_uint_eq(info.dead_rows, 3);
}
END_TEST

START_TEST(an_uncomputed_limit_leaves_no_gap)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;

    made.figures.limit_rate = -1;
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    ck_assert(info.limit_rate == -1 && info.gap == 0);
    wsic_layer_destroy(other);
}
END_TEST

START_TEST(figures_that_cannot_be_stored_are_refused)
{
    const wsic_env env = wsic_context_env(context);
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, &env);
    made.figures.distortion = (double)NAN;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_ERROR_RANGE);
    made.figures.distortion = 1e300;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_OK);
    made.figures.relative_distortion = 1e300;
    ck_assert_int_eq(sample_bytes(&env, &made, &bytes), WSIC_ERROR_RANGE);
    wsic_bytes_release(&bytes);
}
END_TEST

/* A program built against a later header knows more members. */
typedef struct later_info {
    wsic_layer_info known;
    uint64_t more;
} later_info;

START_TEST(the_size_of_info_is_respected)
{
    later_info later = {.known = {.size = sizeof later}, .more = 5};
    wsic_layer_info info = {.size = sizeof info - 8, .rows = 77};

    ck_assert_int_eq(wsic_layer_get_info(layer, &later.known), WSIC_OK);
    ck_assert_uint_eq(later.known.size, sizeof later);
    ck_assert_uint_eq(later.known.rows, ROWS);
    ck_assert_uint_eq(later.more, 0);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_ERROR_STRUCT_SIZE);
    info.size = 0;
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_ERROR_STRUCT_SIZE);
    ck_assert_uint_eq(info.rows, 77);
    ck_assert_int_eq(wsic_layer_get_info(layer, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_get_info(NULL, &info), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(the_narrowest_type_of_the_codes_is_told)
{
    static const struct {
        int32_t code;
        uint32_t dtype;
    } cases[] = {
        {127, WSIC_I8},        {-128, WSIC_I8},       {128, WSIC_I16},   {-129, WSIC_I16},
        {32767, WSIC_I16},     {-32768, WSIC_I16},    {32768, WSIC_I32}, {-32769, WSIC_I32},
        {INT32_MAX, WSIC_I32}, {INT32_MIN, WSIC_I32},
    };

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        wsic_layer_info info = {.size = sizeof info};
        wsic_layer *other;
        int32_t found[COLUMNS];
        wsic_matrix row;
        made.codes[3 * ROWS + 7] = cases[k].code;
        ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
        ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
        ck_assert_uint_eq(info.code_dtype, cases[k].dtype);
        wsic_matrix_init(&row, sizeof row, found, WSIC_I32, 1, COLUMNS, 0);
        ck_assert_int_eq(wsic_layer_codes(other, 7, &row), WSIC_OK);
        ck_assert_int_eq(found[3], cases[k].code);
        wsic_layer_destroy(other);
    }
}
END_TEST

START_TEST(headers_are_small)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;

    sample_make(&made, 256, 256, 0, 1);
    for (size_t i = 0; i < 256; i++) {
        made.row_sign[i] = made.column_sign[i] = 1;
        made.row_exponent[i] = made.column_exponent[i] = -7;
    }
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    ck_assert_uint_le(info.bytes_side, 80);
    wsic_layer_destroy(other);
}
END_TEST

/* --- decoding ------------------------------------------------------------ */

static int32_t load_code(const void *data, uint32_t dtype, size_t index)
{
    switch (dtype) {
    case WSIC_I8:
        return ((const int8_t *)data)[index];
    case WSIC_I16:
        return ((const int16_t *)data)[index];
    default:
        return ((const int32_t *)data)[index];
    }
}

START_TEST(codes_of_every_range_and_type_come_back)
{
    const uint32_t dtypes[] = {WSIC_I8, WSIC_I16, WSIC_I32};
    enum { STRIDE = COLUMNS + 3 };
    static int32_t found[ROWS * STRIDE];
    wsic_matrix matrix;

    for (size_t first = 0; first < ROWS; first += 5) {
        for (size_t count = 1; first + count <= ROWS; count += 3) {
            const uint32_t dtype = dtypes[(first + count) % 3];
            memset(found, 0x55, sizeof found);
            wsic_matrix_init(&matrix, sizeof matrix, found, dtype, count, COLUMNS, STRIDE);
            ck_assert_int_eq(wsic_layer_codes(layer, first, &matrix), WSIC_OK);
            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < COLUMNS; j++)
                    ck_assert_int_eq(load_code(found, dtype, i * STRIDE + j),
                                     sample_code(&made, first + i, j));
                ck_assert_int_eq(load_code(found, dtype, i * STRIDE + COLUMNS) & 0xFF, 0x55);
            }
        }
    }
}
END_TEST

START_TEST(codes_that_do_not_fit_are_named)
{
    int8_t found[COLUMNS * 20];
    wsic_layer *other;
    wsic_matrix matrix;

    made.codes[11 * ROWS + 33] = -300;
    ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, found, WSIC_I8, 20, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_codes(other, 10, &matrix), WSIC_OK);
    ck_assert_int_eq(wsic_layer_codes(other, 20, &matrix), WSIC_ERROR_RANGE);
    ck_assert_ptr_nonnull(strstr(wsic_layer_message(other), "(33, 11) is -300"));
    wsic_layer_destroy(other);
}
END_TEST

START_TEST(weights_are_the_product_of_scales_and_codes)
{
    const uint32_t dtypes[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_BF16};
    static double found[ROWS * COLUMNS];
    static double loaded[ROWS * COLUMNS];
    wsic_matrix matrix;

    for (size_t i = 0; i < ROWS; i++)
        ck_assert(wsic_layer_row_scales(layer)[i] == scale_of(&made.row_scales, i));
    for (size_t j = 0; j < COLUMNS; j++)
        ck_assert(wsic_layer_column_scales(layer)[j] == scale_of(&made.column_scales, j));
    for (size_t d = 0; d < 4; d++) {
        const size_t first = 7 * d, count = ROWS - 9 * d;
        wsic_matrix_init(&matrix, sizeof matrix, found, dtypes[d], count, COLUMNS, 0);
        ck_assert_int_eq(wsic_layer_dequantize(layer, first, &matrix), WSIC_OK);
        wsic_load_f64(loaded, found, dtypes[d], count * COLUMNS);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < COLUMNS; j++) {
                const float single = expected_weight(first + i, j);
                double expected = (double)single;
                if (dtypes[d] == WSIC_F16)
                    expected = (double)wsic_f16_to_f32(wsic_f32_to_f16(single));
                if (dtypes[d] == WSIC_BF16)
                    expected = (double)wsic_bf16_to_f32(wsic_f32_to_bf16(single));
                ck_assert(loaded[i * COLUMNS + j] == expected);
            }
        }
    }
}
END_TEST

START_TEST(matvec_follows_its_formula)
{
    float x[COLUMNS], y[ROWS];
    uint64_t seed = 4;

    for (size_t j = 0; j < COLUMNS; j++)
        x[j] = (float)noise_unit(&seed);
    ck_assert_int_eq(wsic_layer_matvec(layer, x, y), WSIC_OK);
    for (size_t i = 0; i < ROWS; i++) {
        float sum = 0;
        double exact = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            sum += (float)sample_code(&made, i, j) * (scale_of(&made.column_scales, j) * x[j]);
            exact += (double)expected_weight(i, j) * (double)x[j];
        }
        ck_assert(y[i] == scale_of(&made.row_scales, i) * sum);
        ck_assert_double_eq_tol((double)y[i], exact, 1e-5 * (1 + fabs(exact)));
    }
    ck_assert_int_eq(wsic_layer_matvec(layer, NULL, y), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matvec(layer, x, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_matvec(NULL, x, y), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(decoding_checks_its_arguments)
{
    static double room[ROWS * COLUMNS];
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, room, WSIC_F32, 10, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(NULL, 0, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, ROWS - 9, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(message(), "first_row is 41"));
    ck_assert_int_eq(wsic_layer_dequantize(layer, ROWS, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_dequantize(layer, SIZE_MAX, &matrix), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_codes(layer, 0, &matrix), WSIC_ERROR_DTYPE);
    matrix.dtype = WSIC_I32;
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_ERROR_DTYPE);
    matrix.columns = COLUMNS - 1;
    ck_assert_int_eq(wsic_layer_codes(layer, 0, &matrix), WSIC_ERROR_SHAPE);
    matrix.columns = COLUMNS;
    matrix.size = 8;
    ck_assert_int_eq(wsic_layer_codes(layer, 0, &matrix), WSIC_ERROR_STRUCT_SIZE);
    ck_assert_int_eq(wsic_layer_codes(layer, 0, NULL), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(matrices_of_any_shape_round_trip)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 1000}, {1000, 1}, {3, 5}, {257, 129}, {64, 64}};
    static int32_t found[SAMPLE_ELEMENTS];

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        for (int spread = 0; spread < 3; spread++) {
            const size_t rows = shapes[k][0], columns = shapes[k][1];
            wsic_layer *other;
            wsic_matrix matrix;
            sample_make(&made, rows, columns, spread == 0 ? 0 : spread == 1 ? 3 : 1e9, k);
            ck_assert_int_eq(sample_layer(context, &made, &other), WSIC_OK);
            wsic_matrix_init(&matrix, sizeof matrix, found, WSIC_I32, rows, columns, 0);
            ck_assert_int_eq(wsic_layer_codes(other, 0, &matrix), WSIC_OK);
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < columns; j++)
                    ck_assert_int_eq(found[i * columns + j], sample_code(&made, i, j));
            }
            wsic_layer_destroy(other);
        }
    }
}
END_TEST

static void *decode_repeatedly(void *data)
{
    static const float zero[COLUMNS];
    float y[ROWS];
    int32_t codes[ROWS * COLUMNS];
    int *const wrong = data;
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, ROWS, COLUMNS, 0);
    for (int round = 0; round < 100; round++) {
        *wrong += wsic_layer_codes(layer, 0, &matrix) != WSIC_OK;
        *wrong += wsic_layer_matvec(layer, zero, y) != WSIC_OK;
        *wrong += wsic_layer_codes(layer, ROWS, &matrix) != WSIC_ERROR_ARGUMENT;
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t j = 0; j < COLUMNS; j++)
                *wrong += codes[i * COLUMNS + j] != sample_code(&made, i, j);
        }
    }
    return NULL;
}

START_TEST(many_threads_may_read_one_layer)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0};
    wsic_context *plain;

    /* The counting allocator does not count atomically. */
    wsic_layer_destroy(layer);
    ck_assert_int_eq(wsic_context_create(NULL, &plain), WSIC_OK);
    ck_assert_int_eq(sample_layer(plain, &made, &layer), WSIC_OK);
    for (size_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, decode_repeatedly, &wrong[t]), 0);
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        ck_assert_int_eq(wrong[t], 0);
    }
    wsic_context_destroy(plain);
}
END_TEST

/* --- bytes --------------------------------------------------------------- */

START_TEST(reading_gives_the_same_layer)
{
    wsic_layer_info first = {.size = sizeof first}, second = {.size = sizeof second};
    static float a[ROWS * COLUMNS], b[ROWS * COLUMNS];
    const void *bytes, *again;
    size_t size, again_size;
    wsic_layer *other;
    wsic_matrix matrix;

    ck_assert_int_eq(wsic_layer_write(layer, &bytes, &size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_read(context, bytes, size, &other), WSIC_OK);
    ck_assert_int_eq(wsic_layer_write(other, &again, &again_size), WSIC_OK);
    ck_assert_uint_eq(size, again_size);
    ck_assert_ptr_ne(bytes, again);
    ck_assert_mem_eq(bytes, again, size);
    ck_assert_int_eq(wsic_layer_get_info(layer, &first), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(other, &second), WSIC_OK);
    ck_assert_mem_eq(&first, &second, sizeof first);
    wsic_matrix_init(&matrix, sizeof matrix, a, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    matrix.data = b;
    ck_assert_int_eq(wsic_layer_dequantize(other, 0, &matrix), WSIC_OK);
    ck_assert_mem_eq(a, b, sizeof a);
    wsic_layer_destroy(other);

    ck_assert_int_eq(wsic_layer_write(layer, NULL, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_write(layer, &bytes, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_write(NULL, &bytes, &size), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_read(context, NULL, size, &other), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_read(context, bytes, size, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_layer_read(NULL, bytes, size, &other), WSIC_ERROR_ARGUMENT);
    wsic_layer_destroy(NULL);
}
END_TEST

START_TEST(every_truncation_and_flip_is_refused)
{
    const void *original;
    wsic_layer *other;
    size_t size;

    ck_assert_int_eq(wsic_layer_write(layer, &original, &size), WSIC_OK);
    uint8_t *const bytes = malloc(size + 1);
    memcpy(bytes, original, size);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_lt(wsic_layer_read(context, bytes, cut, &other), 0);
        ck_assert_ptr_null(other);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_lt(wsic_layer_read(context, bytes, size, &other), 0);
        ck_assert_ptr_null(other);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[size] = 0;
    ck_assert_int_lt(wsic_layer_read(context, bytes, size + 1, &other), 0);
    free(bytes);
}
END_TEST

/* Layers put together by hand, from docs/format.md. */
typedef struct assembly {
    uint8_t bytes[8192];
    size_t size;
} assembly;

static void put_varint(assembly *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        out->bytes[out->size++] = (uint8_t)(value | 0x80);
    out->bytes[out->size++] = (uint8_t)value;
}

static uint64_t get_varint(const uint8_t *bytes, size_t *position)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = bytes[(*position)++];
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
}

static void put_header(assembly *out, uint64_t rows, uint64_t columns, uint8_t dtype)
{
    memcpy(out->bytes, "WSL\1", 4);
    out->size = 4;
    put_varint(out, rows);
    put_varint(out, columns);
    out->bytes[out->size++] = dtype;
}

static void put_section(assembly *out, uint64_t key, const void *payload, size_t size)
{
    put_varint(out, key);
    put_varint(out, size);
    memcpy(out->bytes + out->size, payload, size);
    out->size += size;
}

static wsic_status read_sealed(assembly *out)
{
    wsic_layer *other;
    const uint64_t checksum = wsic_checksum_of(out->bytes, out->size);

    for (size_t i = 0; i < 8; i++)
        out->bytes[out->size + i] = (uint8_t)(checksum >> 8 * i);
    const wsic_status status = wsic_layer_read(context, out->bytes, out->size + 8, &other);
    wsic_layer_destroy(other);
    return status;
}

typedef struct parts {
    const uint8_t *payload[5]; /* by type */
    size_t size[5];
} parts;

/* Take the fixture's layer to pieces, which checks the container on the way. */
static parts take_apart(void)
{
    const void *start;
    size_t size, position = 4;
    parts found = {{NULL}, {0}};

    ck_assert_int_eq(wsic_layer_write(layer, &start, &size), WSIC_OK);
    const uint8_t *const bytes = start;
    ck_assert_mem_eq(bytes, "WSL\1", 4);
    ck_assert_uint_eq(get_varint(bytes, &position), ROWS);
    ck_assert_uint_eq(get_varint(bytes, &position), COLUMNS);
    ck_assert_uint_eq(bytes[position++], WSIC_I8);
    while (position < size - 8) {
        const uint64_t key = get_varint(bytes, &position);
        const size_t length = (size_t)get_varint(bytes, &position);
        ck_assert_uint_ge(key >> 1, 1);
        ck_assert_uint_le(key >> 1, 4);
        ck_assert_uint_eq(key & 1, key >> 1 != 1);
        found.payload[key >> 1] = bytes + position;
        found.size[key >> 1] = length;
        position += length;
    }
    ck_assert_uint_eq(position, size - 8);
    return found;
}

/* Put them together again without one type (0: none). */
static void put_together(assembly *out, const parts *from, size_t without)
{
    for (size_t type = 1; type <= 4; type++) {
        if (type != without)
            put_section(out, 2 * type + (type != 1), from->payload[type], from->size[type]);
    }
}

START_TEST(sections_may_be_unknown_but_not_critical)
{
    const parts all = take_apart();
    static assembly out;

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    ck_assert_int_eq(read_sealed(&out), WSIC_OK);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_section(&out, 2 * 77, "who knows", 9);
    put_together(&out, &all, 0);
    put_section(&out, 2 * 1000000, "", 0);
    ck_assert_int_eq(read_sealed(&out), WSIC_OK);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    put_section(&out, 2 * 77 + 1, "must know", 9);
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_VERSION);
    ck_assert_ptr_nonnull(strstr(wsic_context_message(context), "77"));
}
END_TEST

START_TEST(sections_come_once_and_in_any_order)
{
    const parts all = take_apart();
    static assembly out;

    for (size_t type = 1; type <= 4; type++) {
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &all, type);
        /* Figures are not needed to decode. */
        ck_assert_int_eq(read_sealed(&out), type == 1 ? WSIC_OK : WSIC_ERROR_FORMAT);
        put_section(&out, 2 * type + (type != 1), all.payload[type], all.size[type]);
        ck_assert_int_eq(read_sealed(&out), WSIC_OK);
        put_section(&out, 2 * type + (type != 1), all.payload[type], all.size[type]);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
}
END_TEST

START_TEST(payloads_end_where_they_should)
{
    const parts all = take_apart();
    static assembly out;
    uint8_t longer[4096] = {0};

    for (size_t type = 1; type <= 4; type++) {
        parts changed = all;
        memset(longer, 0, sizeof longer);
        memcpy(longer, all.payload[type], all.size[type]);
        changed.payload[type] = longer;
        changed.size[type] = all.size[type] + 1;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        /* Figures may grow in later versions. */
        ck_assert_int_eq(read_sealed(&out), type == 1 ? WSIC_OK : WSIC_ERROR_FORMAT);
        changed.size[type] = all.size[type] - 1;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        ck_assert_int_lt(read_sealed(&out), 0);
    }
}
END_TEST

START_TEST(impossible_headers_are_refused)
{
    static const struct {
        uint64_t rows, columns;
        uint8_t dtype;
    } cases[] = {
        {0, COLUMNS, WSIC_I8},
        {ROWS, 0, WSIC_I8},
        {(uint64_t)1 << 31, COLUMNS, WSIC_I8},
        {ROWS, UINT64_MAX, WSIC_I8},
        {INT32_MAX, COLUMNS, WSIC_I8}, /* plausible only for a larger layer */
        {ROWS, INT32_MAX, WSIC_I8},
        {ROWS, COLUMNS, WSIC_F32},
        {ROWS, COLUMNS, 0},
    };
    const parts all = take_apart();
    static assembly out;
    uint64_t peak;

    wsic_context_reset_peak(context);
    const uint64_t used = wsic_context_memory(context, NULL);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        put_header(&out, cases[k].rows, cases[k].columns, cases[k].dtype);
        put_together(&out, &all, 0);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
    wsic_context_memory(context, &peak);
    ck_assert_uint_lt(peak - used, 1 << 16);

    put_header(&out, ROWS, COLUMNS, WSIC_I8);
    put_together(&out, &all, 0);
    out.bytes[3] = 2;
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_VERSION);
    out.bytes[0] = 'X';
    ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
}
END_TEST

START_TEST(figures_that_are_not_finite_are_refused)
{
    const parts all = take_apart();
    static assembly out;
    uint8_t figures[256];

    for (size_t offset = 0; offset < 40; offset += offset < 24 ? 8 : 4) {
        parts changed = all;
        memcpy(figures, all.payload[1], all.size[1]);
        memset(figures + offset, 0xFF, offset < 24 ? 8 : 4); /* NaN */
        changed.payload[1] = figures;
        put_header(&out, ROWS, COLUMNS, WSIC_I8);
        put_together(&out, &changed, 0);
        ck_assert_int_eq(read_sealed(&out), WSIC_ERROR_FORMAT);
    }
}
END_TEST

/* Read, and use whatever could be read: nothing may go out of bounds (sanitizers), and
 * failures have their status. */
static void try_sealed(const uint8_t *bytes, size_t size)
{
    static int32_t codes[ROWS * COLUMNS];
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *other;
    wsic_matrix matrix;

    if (wsic_layer_read(context, bytes, size, &other) != WSIC_OK)
        return;
    ck_assert_int_eq(wsic_layer_get_info(other, &info), WSIC_OK);
    if (info.rows == ROWS && info.columns == COLUMNS) {
        wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, ROWS, COLUMNS, 0);
        const wsic_status status = wsic_layer_codes(other, 0, &matrix);
        ck_assert(status == WSIC_OK || status == WSIC_ERROR_FORMAT ||
                  status == WSIC_ERROR_TRUNCATED || status == WSIC_ERROR_MEMORY_LIMIT);
    }
    wsic_layer_destroy(other);
}

START_TEST(sealed_damage_is_survived)
{
    const void *original;
    uint64_t seed = 7;
    size_t size;

    ck_assert_int_eq(wsic_layer_write(layer, &original, &size), WSIC_OK);
    uint8_t *const bytes = malloc(size);
    wsic_context_set_memory_limit(context, (uint64_t)64 << 20);
    for (size_t round = 0; round < 8 * (size - 8) + 5000; round++) {
        memcpy(bytes, original, size);
        /* Every bit once, then several at a time. */
        if (round < 8 * (size - 8))
            bytes[round / 8] ^= (uint8_t)(1 << round % 8);
        else
            for (int k = 0; k < 4; k++)
                bytes[noise_bits(&seed) % (size - 8)] = (uint8_t)noise_bits(&seed);
        const uint64_t checksum = wsic_checksum_of(bytes, size - 8);
        for (size_t i = 0; i < 8; i++)
            bytes[size - 8 + i] = (uint8_t)(checksum >> 8 * i);
        try_sealed(bytes, size);
    }
    free(bytes);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

static wsic_status make_and_use(void *data)
{
    static float weights[ROWS * COLUMNS], x[COLUMNS], y[ROWS];
    static int8_t codes[ROWS * COLUMNS];
    const void *bytes = NULL;
    size_t size = 0;
    wsic_layer *first = NULL, *second = NULL;
    wsic_matrix matrix;

    (void)data;
    wsic_status status = sample_layer(context, &made, &first);
    if (status == WSIC_OK)
        status = wsic_layer_write(first, &bytes, &size);
    if (status == WSIC_OK)
        status = wsic_layer_read(context, bytes, size, &second);
    wsic_layer_destroy(first);
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (status == WSIC_OK)
        status = wsic_layer_dequantize(second, 0, &matrix);
    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I8, ROWS, COLUMNS, 0);
    if (status == WSIC_OK)
        status = wsic_layer_codes(second, 0, &matrix);
    if (status == WSIC_OK)
        status = wsic_layer_matvec(second, x, y);
    wsic_layer_destroy(second);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    refuse_every_allocation(&counter, make_and_use, NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, facts_come_from_the_bytes);
    tcase_add_test(tests, an_uncomputed_limit_leaves_no_gap);
    tcase_add_test(tests, figures_that_cannot_be_stored_are_refused);
    tcase_add_test(tests, the_size_of_info_is_respected);
    tcase_add_test(tests, the_narrowest_type_of_the_codes_is_told);
    tcase_add_test(tests, headers_are_small);
    tcase_add_test(tests, codes_of_every_range_and_type_come_back);
    tcase_add_test(tests, codes_that_do_not_fit_are_named);
    tcase_add_test(tests, weights_are_the_product_of_scales_and_codes);
    tcase_add_test(tests, matvec_follows_its_formula);
    tcase_add_test(tests, decoding_checks_its_arguments);
    tcase_add_test(tests, matrices_of_any_shape_round_trip);
    tcase_add_test(tests, many_threads_may_read_one_layer);
    tcase_add_test(tests, reading_gives_the_same_layer);
    tcase_add_test(tests, every_truncation_and_flip_is_refused);
    tcase_add_test(tests, sections_may_be_unknown_but_not_critical);
    tcase_add_test(tests, sections_come_once_and_in_any_order);
    tcase_add_test(tests, payloads_end_where_they_should);
    tcase_add_test(tests, impossible_headers_are_refused);
    tcase_add_test(tests, figures_that_are_not_finite_are_refused);
    tcase_add_test(tests, sealed_damage_is_survived);
    tcase_add_test(tests, every_refused_allocation_is_reported);
}

int main(void)
{
    Suite *const suite = suite_create("layer");
    TCase *const tests = tcase_create("layer");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
