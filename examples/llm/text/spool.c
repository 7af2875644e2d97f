/* SPDX-License-Identifier: MIT */
#include "llm/text/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct failure *failure)
{
    return refuse(failure, "a temporary file of tokens: %s", strerror(errno));
}

bool spool_open(struct spool *spool, struct failure *failure)
{
    *spool = (struct spool){.file = tmpfile()};
    return spool->file || fail(failure);
}

bool spool_take(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct spool *const spool = self;

    if (fwrite(tokens, sizeof *tokens, count, spool->file) != count)
        return fail(failure);
    spool->count += count;
    return true;
}

static bool read_at(struct spool *spool, size_t begin, size_t count, uint32_t *values,
                    struct failure *failure)
{
    if (fseeko(spool->file, (off_t)(begin * sizeof *values), SEEK_SET) != 0 ||
        fread(values, sizeof *values, count, spool->file) != count)
        return fail(failure);
    return true;
}

bool spool_sample(struct spool *spool, size_t window, size_t most, struct tokens *tokens,
                  struct failure *failure)
{
    const size_t wanted = spool->count > most ? most / window : 0;
    const size_t first = spool->count < most ? spool->count : most;
    bool ok = true;

    *tokens = (struct tokens){.count = wanted > 0 ? wanted * window : first};
    tokens->values = malloc((tokens->count > 0 ? tokens->count : 1) * sizeof *tokens->values);
    if (!tokens->values)
        return refuse(failure, "out of memory for %zu tokens", tokens->count);
    if (wanted == 0)
        ok = read_at(spool, 0, tokens->count, tokens->values, failure);
    for (size_t k = 0; ok && k < wanted; k++)
        ok = read_at(spool, tokens_place(k, wanted, spool->count / window) * window, window,
                     tokens->values + k * window, failure);
    if (!ok)
        tokens_free(tokens);
    return ok;
}

void spool_close(struct spool *spool)
{
    if (spool->file)
        fclose(spool->file);
    *spool = (struct spool){.file = NULL};
}
