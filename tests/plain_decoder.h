/* SPDX-License-Identifier: MIT */
/* A second decoder, written from docs/format.md and sharing no code with the library:
 * slow, and as plain as the text. */
#ifndef TESTS_PLAIN_DECODER_H
#define TESTS_PLAIN_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode coded integers into row-major order. Hints may be NULL. False for bytes that
 * the format forbids. *used receives the number of bytes read. */
bool plain_decode_codes(const uint8_t *bytes, size_t size, size_t rows, size_t columns,
                        const int32_t *row_hint, const int32_t *column_hint, int32_t *out,
                        size_t *used);

/* Decode scales to their values. */
bool plain_decode_scales(const uint8_t *bytes, size_t size, size_t count, float *out, size_t *used);

#endif
