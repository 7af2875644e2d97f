/* SPDX-License-Identifier: MIT */
#include "llm/model/states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool set_up(struct states *states, const char *path, size_t tokens, size_t length,
                   struct failure *failure)
{
    *states = (struct states){.tokens = tokens, .length = length};
    return !path || (size_t)snprintf(states->path, sizeof states->path, "%s", path) <
                        sizeof states->path
               ? true
               : refuse(failure, "%s: the name is too long", path);
}

bool states_begin(struct states *states, const char *path, size_t tokens, size_t length,
                  struct failure *failure)
{
    if (!set_up(states, path, tokens, length, failure))
        return false;
    if (path)
        return atomic_file_open(&states->out, path, failure);
    states->values = malloc(tokens * length * sizeof *states->values);
    return states->values ||
           refuse(failure, "out of memory for the states of %zu tokens (--run keeps them in files)",
                  tokens);
}

bool states_add(struct states *states, const float *vectors, size_t count, struct failure *failure)
{
    const size_t numbers = count * states->length;

    if (states->values)
        memcpy(states->values + states->written * states->length, vectors,
               numbers * sizeof *vectors);
    else if (!atomic_file_write(&states->out, vectors, numbers * sizeof *vectors, failure))
        return false;
    states->written += count;
    return true;
}

static bool open_file(struct states *states, struct failure *failure)
{
    states->in = fopen(states->path, "rb");
    return states->in || refuse(failure, "%s: %s", states->path, strerror(errno));
}

bool states_finish(struct states *states, struct failure *failure)
{
    return states->values ||
           (atomic_file_commit(&states->out, failure) && open_file(states, failure));
}

bool states_are_there(const char *path, size_t tokens, size_t length)
{
    const uint64_t bytes = (uint64_t)tokens * length * sizeof(float);
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && (uint64_t)facts.st_size == bytes;
}

bool states_open(struct states *states, const char *path, size_t tokens, size_t length,
                 struct failure *failure)
{
    return set_up(states, path, tokens, length, failure) && open_file(states, failure);
}

bool states_read(struct states *states, size_t first, size_t count, float *vectors,
                 struct failure *failure)
{
    const size_t numbers = count * states->length;
    const size_t place = first * states->length * sizeof *vectors;

    if (states->values) {
        memcpy(vectors, states->values + first * states->length, numbers * sizeof *vectors);
        return true;
    }
    if (fseeko(states->in, (off_t)place, SEEK_SET) != 0)
        return refuse(failure, "%s: %s", states->path, strerror(errno));
    return fread(vectors, sizeof *vectors, numbers, states->in) == numbers ||
           refuse(failure, "%s: %s", states->path,
                  ferror(states->in) ? strerror(errno) : "the file is too short");
}

void states_close(struct states *states)
{
    atomic_file_abandon(&states->out);
    if (states->in)
        fclose(states->in);
    free(states->values);
    *states = (struct states){.tokens = 0};
}
