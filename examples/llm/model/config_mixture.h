/* SPDX-License-Identifier: MIT */
/* Keys of config.json that tell of experts. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_MIXTURE_H
#define EXAMPLES_LLM_MODEL_CONFIG_MIXTURE_H

#include "llm/model/config.h"
#include "llm/model/config_reader.h"

/* Number and size of experts, how many are chosen, and which blocks have them. The sizes of the
 * model are read already. A family without experts has no such keys. */
bool config_read_mixture(struct config *config, const struct config_reader *reader);

#endif
