/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. Each target is a file with the one function that libFuzzer calls; it
 * returns for every input and ends the process where something is wrong. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watersic/watersic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Most memory that a context may take for an input: well above what small inputs need, so that an
 * input that asks for more without having the bytes is told from one that is large. */
enum { FUZZ_MEMORY = 64 << 20 };

/* End the process with a message if a condition does not hold. */
void fuzz_require(bool condition, const char *what);

/* A context with that limit, made once for each number (WSIC_KERNELS_...). NULL where the
 * processor does not have these instructions. Between inputs it must hold no memory:
 * fuzz_check_released() looks. */
wsic_context *fuzz_context(int32_t kernels);
void fuzz_check_released(void);

/* A status below 0 has a message and has given no handle; and none says that the library itself or
 * its caller is wrong. */
void fuzz_check_refusal(wsic_status status, const char *message, const void *handle);

/* The bytes as a file that programs can open; the path holds until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The same as the only file of a directory, under this name. */
const char *fuzz_directory(const char *name, const uint8_t *data, size_t size);

/* A copy that ends where its memory ends, for tools that see reads behind it; free() it. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);

/* Give bytes the checksums that go with them, so that changed ones get further than the first look
 * (seal.c): of a layer or of statistics, at their end; of an archive, wherever its heads say. */
void fuzz_seal(uint8_t *bytes, size_t size);
void fuzz_seal_archive(uint8_t *bytes, size_t size);

/* A copy without the first byte, which says whether it is sealed by this function or left as it is;
 * NULL for an input of no bytes; free() it. */
uint8_t *fuzz_sealed_copy(const uint8_t *data, size_t size, void (*seal)(uint8_t *, size_t));

/* Decode a layer in every way that there is, with two choices of kernels, and compare
 * (decode_layer.c). */
void fuzz_decode_layer(const wsic_layer *layer, const wsic_layer *other);

#endif
