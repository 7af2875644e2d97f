/* SPDX-License-Identifier: MIT */
/* For tests/tokenizer/compare.mjs: tokens of many texts by one tokenizer.
 * Usage: tokens_of TOKENIZER.JSON FILE...
 * Writes FILE.u32 beside every file. */
#include <stdio.h>

#include "common/token_writer.h"
#include "text/tokenizer.h"

static bool encode_file(struct tokenizer *tokenizer, const char *path, struct failure *failure)
{
    struct token_writer writer;
    const struct token_sink sink = {token_writer_take, &writer};
    struct text_repairs repairs;
    char output[4096];

    snprintf(output, sizeof output, "%s.u32", path);
    if (!token_writer_open(&writer, output, failure))
        return false;
    if (tokenizer_encode_file(tokenizer, path, &sink, true, &repairs, failure))
        return token_writer_commit(&writer, failure);
    token_writer_abandon(&writer);
    return false;
}

int main(int count, char **arguments)
{
    struct failure failure = {.text = "a tokenizer is missing"};
    struct tokenizer *const tokenizer = count > 1 ? tokenizer_open(arguments[1], &failure) : NULL;
    bool ok = tokenizer != NULL;

    for (int i = 2; ok && i < count; i++)
        ok = encode_file(tokenizer, arguments[i], &failure);
    tokenizer_close(tokenizer);
    if (!ok)
        fprintf(stderr, "tokens_of: %s\n", failure.text);
    return ok ? 0 : 1;
}
