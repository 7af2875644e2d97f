/* SPDX-License-Identifier: MIT */
/* Which blocks are local, and how far they see: "layer_types", "sliding_window" and the keys of
 * single families. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_SIGHT_H
#define EXAMPLES_LLM_MODEL_CONFIG_SIGHT_H

#include "llm/model/config.h"
#include "llm/model/config_reader.h"

/* Needs the family and the number of blocks. */
bool config_read_sight(struct config *config, const struct config_reader *reader);

/* As "layer_types" and nested "rope_parameters" call it. */
const char *config_sight_name(enum block_sight sight);

#endif
