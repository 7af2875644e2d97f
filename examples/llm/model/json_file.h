/* SPDX-License-Identifier: MIT */
/* JSON files of a checkpoint. */
#ifndef EXAMPLES_LLM_MODEL_JSON_FILE_H
#define EXAMPLES_LLM_MODEL_JSON_FILE_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#include "common/failure.h"

/* Read a file, with flags of json_load_file(). NULL on failure, which names the file and the
 * line. */
json_t *json_file_load(const char *path, size_t flags, struct failure *failure);

/* Read DIRECTORY/NAME; path is set to that. *root is NULL, without a failure, if there is no such
 * file. */
bool json_file_look(json_t **root, char path[PATH_MAX], const char *directory, const char *name,
                    struct failure *failure);

#endif
