/* SPDX-License-Identifier: MIT */
/* Matrices of a checkpoint, in whatever form they are stored:
 *
 * - plain floating-point numbers, as safetensors.h reads them;
 * - FP8 E4M3, tensor NAME, with scales in NAME_scale_inv, one for every block of rows and columns,
 *   which the numbers are to be multiplied by;
 * - MXFP4, tensors NAME_blocks (two numbers in a byte, the first in its low half, 16 bytes to a
 *   block) and NAME_scales (one power of two for each block);
 * - layers that this program has coded (coded.h).
 *
 * A tensor of three dimensions is several matrices, one below the other. */
#ifndef EXAMPLES_LLM_MODEL_STORED_H
#define EXAMPLES_LLM_MODEL_STORED_H

#include <stdbool.h>
#include <stddef.h>

#include "llm/model/checkpoint.h"

enum stored_form { STORED_PLAIN, STORED_FP8, STORED_MXFP4 };

/* Some rows of a tensor. */
struct stored {
    const struct checkpoint *checkpoint;
    enum stored_form form;
    const struct tensor *tensor;
    const struct tensor *scales; /* NULL: none */
    size_t matrix_rows;          /* of each of its matrices */
    size_t first;                /* the tensor's row that is the first here */
    size_t rows;
    size_t columns;
    size_t block_rows; /* that one scale is for */
    size_t block_columns;
};

/* Rows and columns of FP8 that share a scale, unless config.json says something else. */
enum { STORED_FP8_BLOCK = 128 };

/* All of a matrix, or of a stack of them; its tensors count as taken. Only as large as is said
 * there. block: rows and columns that share a scale of FP8. */
bool stored_find(struct stored *stored, struct checkpoint *checkpoint, const char *name,
                 const size_t block[2], struct failure *failure);

/* Whether a tensor is called as the scales of numbers in FP8; the name of the numbers, which must
 * fit into so many bytes. */
bool stored_is_scales(const char *tensor, char *numbers, size_t size);

/* Some of its rows, which must lie within. */
struct stored stored_part(const struct stored *stored, size_t first, size_t rows);

/* Rows as floats. Refuses what is not finite. */
bool stored_read(const struct stored *stored, size_t first, size_t count, float *out,
                 struct failure *failure);

/* What it takes in the checkpoint. */
double stored_bits(const struct stored *stored);

/* Let the pages of the checkpoint go that reading has brought into memory. */
void stored_release(const struct stored *stored);

#endif
