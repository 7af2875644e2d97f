/* SPDX-License-Identifier: MIT */
#include "common/npy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <watersic/base.h>

#include "common/file_kind.h"
#include "common/npy_header.h"

/* A stream that ended, or could not be read. */
static bool fail_read(FILE *stream, const char *what, struct failure *failure)
{
    if (ferror(stream))
        return refuse(failure, "cannot be read: %s", strerror(errno));
    return refuse(failure, "ends within %s", what);
}

static bool read_header_size(FILE *stream, const uint8_t *prefix, size_t *size,
                             struct failure *failure)
{
    const unsigned major = prefix[6];
    const size_t width = major == 1 ? 2 : 4;
    uint8_t bytes[4] = {0, 0, 0, 0};

    if (major < 1 || major > 3 || prefix[7] != 0)
        return refuse(failure, "has .npy version %u.%u; 1.0, 2.0 and 3.0 are read", major,
                      (unsigned)prefix[7]);
    if (fread(bytes, 1, width, stream) != width)
        return fail_read(stream, "the .npy header", failure);
    *size =
        (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (*size > NPY_HEADER_MAX)
        return refuse(failure, "has a header of %zu bytes, more than %d", *size, NPY_HEADER_MAX);
    return true;
}

/* What stands there instead can often be told. */
static bool refuse_other_kind(FILE *stream, const uint8_t *prefix, struct failure *failure)
{
    uint8_t bytes[FILE_KIND_BYTES];

    memcpy(bytes, prefix, NPY_PREFIX_SIZE);
    const size_t more = fread(bytes + NPY_PREFIX_SIZE, 1, sizeof bytes - NPY_PREFIX_SIZE, stream);
    const char *const kind = file_kind(bytes, NPY_PREFIX_SIZE + more);
    return kind ? refuse(failure, "is not a .npy file but %s", kind)
                : refuse(failure, "is not a .npy file");
}

static bool read_header(FILE *stream, npy_header *header, struct failure *failure)
{
    uint8_t prefix[NPY_PREFIX_SIZE];
    size_t size = 0;

    if (fread(prefix, 1, sizeof prefix, stream) != sizeof prefix)
        return fail_read(stream, "the .npy header", failure);
    if (!npy_is_magic(prefix))
        return refuse_other_kind(stream, prefix, failure);
    if (!read_header_size(stream, prefix, &size, failure))
        return false;
    char *const text = malloc(size + 1);
    if (!text)
        return refuse(failure, "out of memory");
    const bool good = fread(text, 1, size, stream) == size
                          ? npy_header_parse(text, size, header, failure)
                          : fail_read(stream, "the .npy header", failure);
    free(text);
    return good;
}

/* Grow the memory with what is read, so that a header alone cannot ask for much. */
static bool read_data(FILE *stream, const npy_header *header, void **out, struct failure *failure)
{
    enum { FIRST = 1 << 20 };
    uint8_t *data = NULL;
    size_t have = 0;

    while (have < header->bytes) {
        const size_t left = header->bytes - have;
        const size_t step = have == 0 ? FIRST : have;
        const size_t wanted = left < step ? left : step;
        uint8_t *const grown = realloc(data, have + wanted);
        if (!grown) {
            free(data);
            return refuse(failure, "out of memory");
        }
        data = grown;
        const size_t got = fread(data + have, 1, wanted, stream);
        have += got;
        if (got < wanted) {
            free(data);
            if (ferror(stream))
                return fail_read(stream, "", failure);
            return refuse(failure, "ends after %zu of its %zu bytes of numbers", have,
                          header->bytes);
        }
    }
    if (fgetc(stream) != EOF) {
        free(data);
        return refuse(failure, "goes on behind its %zu bytes of numbers", header->bytes);
    }
    *out = data;
    return true;
}

static void swap_bytes(uint8_t *data, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < size / 2; j++) {
            const uint8_t kept = data[i * size + j];
            data[i * size + j] = data[i * size + size - 1 - j];
            data[i * size + size - 1 - j] = kept;
        }
    }
}

/* From Fortran order, where the first index counts fastest, to that of C. */
static bool reorder(const npy_header *header, void **data, struct failure *failure)
{
    const size_t size = header->size, count = header->rows * header->columns;
    const char *const from = *data;
    char *const to = malloc(header->bytes);
    size_t index[NPY_MOST_DIMENSIONS] = {0}, stride[NPY_MOST_DIMENSIONS] = {1}, place = 0;

    if (!to)
        return refuse(failure, "out of memory");
    for (uint32_t i = 1; i < header->dimensions; i++)
        stride[i] = stride[i - 1] * header->shape[i - 1];
    for (size_t k = 0; k < count; k++) {
        memcpy(to + k * size, from + place * size, size);
        for (uint32_t i = header->dimensions; i-- > 0;) {
            place += stride[i];
            if (++index[i] < header->shape[i])
                break;
            place -= stride[i] * header->shape[i];
            index[i] = 0;
        }
    }
    free(*data);
    *data = to;
    return true;
}

static bool read_stream(FILE *stream, npy_array *array, struct failure *failure)
{
    npy_header header;
    void *data = NULL;

    if (!read_header(stream, &header, failure) || !read_data(stream, &header, &data, failure))
        return false;
    if (header.swapped)
        swap_bytes(data, header.rows * header.columns, header.size);
    if (header.fortran && header.dimensions > 1 && !reorder(&header, &data, failure)) {
        free(data);
        return false;
    }
    *array = (npy_array){data, header.rows, header.columns, header.dtype, header.dimensions};
    return true;
}

bool npy_read(const char *path, npy_array *array, struct failure *failure)
{
    struct failure what;

    *array = (npy_array){.data = NULL};
    FILE *const stream = fopen(path, "rb");
    if (!stream)
        return refuse(failure, "%s: %s", path, strerror(errno));
    const bool good = read_stream(stream, array, &what);
    fclose(stream);
    return good || refuse(failure, "%.200s: %.300s", path, what.text);
}

void npy_release(npy_array *array)
{
    free(array->data);
    *array = (npy_array){.data = NULL};
}

static double half_value(uint16_t bits)
{
    const int exponent = bits >> 10 & 31;
    const int mantissa = bits & 1023;
    double magnitude;

    if (exponent == 31)
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        magnitude = ldexp(mantissa, -24);
    else
        magnitude = ldexp(mantissa + 1024, exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
}

bool npy_is_real(const npy_array *array, struct failure *failure)
{
    if (array->dtype == WSIC_F64 || array->dtype == WSIC_F32 || array->dtype == WSIC_F16)
        return true;
    return refuse(failure, "holds integers (%s) where floating-point numbers are expected",
                  npy_type_name(array->dtype));
}

bool npy_widen(npy_array *array, struct failure *failure)
{
    const size_t count = array->rows * array->columns;

    if (array->dtype == WSIC_F64)
        return true;
    if (!npy_is_real(array, failure))
        return false;
    double *const wide = count > SIZE_MAX / sizeof *wide ? NULL : malloc(count * sizeof *wide);
    if (!wide)
        return refuse(failure, "out of memory");
    for (size_t i = 0; i < count; i++)
        wide[i] = array->dtype == WSIC_F32 ? (double)((const float *)array->data)[i]
                                           : half_value(((const uint16_t *)array->data)[i]);
    free(array->data);
    array->data = wide;
    array->dtype = WSIC_F64;
    return true;
}

bool npy_recognize(const char *path)
{
    uint8_t prefix[NPY_PREFIX_SIZE];
    FILE *const stream = fopen(path, "rb");

    if (!stream)
        return false;
    const bool whole = fread(prefix, 1, sizeof prefix, stream) == sizeof prefix;
    fclose(stream);
    return whole && npy_is_magic(prefix);
}

bool npy_begin(atomic_file *file, const char *path, uint32_t dtype, size_t rows, size_t columns,
               struct failure *failure)
{
    uint8_t header[192];
    const size_t size = npy_header_format(header, dtype, rows, columns);

    *file = (atomic_file){.stream = NULL};
    if (size == 0)
        return refuse(failure, "%s: .npy files have no type for such numbers", path);
    if (!atomic_file_open(file, path, failure))
        return false;
    if (atomic_file_write(file, header, size, failure))
        return true;
    atomic_file_abandon(file);
    return false;
}

bool npy_write(const char *path, const void *data, uint32_t dtype, size_t rows, size_t columns,
               struct failure *failure)
{
    atomic_file file;

    if (!npy_begin(&file, path, dtype, rows, columns, failure))
        return false;
    if (atomic_file_write(&file, data, rows * columns * npy_type_size(dtype), failure))
        return atomic_file_commit(&file, failure);
    atomic_file_abandon(&file);
    return false;
}
