/* SPDX-License-Identifier: MIT */
#include "llm/watersic/outputs_ends.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/atomic_file.h"

static const char entry_name[] = "entry", readout_name[] = "readout";

bool outputs_keep_entry(struct outputs *outputs, struct failure *failure)
{
    char path[PATH_MAX];

    if (outputs->directory[0] == '\0')
        return true;
    if (wsic_stats_save(outputs->entry, outputs_path(outputs, entry_name, 0, path)) < 0)
        return refuse(failure, "%s: %s", path, wsic_stats_message(outputs->entry));
    wsic_stats_destroy(outputs->entry);
    outputs->entry = NULL;
    return true;
}

bool outputs_find_entry(const struct outputs *outputs)
{
    char path[PATH_MAX];

    return outputs_path(outputs, entry_name, 0, path) && access(path, R_OK) == 0;
}

static bool load_entry(struct outputs *outputs, struct failure *failure)
{
    const size_t n = outputs->config->hidden;
    char path[PATH_MAX];

    if (outputs->entry)
        return true;
    if (wsic_stats_load(outputs->context, outputs_path(outputs, entry_name, 0, path),
                        &outputs->entry) < 0)
        return refuse(failure, "gradients of the embedding: %s (remove %s to collect them anew)",
                      wsic_context_message(outputs->context), outputs->directory);
    if (wsic_stats_columns(outputs->entry) == n)
        return true;
    return refuse(
        failure,
        "%s holds gradients of states of %zu numbers, but the model has %zu (remove %s to "
        "collect them anew)",
        path, wsic_stats_columns(outputs->entry), n, outputs->directory);
}

bool outputs_read_entry(struct outputs *outputs, double *moments, struct failure *failure)
{
    const size_t n = outputs->config->hidden;
    wsic_matrix view;

    if (!load_entry(outputs, failure))
        return false;
    wsic_matrix_init(&view, sizeof view, moments, WSIC_F64, n, n, 0);
    return wsic_stats_get_covariance(outputs->entry, &view) >= 0 ||
           refuse(failure, "gradients of the embedding: %s", wsic_stats_message(outputs->entry));
}

bool outputs_keep_readout(struct outputs *outputs, struct failure *failure)
{
    const size_t count = outputs->config->vocabulary;
    char path[PATH_MAX];

    if (!outputs_path(outputs, readout_name, 0, path))
        return true;
    json_t *const values = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(values, json_real(outputs->readout[i]));
    char *const text = json_dumps(values, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const bool ok =
        text ? atomic_file_put(path, text, strlen(text), failure)
             : refuse(failure, "out of memory for the probabilities of %zu tokens", count);
    free(text);
    json_decref(values);
    return ok;
}

static bool read_probabilities(const json_t *values, double *found, size_t count)
{
    if (!found || json_array_size(values) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *const value = json_array_get(values, i);
        found[i] = json_number_value(value);
        if (!json_is_number(value) || !(found[i] >= 0 && found[i] <= 1))
            return false;
    }
    return true;
}

bool outputs_find_readout(struct outputs *outputs)
{
    const size_t count = outputs->config->vocabulary;
    char path[PATH_MAX];

    if (!outputs_path(outputs, readout_name, 0, path))
        return false;
    json_t *const values = json_load_file(path, 0, NULL);
    double *const found = calloc(count, sizeof *found);
    const bool ok = read_probabilities(values, found, count);
    json_decref(values);
    if (!ok) {
        free(found);
        return false;
    }
    free(outputs->readout);
    outputs->readout = found;
    return true;
}
