/* SPDX-License-Identifier: MIT */
/* Constants that writer and reader of layers share. */
#ifndef WSIC_FORMAT_LAYER_SECTIONS_H
#define WSIC_FORMAT_LAYER_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { WSIC_LAYER_VERSION = 2, WSIC_LAYER_MAGIC_SIZE = 3 };

#define WSIC_LAYER_MAGIC "WSL"

/* A section begins with 2 * type + critical. */
enum {
    WSIC_SECTION_FIGURES = 1,
    WSIC_SECTION_ROW_SCALES = 2,
    WSIC_SECTION_COLUMN_SCALES = 3,
    WSIC_SECTION_CODES = 4,
    WSIC_SECTION_COUNT = 5
};

/* Equal scales and zero codes cost nothing, so that a few bytes can stand for any number
 * of rows. A reader needs up to 20 bytes for a row or a column: the bound keeps that within
 * 160 MiB and 320 bytes for a byte of input. Layers of real shapes stay far below it. */
enum { WSIC_LAYER_EXTENT_FREE = 1 << 22, WSIC_LAYER_EXTENT_PER_BYTE = 8 };

static inline bool wsic_extent_plausible(size_t extent, size_t bytes)
{
    return extent <= WSIC_LAYER_EXTENT_FREE ||
           (extent - WSIC_LAYER_EXTENT_FREE) / WSIC_LAYER_EXTENT_PER_BYTE < bytes;
}

static inline bool wsic_layer_plausible(size_t rows, size_t columns, size_t bytes)
{
    return wsic_extent_plausible(rows, bytes) && wsic_extent_plausible(columns, bytes);
}

#endif
