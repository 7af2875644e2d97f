/* SPDX-License-Identifier: MIT */
/* Members of an object in a config.json, each checked and refused by its name. null counts as a
 * member that is left out. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_READER_H
#define EXAMPLES_LLM_MODEL_CONFIG_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

struct config_reader {
    const char *path; /* of the file, for messages */
    const json_t *object;
    json_t *used; /* keys that were asked for, as those of an object */
    struct failure *failure;
};

/* The largest size of a tensor or of a loop over some: an int, which BLAS counts with, holds it
 * and a small multiple of it. */
enum { CONFIG_MAX_SIZE = 1 << 20 };

/* Begin to read an object. False if memory is short. */
bool config_reader_begin(struct config_reader *reader, const char *path, const json_t *object,
                         struct failure *failure);
void config_reader_end(struct config_reader *reader);

/* Whether a key was asked for. */
bool config_is_used(const struct config_reader *reader, const char *key);

/* NULL if it is left out. */
const json_t *config_member(const struct config_reader *reader, const char *key);

/* Leave the value as it is where the member is left out. Sizes are 1 to `most`. */
bool config_read_size(const struct config_reader *reader, const char *key, size_t most,
                      size_t *value);
bool config_read_positive(const struct config_reader *reader, const char *key, double *value);
bool config_read_flag(const struct config_reader *reader, const char *key, bool *value);

/* A value of 0 has no default: a member that is left out is refused. */
bool config_require_size(const struct config_reader *reader, const char *key, size_t most,
                         size_t *value);
bool config_require_positive(const struct config_reader *reader, const char *key, double *value);

/* Refuse a value under this key that is not the expected name. */
bool config_expect_name(const struct config_reader *reader, const char *key, const json_t *value,
                        const char *expected);

#endif
