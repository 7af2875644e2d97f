/* SPDX-License-Identifier: MIT */
/* Entropy coding of a matrix of integers: interleaved rANS with one static model per
 * class, class(i, j) = class of row i + class of the eight columns that j stands with; where the
 * codes are levels of a trellis, with one for each context of its state. docs/format.md, section
 * "Coded integers", is the normative description. */
#ifndef WSIC_CODING_CODES_H
#define WSIC_CODING_CODES_H

#include "base/bytes.h"
#include "coding/code_tiles.h"

/* Widths are counted in sixteenths of an octave: a class step of 1 stands for a factor
 * of 2^(1/16) in the expected magnitude of the codes. */
enum {
    WSIC_CLASSES_PER_OCTAVE = 16,
    /* Hints are finer: columns are put in order by them, and neighbours share models. */
    WSIC_HINTS_PER_OCTAVE = 64
};

/* Codes as the recursion leaves them: column by column. */
typedef struct wsic_code_matrix {
    size_t rows;
    size_t columns;
    const int32_t *codes; /* element (i, j) at j * rows + i */
    /* 0: any integers. Else the logarithm of the states of the trellis (coding/trellis.h)
     * whose levels the codes are, down each column, from state 0 in each block of rows. */
    unsigned kind;
    /* Rows that take no part in the trellis, a mark for each: their codes are 0. NULL: none.
     * Without a trellis the coder sees by itself which rows are zero. */
    const bool *dead_rows;
    /* Of a trellis: the live rows of a block are coded by the remainder of their rank among all
     * live rows under this number, the greatest first, and the trellis runs through them in this
     * order. So it goes the way in which sets of rows are decided that feed back, and no set begins
     * in a state where little is possible. 0 is as 1: from first to last. */
    size_t row_stride;
    /* Where these rows are taken from a larger matrix, to be measured alone: their numbers there,
     * ascending, by which they are cut into blocks. NULL: their own. */
    const size_t *row_at;
    /* What the decoder knows beforehand about the magnitudes, WSIC_HINTS_PER_OCTAVE to the octave,
     * up to a constant: from the scales, which are stored anyway. NULL for nothing. The coder may
     * ignore them where they do not help. */
    const int32_t *row_hint;
    const int32_t *column_hint;
} wsic_code_matrix;

/* --- encoder (codes_encode.c) -------------------------------------------- */

/* Rows to a block where the caller has no wish: blocks large enough that the lanes'
 * final states, and the rows that a trellis of this kind needs to get going, do not matter,
 * small enough to decode in parallel. */
size_t wsic_codes_block_rows(size_t rows, size_t columns, unsigned kind);

/* Most rows to a block; at least 1. Zeros cost nothing, so that a few bytes can stand for a block
 * of any size. But to decode one row takes the time of its whole block. columns is at least 1. */
size_t wsic_codes_block_rows_most(size_t columns);

/* Append the coded matrix. block_rows is at least 1. */
wsic_status wsic_codes_encode(const wsic_env *env, const wsic_code_matrix *matrix,
                              size_t block_rows, wsic_bytes *out);

/* The same in bits without making the bytes: what a rate search needs. Within a few
 * bytes of 8 * (bytes of wsic_codes_encode()). *bits_fixed, if not NULL, receives the
 * part that does not grow with the number of rows: column classes, models, headers. */
wsic_status wsic_codes_measure(const wsic_env *env, const wsic_code_matrix *matrix,
                               size_t block_rows, double *bits, double *bits_fixed);

/* Entropy of the pooled histogram of all codes, in bits per code: what the
 * literature counts as the rate, for comparison. */
wsic_status wsic_codes_entropy(const wsic_env *env, const int32_t *codes, size_t count,
                               double *bits);

/* --- decoder (code_reader.c, code_tiles.c): integers only -------------------- */

/* Parse head, models and the table of streams. The cursor stands at the first byte of what
 * wsic_codes_encode() appended and is moved behind its last; the bytes are borrowed
 * until the reader is closed. Hints as at encoding (NULL as NULL). Rejects whatever
 * is inconsistent with WSIC_ERROR_FORMAT or WSIC_ERROR_TRUNCATED. */
wsic_status wsic_code_reader_open(const wsic_env *env, wsic_cursor *cursor, size_t rows,
                                  size_t columns, const int32_t *row_hint,
                                  const int32_t *column_hint, wsic_code_reader **out);
void wsic_code_reader_close(const wsic_env *env, wsic_code_reader *reader);

size_t wsic_code_reader_block_rows(const wsic_code_reader *reader);
/* See wsic_code_matrix: what these codes were coded with. */
size_t wsic_code_reader_row_stride(const wsic_code_reader *reader);
/* Mark the dead rows, one mark for each row of the matrix. */
void wsic_code_reader_dead_rows(const wsic_code_reader *reader, bool *dead);

/* Decode block number `block` (rows block * block_rows ...) into row-major int32:
 * element (i, j) of the block at i * columns + j. */
wsic_status wsic_code_reader_block(const wsic_env *env, const wsic_code_reader *reader,
                                   size_t block, int32_t *out);

#endif
