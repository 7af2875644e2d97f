/* SPDX-License-Identifier: MIT */
#include "llm/watersic/outputs.h"

#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/atomic_file.h"
#include "common/path.h"
#include "llm/model/fingerprint.h"

/* To be changed when other numbers come out for the same model and text. */
static const char method[] = "outputs 3";

bool outputs_create(struct outputs *outputs, wsic_context *context, const struct model *model,
                    const struct recipe *recipe, struct failure *failure)
{
    *outputs = (struct outputs){.context = context,
                                .mode = recipe->outputs,
                                .most_rows = recipe->outputs_rows,
                                .config = &model->config,
                                .layers = layers_count(&model->config)};
    outputs->of = calloc(outputs->layers, sizeof *outputs->of);
    for (size_t i = 0; outputs->of && i < outputs->layers; i++)
        outputs->of[i].rows = layers_at(&model->config, i).rows;
    return outputs->of ||
           refuse(failure, "out of memory for the outputs of %zu layers", outputs->layers);
}

static void forget(struct layer_outputs *layer)
{
    free(layer->diagonal);
    wsic_stats_destroy(layer->stats);
    *layer = (struct layer_outputs){.rows = layer->rows};
}

void outputs_free(struct outputs *outputs)
{
    for (size_t i = 0; outputs->of && i < outputs->layers; i++)
        forget(&outputs->of[i]);
    free(outputs->of);
    wsic_stats_destroy(outputs->entry);
    free(outputs->readout);
    *outputs = (struct outputs){.layers = 0};
}

bool outputs_are_full(const struct outputs *outputs, size_t rows)
{
    return outputs->mode != OUTPUTS_NONE && rows <= outputs->most_rows;
}

static bool make_directory(const char *path, struct failure *failure)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ||
           refuse(failure, "%s: %s", path, strerror(errno));
}

bool outputs_choose_directory(struct outputs *outputs, const char *parent,
                              const struct model *model, const struct tokens *tokens, size_t window,
                              struct failure *failure)
{
    uint64_t fingerprint = fingerprint_text(0, method);
    char digits[FINGERPRINT_SIZE];
    char longest[PATH_MAX];

    if (!parent)
        return true;
    fingerprint = fingerprint_model(fingerprint, model);
    fingerprint = fingerprint_tokens(fingerprint, tokens);
    fingerprint = fingerprint_number(fingerprint, (double)window);
    fingerprint = fingerprint_number(fingerprint, (double)outputs->mode);
    fingerprint = fingerprint_number(fingerprint, (double)outputs->most_rows);
    fingerprint_print(fingerprint, digits);
    if (!path_format(outputs->directory, failure, "%s/outputs-%s", parent, digits) ||
        !path_join(longest, outputs->directory, "a name as long as any of its files", failure))
        return false;
    return make_directory(parent, failure) && make_directory(outputs->directory, failure);
}

const char *outputs_path(const struct outputs *outputs, const char *name, size_t number,
                         char path[PATH_MAX])
{
    struct failure ignored; /* the directory was chosen so that its files have room */

    if (outputs->directory[0] == '\0' ||
        !path_format(path, &ignored, "%s/%s.%zu", outputs->directory, name, number))
        return NULL;
    return path;
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* --- files ------------------------------------------------------------------- */

static json_t *describe_diagonal(const struct layer_outputs *layer)
{
    json_t *const values = json_array();

    if (!layer->diagonal) {
        json_decref(values);
        return json_null();
    }
    for (size_t i = 0; i < layer->rows; i++)
        json_array_append_new(values, json_real(layer->diagonal[i]));
    return json_pack("{s:f, s:o}", "share", layer->share, "diagonal", values);
}

static bool write_diagonals(const struct outputs *outputs, size_t block, struct failure *failure)
{
    json_t *const root = json_array();
    const size_t first = layers_before(outputs->config, block);
    const size_t end = first + layers_of_block(outputs->config, block);
    char path[PATH_MAX];

    for (size_t i = first; i < end; i++)
        json_array_append_new(root, describe_diagonal(&outputs->of[i]));
    char *const text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const bool ok = text ? atomic_file_put(outputs_path(outputs, "diagonals", block, path), text,
                                           strlen(text), failure)
                         : refuse(failure, "out of memory for the diagonals of block %zu", block);
    free(text);
    json_decref(root);
    return ok;
}

static bool write_stats(struct outputs *outputs, size_t number, struct failure *failure)
{
    struct layer_outputs *const layer = &outputs->of[number];
    char path[PATH_MAX];

    if (!layer->stats)
        return true;
    if (wsic_stats_save(layer->stats, outputs_path(outputs, "layer", number, path)) < 0)
        return refuse(failure, "%s: %s", path, wsic_stats_message(layer->stats));
    wsic_stats_destroy(layer->stats);
    layer->stats = NULL;
    return true;
}

/* The diagonals come last: where they are, all of the block is there. */
bool outputs_keep(struct outputs *outputs, size_t block, struct failure *failure)
{
    const size_t first = layers_before(outputs->config, block);
    const size_t end = first + layers_of_block(outputs->config, block);

    for (size_t i = first; i < end; i++) {
        struct layer_outputs *const layer = &outputs->of[i];
        if (layer->diagonal)
            layer->mean = mean_of(layer->diagonal, layer->rows);
    }
    if (outputs->directory[0] == '\0')
        return true;
    for (size_t i = first; i < end; i++)
        if (!write_stats(outputs, i, failure))
            return false;
    return write_diagonals(outputs, block, failure);
}

static bool read_diagonal(struct layer_outputs *layer, const json_t *entry)
{
    const json_t *const values = json_object_get(entry, "diagonal");

    if (json_is_null(entry))
        return true;
    layer->share = json_number_value(json_object_get(entry, "share"));
    if (json_array_size(values) != layer->rows || !(layer->share > 0 && layer->share <= 1))
        return false;
    layer->diagonal = calloc(layer->rows, sizeof *layer->diagonal);
    for (size_t i = 0; layer->diagonal && i < layer->rows; i++) {
        layer->diagonal[i] = json_number_value(json_array_get(values, i));
        if (!(layer->diagonal[i] >= 0) || !isfinite(layer->diagonal[i]))
            return false;
    }
    layer->mean = layer->diagonal ? mean_of(layer->diagonal, layer->rows) : 0;
    return layer->diagonal != NULL;
}

static bool is_there(const struct outputs *outputs, size_t number)
{
    char path[PATH_MAX];
    struct stat facts;

    return !outputs->of[number].diagonal || !outputs_are_full(outputs, outputs->of[number].rows) ||
           stat(outputs_path(outputs, "layer", number, path), &facts) == 0;
}

bool outputs_find(struct outputs *outputs, size_t block)
{
    const size_t first = layers_before(outputs->config, block);
    const size_t layers = layers_of_block(outputs->config, block);
    char path[PATH_MAX];
    json_t *const root =
        outputs->directory[0] != '\0'
            ? json_load_file(outputs_path(outputs, "diagonals", block, path), 0, NULL)
            : NULL;
    bool ok = json_array_size(root) == layers;

    for (size_t i = 0; ok && i < layers; i++)
        ok = read_diagonal(&outputs->of[first + i], json_array_get(root, i)) &&
             is_there(outputs, first + i);
    for (size_t i = 0; !ok && i < layers; i++)
        forget(&outputs->of[first + i]);
    json_decref(root);
    return ok;
}

/* --- use ----------------------------------------------------------------------- */

bool outputs_borrow(struct outputs *outputs, size_t number, const char *name,
                    const wsic_stats **stats, struct failure *failure)
{
    struct layer_outputs *const layer = &outputs->of[number];
    char path[PATH_MAX];

    *stats = layer->stats;
    if (layer->stats || !layer->diagonal || !outputs_are_full(outputs, layer->rows))
        return true;
    if (wsic_stats_load(outputs->context, outputs_path(outputs, "layer", number, path),
                        &layer->stats) < 0)
        return refuse(failure, "%s: gradients of the outputs: %s (remove %s to collect them anew)",
                      name, wsic_context_message(outputs->context), outputs->directory);
    if (wsic_stats_columns(layer->stats) != layer->rows)
        return refuse(failure,
                      "%s: %s holds gradients of %zu outputs, but the layer has %zu (remove %s to "
                      "collect them anew)",
                      name, path, wsic_stats_columns(layer->stats), layer->rows,
                      outputs->directory);
    *stats = layer->stats;
    return true;
}

/* G over the tokens that the layer sees, as its statistics are. */
static bool tell_diagonal(const struct layer_outputs *layer, const char *name,
                          wsic_problem *problem, struct failure *failure)
{
    double *const own = malloc(layer->rows * sizeof *own);

    if (!own)
        return refuse(failure, "%s: out of memory", name);
    for (size_t i = 0; i < layer->rows; i++)
        own[i] = layer->diagonal[i] / layer->share;
    const wsic_status status = wsic_problem_set_output_diagonal(problem, own, layer->rows);
    free(own);
    return status >= 0 || refuse(failure, "%s: %s", name, wsic_problem_message(problem));
}

bool outputs_tell(struct outputs *outputs, size_t number, const char *name, wsic_problem *problem,
                  struct failure *failure)
{
    const struct layer_outputs *const layer = &outputs->of[number];
    const wsic_stats *stats;

    if (outputs->mode == OUTPUTS_NONE || !(layer->mean >= DBL_MIN))
        return true;
    if (!outputs_borrow(outputs, number, name, &stats, failure))
        return false;
    if (!stats)
        return tell_diagonal(layer, name, problem, failure);
    return wsic_problem_set_outputs(problem, stats) >= 0 ||
           refuse(failure, "%s: %s", name, wsic_problem_message(problem));
}

void outputs_give_back(struct outputs *outputs, size_t number)
{
    if (outputs->directory[0] == '\0')
        return;
    wsic_stats_destroy(outputs->of[number].stats);
    outputs->of[number].stats = NULL;
}

double outputs_sensitivity(const struct outputs *outputs, size_t number)
{
    return outputs->of[number].mean / (2 * log(2));
}

double outputs_sensitivity_in_plan(const struct outputs *outputs, size_t number)
{
    const struct layer_outputs *const layer = &outputs->of[number];

    if (!layer->diagonal || outputs->mode == OUTPUTS_NONE)
        return outputs_sensitivity(outputs, number);
    return layer->mean >= DBL_MIN ? layer->share / (2 * log(2)) : 0;
}

void outputs_sensitivities_in_plan(const struct outputs *outputs, double *sensitivities)
{
    for (size_t i = 0; i < outputs->layers; i++)
        sensitivities[i] = outputs_sensitivity_in_plan(outputs, i);
}
