/* SPDX-License-Identifier: MIT */
/* Results as JSON and as text. */
#ifndef EXAMPLES_LLM_WATERSIC_REPORT_H
#define EXAMPLES_LLM_WATERSIC_REPORT_H

#include <jansson.h>

#include "common/failure.h"
#include "common/stages.h"
#include "llm/report/evaluate.h"
#include "llm/report/footprint.h"
#include "llm/report/pair.h"
#include "llm/run/pipeline.h"
#include "llm/run/recipe.h"
#include "llm/watersic/watersic_method.h"

/* Print a JSON value on standard output and release it. NULL (out of memory) is refused. */
bool report_json(json_t *root, struct failure *failure);

/* The column of a table of layers that has their names, beside so many other characters. */
void report_name(const char *name, size_t beside);

/* What was printed may still wait in a buffer: refuse if it cannot be written. */
bool report_flush(struct failure *failure);

enum { REPORT_FIGURE_SIZE = 24 };

/* The relative distortion of a layer, "-" where it is not known: the layer got other scales after
 * it was encoded (fine-tuning, rows of an embedding), or was not quantized. */
void report_distortion(const wsic_layer_info *info, char text[REPORT_FIGURE_SIZE]);

/* {"cross_entropy": ..., "perplexity": ..., "kl_bits": ..., "bits_per_weight": ...} */
json_t *report_evaluation(const struct evaluation *evaluation, double bits_per_weight);

/* {"cross_entropy": ..., "perplexity": ...} of the reference */
json_t *report_reference(const struct evaluation *evaluation);

/* {"whole_bits_per_weight": ..., "archive_bytes": ..., ...} */
json_t *report_footprint(const struct footprint *footprint);

/* [{"name": ..., "rate": ..., "output_error": ..., ...}, ...] for all linear layers */
json_t *report_errors(const struct layer_error *errors, const struct config *config);

/* {"drift": ..., "residual": ..., ...} */
json_t *report_recipe(const struct recipe *recipe);

/* {"embedding_rate": ..., "head_rate": ..., "statistics": ...}, rates only of what is quantized */
json_t *report_vocabulary(const struct vocabulary_rates *rates);

/* Warn on standard error of keys in the configuration that are not used. */
void report_unknown_keys(const struct config *config, const char *directory);

/* Warn on standard error of a layer that is stored as zeros (watersic_stores_zeros()). */
void report_zeros(const char *name);

/* Warn on standard error of a text that is too short: for a plan, or for layers to know what their
 * inputs are. */
void report_scarce_text(const struct config *config, const struct calibration *calibration);

/* {"reading": seconds, "forward": seconds, ...} */
json_t *report_stages(const struct stages *stages);

/* Print the same in one line. */
void report_print_stages(const struct stages *stages);

/* {"name": ..., "rows": ..., ...} */
json_t *report_layer(const struct layer_result *result);

#endif
