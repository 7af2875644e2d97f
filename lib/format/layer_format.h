/* SPDX-License-Identifier: MIT */
/* The bytes of a layer. docs/format.md, section "Layer", is the normative
 * description. Writing and reading are separate files, so that a decoder can be
 * built without the encoder. */
#ifndef WSIC_FORMAT_LAYER_FORMAT_H
#define WSIC_FORMAT_LAYER_FORMAT_H

#include "base/bytes.h"
#include "base/env.h"
#include "coding/codes.h"
#include "coding/scales.h"

/* What the encoder measured and the layer carries along; meanings and units as in
 * wsic_layer_info. */
typedef struct wsic_layer_figures {
    double rate_target;
    double step;
    double entropy_pooled;
    double distortion;
    double relative_distortion;
    double limit_rate;
    double damping;
    uint64_t damping_retries;
    uint64_t dead_columns;
    uint64_t dead_rows;
} wsic_layer_figures;

/* --- writing (layer_write.c) --------------------------------------------- */

/* All borrowed. Codes of rows and columns whose scale is 0 must be 0. */
typedef struct wsic_layer_parts {
    size_t rows;
    size_t columns;
    const int32_t *codes;  /* column-major: element (i, j) at j * rows + i */
    unsigned kind;         /* of the codes, see wsic_code_matrix */
    const bool *dead_rows; /* likewise */
    size_t row_stride;     /* likewise */
    const wsic_scales *row_scales;
    const wsic_scales *column_scales;
    const wsic_layer_figures *figures;
    size_t block_rows; /* 0: chosen by size; a trellis starts anew in each block */
} wsic_layer_parts;

/* Append the bytes of a layer: header, sections, checksum. */
wsic_status wsic_layer_format_write(const wsic_env *env, const wsic_layer_parts *parts,
                                    wsic_bytes *out);

/* --- reading (layer_read.c) ---------------------------------------------- */

typedef struct wsic_layer_content {
    size_t rows;
    size_t columns;
    wsic_layer_figures figures;
    size_t bytes_codes; /* bytes of the codes section, see wsic_layer_info */
    uint32_t code_dtype;
    float *row_scales;
    float *column_scales;
    uint32_t row_grid; /* that the scales lie on, see wsic_scales */
    uint32_t column_grid;
    wsic_code_reader *codes;
    unsigned kind; /* of the codes, see wsic_code_matrix */
} wsic_layer_content;

/* Parse bytes, which are borrowed until release. On failure *content is empty. */
wsic_status wsic_layer_format_read(const wsic_env *env, const void *bytes, size_t size,
                                   wsic_layer_content *content);
void wsic_layer_content_release(const wsic_env *env, wsic_layer_content *content);

#endif
