/* SPDX-License-Identifier: MIT */
/* How an object of a config.json says that rotations are stretched. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_ROPE_KIND_H
#define EXAMPLES_LLM_MODEL_CONFIG_ROPE_KIND_H

#include "llm/model/config_reader.h"
#include "llm/model/rope.h"

/* What is said outside of the object. */
struct rope_facts {
    size_t positions;
    size_t original; /* 0: nothing is said */
};

/* Fill in all but theta; how many numbers turn must be there. The kind may be left out where it is
 * not required. */
bool config_read_rope_kind(const struct config_reader *reader, const struct rope_facts *facts,
                           bool required, struct rope *rope);

/* Refuse keys of the object of that name that were not asked for: whatever stands there is about
 * rotations. */
bool config_check_rope_keys(const struct config_reader *reader, const char *object);

#endif
