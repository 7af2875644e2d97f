/* SPDX-License-Identifier: MIT */
/* A matrix as a running model keeps it in memory: as floats, as codes of a byte (of two where one
 * does not hold them) with scales, or as the coded bytes of its layer, which are decoded anew for
 * every product.
 *
 * Products with one form are the same bits on every machine and with every number of threads: sums
 * have a fixed order, and BLAS has no part in them. */
#ifndef EXAMPLES_LLM_MODEL_RESIDENT_H
#define EXAMPLES_LLM_MODEL_RESIDENT_H

#include <stddef.h>
#include <stdint.h>
#include <watersic/watersic.h>

#include "common/failure.h"

enum resident_form { RESIDENT_F32, RESIDENT_INT8, RESIDENT_CODED };

const char *resident_form_name(enum resident_form form);
bool resident_form_find(enum resident_form *form, const char *name);

struct resident {
    enum resident_form form;
    size_t rows;
    size_t columns;
    const float *weights; /* RESIDENT_F32; borrowed */
    int8_t *codes;        /* RESIDENT_INT8: rows × columns, with a scale for each row and column */
    int16_t *wide_codes;  /* in their place where some do not fit a byte */
    float *row_scales;
    float *column_scales;
    wsic_layer *layer; /* RESIDENT_CODED */
    uint64_t bytes;    /* that it takes */
};

/* What products of all matrices of a model share. */
struct resident_work {
    wsic_context *context; /* whose threads decode; borrowed */
    size_t workers;
    float *inputs; /* tokens times column scales, or sums that are to be added */
    size_t numbers;
    void *workspace; /* of the decoder */
    size_t workspace_bytes;
    struct failure failure; /* the first; "": none */
};

/* Floats that the caller keeps. */
struct resident resident_floats(const float *weights, size_t rows, size_t columns);

/* Codes or coded bytes of a layer, which is destroyed with the resident; on failure at once. A
 * layer with codes that do not fit two bytes is refused. name is for messages. */
bool resident_take(struct resident *resident, enum resident_form form, wsic_layer *layer,
                   const char *name, struct failure *failure);

void resident_free(struct resident *resident);

/* out = addition · out + x Wᵀ; rows of out are out_stride apart. What goes wrong is noted in work.
 */
void resident_multiply(const struct resident *resident, struct resident_work *work, const float *x,
                       size_t tokens, float *out, size_t out_stride, float addition);

void resident_work_free(struct resident_work *work);

#endif
