/* SPDX-License-Identifier: MIT */
/* Sensitivities kept from one run to the next. A file that is damaged, or that was written for
 * another model or text, counts as none. */
#ifndef EXAMPLES_LLM_WATERSIC_SENSITIVITY_FILE_H
#define EXAMPLES_LLM_WATERSIC_SENSITIVITY_FILE_H

#include <limits.h>

#include "llm/model/fingerprint.h"

#define SENSITIVITY_FILE_NAME "sensitivities.json"

struct sensitivity_file {
    char path[PATH_MAX]; /* empty: there is none */
    char fingerprint[FINGERPRINT_SIZE];
};

/* The file in a directory, which is created unless it is there (NULL: no file), for what
 * sensitivities depend on. */
bool sensitivity_file_name(struct sensitivity_file *file, const char *directory,
                           const struct model *model, const struct tokens *tokens, size_t window,
                           double rate, struct failure *failure);

/* false if they have to be measured. */
bool sensitivity_file_read(const struct sensitivity_file *file, double *values, size_t count);

bool sensitivity_file_write(const struct sensitivity_file *file, const double *values, size_t count,
                            struct failure *failure);

#endif
