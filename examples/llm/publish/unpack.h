/* SPDX-License-Identifier: MIT */
/* An ordinary checkpoint from a directory that pack.h has made: weights as numbers that every
 * program reads, or codes and scales as tensors of their own for other kernels. */
#ifndef EXAMPLES_LLM_PUBLISH_UNPACK_H
#define EXAMPLES_LLM_PUBLISH_UNPACK_H

#include <stdint.h>
#include <watersic/watersic.h>

#include "common/meter.h"
#include "llm/model/checkpoint.h"

struct unpacking {
    const struct checkpoint *checkpoint;
    const char *source; /* its directory */
    wsic_context *context;
    const char *output; /* directory, which must not be there yet */
    uint64_t shard_bytes;
    struct meter *meter; /* shows how far it is; may be NULL */
    uint32_t weights;    /* WSIC_F32, F16 or BF16; 0: as in the checkpoint that was quantized */
    uint32_t codes; /* WSIC_I8 (I16 where one byte does not hold them) or I4 instead of weights;
                         0: weights */
};

struct unpacked {
    size_t coded; /* tensors that were coded */
    size_t wide;  /* of them, those whose codes take two bytes */
    size_t others;
    uint64_t bytes; /* of all tensors in the new directory */
};

/* Write the directory, some rows at a time. A directory without coded tensors is refused, and
 * codes or weights that the type does not hold, by their layer, row and column. */
bool unpack_model(const struct unpacking *unpacking, struct unpacked *unpacked,
                  struct failure *failure);

#endif
