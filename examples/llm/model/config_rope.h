/* SPDX-License-Identifier: MIT */
/* How a config.json says that positions are rotated: "rope_parameters" as transformers 5 writes it,
 * for all blocks or nested by how they see, "rope_theta" and "rope_scaling" as versions before did.
 */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_ROPE_H
#define EXAMPLES_LLM_MODEL_CONFIG_ROPE_H

#include "llm/model/config.h"
#include "llm/model/config_reader.h"

/* Needs the family, the length of heads, the positions and which blocks are local. Kinds of
 * rotation that rope.h does not list are refused, and so are old and new keys that contradict each
 * other. */
bool config_read_rope(struct config *config, const struct config_reader *reader);

#endif
