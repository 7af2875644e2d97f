/* SPDX-License-Identifier: MIT */
/* What is said of a quantized layer, by quantize, info and report alike. */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include <jansson.h>

#include <watersic/watersic.h>

/* The facts of a layer as a JSON object. bytes is what counts as the layer's size: the
 * whole file where it is the file's only layer. */
json_t *facts_json(const char *name, const wsic_layer_info *info, uint64_t bytes);

/* The same for a person, a fact a line. */
void facts_print(const char *name, const wsic_layer_info *info, uint64_t bytes);

/* Least rate for the distortion of a layer. NAN where it was not computed. */
double facts_limit(const wsic_layer_info *info);

#endif
