/* SPDX-License-Identifier: MIT */
/* Writing files of tokens, as tokens.h reads them. */
#ifndef EXAMPLES_TOKEN_WRITER_H
#define EXAMPLES_TOKEN_WRITER_H

#include "common/atomic_file.h"
#include "common/token_sink.h"

struct token_writer {
    atomic_file file;
    size_t bytes; /* of a token */
    uint64_t count;
    const char *path;
};

/* Begin FILE.u16 or FILE.u32; other names are refused. The name must stay where it is. */
bool token_writer_open(struct token_writer *writer, const char *path, struct failure *failure);
/* Little-endian numbers; refuses one that does not fit. For a token_sink: self is the writer. */
bool token_writer_take(void *self, const uint32_t *tokens, size_t count, struct failure *failure);
/* Give the file its name; or leave nothing behind. */
bool token_writer_commit(struct token_writer *writer, struct failure *failure);
void token_writer_abandon(struct token_writer *writer);

#endif
