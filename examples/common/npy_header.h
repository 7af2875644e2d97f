/* SPDX-License-Identifier: MIT */
/* The header of a .npy file: a Python dictionary as text, read without evaluating it. */
#ifndef EXAMPLES_NPY_HEADER_H
#define EXAMPLES_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"

enum {
    NPY_PREFIX_SIZE = 8, /* magic and version */
    /* Longer headers are legal from version 2 on, but describe structured types only. */
    NPY_HEADER_MAX = 65535,
    NPY_MOST_DIMENSIONS = 8
};

typedef struct npy_header {
    uint32_t dtype; /* WSIC_F64 ... */
    size_t size;    /* of one number, bytes */
    bool swapped;   /* the other byte order than this machine's */
    bool fortran;
    uint32_t dimensions; /* 1 to NPY_MOST_DIMENSIONS */
    size_t shape[NPY_MOST_DIMENSIONS];
    size_t rows;    /* all dimensions but the last, multiplied; 1 where there is one */
    size_t columns; /* the last */
    size_t bytes;   /* of all numbers; does not overflow */
} npy_header;

bool npy_is_magic(const uint8_t prefix[NPY_PREFIX_SIZE]);

/* Failures do not name the file. */
bool npy_header_parse(const char *text, size_t length, npy_header *header, struct failure *failure);

/* Bytes of one number; 0 for a type that .npy files cannot hold. */
size_t npy_type_size(uint32_t dtype);

/* NumPy's name of a type, such as "f4"; "unknown" for one that .npy files cannot hold. */
const char *npy_type_name(uint32_t dtype);

/* Make prefix, length and text of a version 1 header; returns its size, a multiple of
 * 64, or 0 for a type that .npy files cannot hold. */
size_t npy_header_format(uint8_t out[192], uint32_t dtype, size_t rows, size_t columns);

#endif
