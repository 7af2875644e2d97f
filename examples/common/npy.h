/* SPDX-License-Identifier: MIT */
/* Arrays in NumPy's .npy files: floating-point numbers or small integers. */
#ifndef EXAMPLES_NPY_H
#define EXAMPLES_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/atomic_file.h"
#include "common/failure.h"

typedef struct npy_array {
    void *data;          /* row by row, in the byte order of this machine */
    size_t rows;         /* all dimensions but the last, multiplied; 1 where there is one */
    size_t columns;      /* the last dimension */
    uint32_t dtype;      /* WSIC_F64, WSIC_F32, WSIC_F16, WSIC_I8, WSIC_I16 or WSIC_I32 */
    uint32_t dimensions; /* at most 8; for callers to whom more than two mean something else */
} npy_array;

/* Read a file of format version 1, 2 or 3, of either byte order; Fortran order is
 * turned into that of C. Release the array with npy_release(). Memory is taken in proportion to the
 * bytes that are there, whatever the header promises. Failures name the path. */
bool npy_read(const char *path, npy_array *array, struct failure *failure);
void npy_release(npy_array *array);

/* Refuse an array of integers. Failures do not name the file. */
bool npy_is_real(const npy_array *array, struct failure *failure);

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
