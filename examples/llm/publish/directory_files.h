/* SPDX-License-Identifier: MIT */
/* The files of a directory beside its tensors, and how it gets its name. */
#ifndef EXAMPLES_LLM_PUBLISH_DIRECTORY_FILES_H
#define EXAMPLES_LLM_PUBLISH_DIRECTORY_FILES_H

#include <jansson.h>
#include <limits.h>
#include <stdint.h>

#include "common/failure.h"

/* Make an empty directory beside the output under a name of its own, which is told. */
bool directory_begin(char temporary[PATH_MAX], const char *output, struct failure *failure);

/* Bring it to the disk and give it the name of the output. */
bool directory_finish(const char *temporary, const char *output, struct failure *failure);

/* Remove it with all that is in it. */
void directory_discard(const char *temporary);

/* A JSON file in it; a value of NULL counts as memory that is short. */
bool directory_put_json(const char *folder, const char *name, const json_t *value,
                        struct failure *failure);

/* Copy the files of a checkpoint that are neither weights nor config.json: tokenizer, generation
 * settings, licence and the like. Folders in it are left out. */
bool directory_copy_rest(const char *folder, const char *source, struct failure *failure);

#endif
