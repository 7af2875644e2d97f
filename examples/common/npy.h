/* SPDX-License-Identifier: MIT */
/* Arrays in NumPy's .npy files: one or two dimensions of floating-point numbers or
 * small integers. */
#ifndef EXAMPLES_NPY_H
#define EXAMPLES_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/atomic_file.h"
#include "common/failure.h"

typedef struct npy_array {
    void *data;          /* row by row, in the byte order of this machine */
    size_t rows;         /* 1 where the file has one dimension */
    size_t columns;      /* the last dimension */
    uint32_t dtype;      /* WSIC_F64, WSIC_F32, WSIC_F16, WSIC_I8, WSIC_I16 or WSIC_I32 */
    uint32_t dimensions; /* 1 or 2 */
} npy_array;

/* Read a file of format version 1, 2 or 3, of either byte order; Fortran order is
 * transposed. Release the array with npy_release(). Memory is taken in proportion to the
 * bytes that are there, whatever the header promises. Failures name the path. */
bool npy_read(const char *path, npy_array *array, struct failure *failure);
void npy_release(npy_array *array);

/* Replace the numbers of a floating-point array by the same ones in double precision. */
bool npy_widen(npy_array *array, struct failure *failure);

/* Whether a file begins as .npy files do. False also where it cannot be read. */
bool npy_recognize(const char *path);

/* Write a two-dimensional file in pieces: begin, append all numbers row by row in
 * the byte order of this machine, commit. After a failure or instead of the
 * commit: atomic_file_abandon(). */
bool npy_begin(atomic_file *file, const char *path, uint32_t dtype, size_t rows, size_t columns,
               struct failure *failure);

/* Write a whole two-dimensional file. */
bool npy_write(const char *path, const void *data, uint32_t dtype, size_t rows, size_t columns,
               struct failure *failure);

#endif
