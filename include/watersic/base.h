/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/base.h
 * \brief Status codes, number types, matrices and the allocator.
 *
 * Include <watersic/watersic.h>, which includes this file.
 */
#ifndef WATERSIC_BASE_H
#define WATERSIC_BASE_H

#include <stddef.h>
#include <stdint.h>

#include <watersic/attributes.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * \brief Result of a call.
 *
 * Zero is success. Positive values are success with a notice: the output exists
 * and is valid, but the caller should look at the message. Negative values are
 * failures: outputs are untouched unless a function says otherwise, a handle that was to be created
 * is NULL, and the handles that were given can still be used.
 *
 * The numbers are stable: they are never renumbered or reused.
 */
typedef int32_t wsic_status;

/** \brief Values of ::wsic_status. */
enum wsic_status_code {
    /** Success. */
    WSIC_OK = 0,

    /** Notice: the target rate cannot be met on this matrix. The layer was
     *  produced at the nearest rate that can be reached. */
    WSIC_NOTICE_RATE = 1,

    /* -1..-9: the call itself */
    /** An argument is out of its documented range, or NULL where that is not
     *  allowed. The message names the argument and the value found. */
    WSIC_ERROR_ARGUMENT = -1,
    /** The state of a handle does not allow the call. For example, a result is read before it
     *  was computed, or a layer is added after the writer was finished. */
    WSIC_ERROR_STATE = -2,
    /** Shapes of two arguments do not fit each other. */
    WSIC_ERROR_SHAPE = -3,
    /** A number type (#WSIC_F32, ...) is unknown or not accepted here. */
    WSIC_ERROR_DTYPE = -4,
    /** A struct's size field is smaller than the first published version of the
     *  struct, or larger than any plausible one. */
    WSIC_ERROR_STRUCT_SIZE = -5,
    /** The struct has members that this version of the library does not know, and they are not
     *  zero: the program was written for a later version. */
    WSIC_ERROR_STRUCT_NEWER = -6,

    /* -10..-19: resources */
    /** The allocator returned NULL. */
    WSIC_ERROR_MEMORY = -10,
    /** The context's memory limit would be exceeded. */
    WSIC_ERROR_MEMORY_LIMIT = -11,
    /** A size does not fit the machine's size_t, or BLAS's 32-bit index. */
    WSIC_ERROR_TOO_LARGE = -12,
    /** The progress callback, wsic_context_cancel() or wsic_context_stop() stopped the call. */
    WSIC_ERROR_CANCELLED = -13,
    /** The operating system refused to open, read, write or rename a file. The
     *  message holds its reason. */
    WSIC_ERROR_IO = -14,

    /* -20..-29: numbers */
    /** A weight, activation or statistic is NaN or infinite. The message gives
     *  the first such index and how many there are. */
    WSIC_ERROR_NOT_FINITE = -20,
    /** A covariance is not positive definite, even with the damping that the
     *  parameters allow. The message gives the failing pivot. */
    WSIC_ERROR_NOT_POSITIVE_DEFINITE = -21,
    /** A number left the range that the format can store: a code beyond 32
     *  bits, or a scale beyond the range of float. */
    WSIC_ERROR_RANGE = -22,
    /** The statistics hold no sample at all. */
    WSIC_ERROR_NO_SAMPLES = -23,

    /* -30..-39: bytes */
    /** The bytes do not have the expected format: a wrong magic number, impossible sizes,
     *  inconsistent sections. */
    WSIC_ERROR_FORMAT = -30,
    /** A checksum does not match: the bytes were damaged. */
    WSIC_ERROR_CHECKSUM = -31,
    /** The bytes end too early. */
    WSIC_ERROR_TRUNCATED = -32,
    /** The bytes were written by another version of the format, or carry a
     *  critical section that this version does not know. */
    WSIC_ERROR_VERSION = -33,
    /** There is no layer, parameter or key of that name. */
    WSIC_ERROR_NOT_FOUND = -34,
    /** There is a layer or key of that name already. */
    WSIC_ERROR_EXISTS = -35,
    /** The caller's buffer is too small. The message gives the size needed. */
    WSIC_ERROR_BUFFER = -36
};

/**
 * \brief Name of a status code, for logs and bindings.
 *
 * \param status  any value
 * \return the constant's name, such as "WSIC_ERROR_SHAPE"; "WSIC_UNKNOWN" for
 *         a value that this version does not know. Static storage, never NULL.
 *
 * Thread-safe.
 */
WSIC_API const char *wsic_status_name(wsic_status status);

/**
 * \brief One English sentence that explains a status code.
 *
 * The handle's message (wsic_context_message() and its siblings) says more: which
 * argument, which index, what was found.
 *
 * \param status  any value
 * \return the sentence. Static storage, never NULL.
 *
 * Thread-safe.
 */
WSIC_API const char *wsic_status_text(wsic_status status);

/** \brief Number types of matrices. The numbers are pinned; files use them, too. */
enum wsic_dtype {
    WSIC_F64 = 1,  /**< IEEE binary64 */
    WSIC_F32 = 2,  /**< IEEE binary32 */
    WSIC_F16 = 3,  /**< IEEE binary16, as uint16_t */
    WSIC_BF16 = 4, /**< bfloat16 (the upper half of a binary32), as uint16_t */
    WSIC_I8 = 5,   /**< int8_t, codes only */
    WSIC_I16 = 6,  /**< int16_t, codes only */
    WSIC_I32 = 7,  /**< int32_t, codes only */
    /** Integers from -8 to 7 in two's complement, two in each byte. The library writes such
     *  matrices (codes) and reads none. Element j of a row is in byte j / 2 of the row: in bits 0
     *  to 3 if j is even, in bits 4 to 7 if it is odd. Row strides are even; data may have any
     *  address. If the number of columns is odd, bits 4 to 7 of the last byte of a row become 0. */
    WSIC_I4 = 8
};

/**
 * \brief Bytes of one number of a type.
 *
 * \param dtype  #WSIC_F64 ... #WSIC_I4
 * \return 1, 2, 4 or 8; 0 for an unknown type, and for #WSIC_I4, because a byte holds two of them
 *
 * Thread-safe.
 */
WSIC_API size_t wsic_dtype_size(uint32_t dtype);

/**
 * \brief Name of a number type, for messages.
 *
 * \param dtype  any value
 * \return the constant's name without its prefix, such as "BF16"; "unknown" for a value that this
 *         version does not know. Static storage, never NULL.
 *
 * Thread-safe.
 */
WSIC_API const char *wsic_dtype_name(uint32_t dtype);

/**
 * \brief A matrix in the caller's memory.
 *
 * Element (i, j) is number i * row_stride + j after data. The library borrows
 * the memory until the call returns. A function that reads a matrix does not
 * write to data, even though the pointer is not const. A function that fills a matrix writes only
 * the rows × columns elements, never the gap between two rows.
 *
 * Data must be aligned for its type: _Alignof(double), _Alignof(float) and so on. Every
 * function that takes a matrix refuses other addresses with #WSIC_ERROR_ARGUMENT; the message
 * names the matrix and says by how many bytes the address is off. A matrix in a mapped file can
 * have such an address, for instance in a safetensors file whose header is not padded. Copy such a
 * matrix first. (Alignment of arguments like `const float *` is not checked. Bytes of layers and
 * archives may have any address.)
 */
typedef struct wsic_matrix {
    size_t size;    /**< sizeof(wsic_matrix): set by wsic_matrix_init() */
    void *data;     /**< first element */
    size_t rows;    /**< at least 1 */
    size_t columns; /**< at least 1 */
    /** Elements from one row to the next. 0 means columns, for I4 rounded up to an even number. */
    size_t row_stride;
    uint32_t dtype;    /**< #WSIC_F64 ... */
    uint32_t reserved; /**< 0 */
} wsic_matrix;

/**
 * \brief Fill in a matrix description.
 *
 * \param matrix      the struct to fill
 * \param struct_size sizeof(wsic_matrix) in the caller's build
 * \param data        first element; borrowed
 * \param dtype       number type
 * \param rows        rows
 * \param columns     columns
 * \param row_stride  elements from one row to the next, 0 for no gap
 *
 * This function checks nothing: the function that takes the matrix checks it. Thread-safe.
 */
WSIC_API void wsic_matrix_init(wsic_matrix *matrix, size_t struct_size, const void *data,
                               uint32_t dtype, size_t rows, size_t columns, size_t row_stride);

/**
 * \brief Where the library gets its memory.
 *
 * The functions must be callable from several threads at once if the context uses
 * threads or a runner, or if several threads read one layer. They stay in use until
 * the context and all its children are destroyed.
 */
typedef struct wsic_allocator {
    size_t size; /**< sizeof(wsic_allocator) */
    /** Return size bytes aligned as malloc() aligns, or NULL. Never called
     *  with size 0. */
    void *(*allocate)(void *user, size_t size);
    /** Release what allocate() returned. Never called with NULL. */
    void (*release)(void *user, void *pointer);
    void *user; /**< handed to both functions, never looked at */
} wsic_allocator;

#ifdef __cplusplus
}
#endif

#endif
