/* SPDX-License-Identifier: MIT */
/* What "quantization_config" in a config.json says of numbers that are stored in fewer bits. */
#ifndef EXAMPLES_LLM_MODEL_CONFIG_QUANTIZATION_H
#define EXAMPLES_LLM_MODEL_CONFIG_QUANTIZATION_H

#include "llm/model/config_reader.h"

/* Rows and columns of FP8 that share a scale (stored.h), left as they are where nothing is said.
 * Methods other than "fp8" with such blocks and "mxfp4" are refused. */
bool config_read_quantization(const struct config_reader *reader, size_t block[2]);

#endif
