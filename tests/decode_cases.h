/* SPDX-License-Identifier: MIT */
/* Kernels of products, weights and squares of bytes against their definitions, without anything
 * that a cross compiler may lack. */
#ifndef TESTS_DECODE_CASES_H
#define TESTS_DECODE_CASES_H

#include "base/transpose.h"
#include "decode/product.h"
#include "decode/weights.h"

/* The kernels of an instruction set, and what they did. */
typedef struct decode_kernels {
    const char *name;
    const wsic_product_kernels *product;
    const wsic_weight_kernels *weights;
    wsic_transpose_function *transpose;
} decode_kernels;

typedef struct decode_report {
    char failure[200]; /* empty: there was none */
    uint64_t hash;     /* of all results: the same on every machine */
    size_t numbers;    /* that were compared */
} decode_report;

/* The names of the kernels that this machine has, or has by emulation. */
size_t decode_kernels_here(decode_kernels *list);
enum { DECODE_KERNELS_MOST = 4 };

void decode_check(const decode_kernels *kernels, decode_report *report);

#endif
