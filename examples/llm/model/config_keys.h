/* SPDX-License-Identifier: MIT */
/* Keys of a config.json beside those that config.c reads: which mean nothing here, and which change
 * what the model computes. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_KEYS_H
#define EXAMPLES_LLM_MODEL_CONFIG_KEYS_H

#include "llm/model/config_reader.h"

/* Of the keys that nobody has asked for: refuse values that make the model compute something else
 * than forward.c does. Keys that nobody has heard of are added to `unknown`, separated by commas,
 * as far as they fit into its size: they are not used, as transformers does not use what the class
 * of the model does not name, but that is worth a warning. null and false switch nothing on and are
 * not listed. */
bool config_check_keys(const struct config_reader *reader, char *unknown, size_t size);

#endif
