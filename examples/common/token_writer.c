/* SPDX-License-Identifier: MIT */
#include "common/token_writer.h"

#include "common/tokens.h"

bool token_writer_open(struct token_writer *writer, const char *path, struct failure *failure)
{
    *writer = (struct token_writer){.bytes = tokens_bytes(path), .path = path};
    if (writer->bytes == 0)
        return refuse(failure, "%s: files of tokens are called .u16 or .u32", path);
    return atomic_file_open(&writer->file, path, failure);
}

static size_t encode(const struct token_writer *writer, uint32_t token, unsigned char *out)
{
    for (size_t i = 0; i < writer->bytes; i++)
        out[i] = (unsigned char)(token >> 8 * i);
    return writer->bytes;
}

bool token_writer_take(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct token_writer *const writer = self;
    unsigned char out[4096];
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (tokens[i] >= tokens_numbers(writer->path))
            return refuse(failure, "%s: token %lu does not fit into 16 bits: call the file .u32",
                          writer->path, (unsigned long)tokens[i]);
        size += encode(writer, tokens[i], out + size);
        if (size > sizeof out - 4 || i + 1 == count) {
            if (!atomic_file_write(&writer->file, out, size, failure))
                return false;
            size = 0;
        }
    }
    writer->count += count;
    return true;
}

bool token_writer_commit(struct token_writer *writer, struct failure *failure)
{
    return atomic_file_commit(&writer->file, failure);
}

void token_writer_abandon(struct token_writer *writer)
{
    atomic_file_abandon(&writer->file);
}
