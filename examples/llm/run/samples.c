/* SPDX-License-Identifier: MIT */
#include "llm/run/samples.h"

#include "common/filemap.h"
#include "llm/model/fingerprint.h"

/* Contents of at most so many bytes count as a whole. */
enum { small = 1 << 16, pieces = 8, piece = 256 };

static uint64_t add_bytes(uint64_t fingerprint, const unsigned char *data, size_t size)
{
    fingerprint = fingerprint_number(fingerprint, (double)size);
    if (size <= small)
        return fingerprint_add(fingerprint, data, size);
    for (size_t i = 0; i < pieces; i++)
        fingerprint = fingerprint_add(fingerprint, data + (size - piece) / (pieces - 1) * i, piece);
    return fingerprint;
}

uint64_t samples_of_tensor(uint64_t fingerprint, const struct tensor *tensor)
{
    fingerprint = fingerprint_text(fingerprint, tensor->name);
    fingerprint = fingerprint_text(fingerprint, tensor->type);
    fingerprint =
        fingerprint_add(fingerprint, tensor->shape, tensor->dimensions * sizeof *tensor->shape);
    fingerprint = add_bytes(fingerprint, tensor->data, tensor->bytes);
    tensor_release(tensor);
    return fingerprint;
}

bool samples_of_file(uint64_t *fingerprint, const char *path, struct failure *failure)
{
    struct filemap map;

    if (!filemap_open(&map, path, failure))
        return false;
    *fingerprint = add_bytes(*fingerprint, map.data, map.size);
    filemap_close(&map);
    return true;
}
