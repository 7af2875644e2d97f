/* SPDX-License-Identifier: MIT */
#include "llm/model/checkpoint.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/path.h"
#include "common/text_end.h"
#include "llm/model/coded.h"
#include "llm/model/json_file.h"

struct shard {
    const char *name; /* in the index; NULL where there is none */
    struct safetensors *file;
    bool *used; /* which of its tensors were taken */
};

struct checkpoint {
    char *directory;
    char path[PATH_MAX]; /* of the index, or of the only file */
    json_t *index;       /* NULL where there is none */
    struct shard *shards;
    size_t count;
};

static bool open_shard(struct checkpoint *checkpoint, const char *path, const char *name,
                       struct failure *failure)
{
    struct shard *const shard = &checkpoint->shards[checkpoint->count];

    if (!safetensors_open(&shard->file, path, failure))
        return false;
    shard->name = name;
    checkpoint->count++;
    shard->used = calloc(safetensors_count(shard->file) + 1, sizeof *shard->used);
    return shard->used || refuse(failure, "%s: out of memory", path);
}

static struct shard *find_shard(const struct checkpoint *checkpoint, const char *name)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        if (strcmp(checkpoint->shards[i].name, name) == 0)
            return &checkpoint->shards[i];
    return NULL;
}

/* Open the shard that the index names for a tensor, unless it is open, and look the tensor up. */
static bool check_entry(struct checkpoint *checkpoint, const char *tensor, const json_t *entry,
                        struct failure *failure)
{
    const char *const name = json_string_value(entry);
    char path[PATH_MAX];

    /* Shards lie beside the index; a name that leads elsewhere is not for us to follow. */
    if (!name || *name == '\0' || strchr(name, '/'))
        return refuse(failure, "%s: tensor \"%s\": its place is not the name of a file",
                      checkpoint->path, tensor);
    if (!find_shard(checkpoint, name) && (!path_join(path, checkpoint->directory, name, failure) ||
                                          !open_shard(checkpoint, path, name, failure)))
        return false;
    if (!safetensors_find(find_shard(checkpoint, name)->file, tensor))
        return refuse(failure, "%s: tensor \"%s\" is not in %s", checkpoint->path, tensor, name);
    return true;
}

/* A tensor that two shards hold would leave open which of them is meant. */
static bool check_named(const struct checkpoint *checkpoint, const json_t *map,
                        struct failure *failure)
{
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct shard *const shard = &checkpoint->shards[i];
        for (size_t j = 0; j < safetensors_count(shard->file); j++) {
            const struct tensor *const tensor = safetensors_at(shard->file, j);
            const char *const place = json_string_value(json_object_get(map, tensor->name));
            if (!place || strcmp(place, shard->name) != 0)
                return refuse(failure, "%s: tensor \"%s\" of %s is not named there",
                              checkpoint->path, tensor->name, shard->name);
        }
    }
    return true;
}

static bool open_shards(struct checkpoint *checkpoint, struct failure *failure)
{
    json_t *const map = json_object_get(checkpoint->index, "weight_map");
    const char *name;
    json_t *entry;

    if (!json_is_object(map) || json_object_size(map) == 0)
        return refuse(failure, "%s: \"weight_map\" is missing or not an object", checkpoint->path);
    checkpoint->shards = calloc(json_object_size(map), sizeof *checkpoint->shards);
    if (!checkpoint->shards)
        return refuse(failure, "%s: out of memory", checkpoint->path);
    json_object_foreach(map, name, entry)
    {
        if (!check_entry(checkpoint, name, entry, failure))
            return false;
    }
    return check_named(checkpoint, map, failure);
}

static bool open_index(struct checkpoint *checkpoint, struct failure *failure)
{
    checkpoint->index = json_file_load(checkpoint->path, JSON_REJECT_DUPLICATES, failure);
    return checkpoint->index && open_shards(checkpoint, failure);
}

static bool open_single(struct checkpoint *checkpoint, struct failure *failure)
{
    checkpoint->shards = calloc(1, sizeof *checkpoint->shards);
    if (!checkpoint->shards)
        return refuse(failure, "%s: out of memory", checkpoint->path);
    return open_shard(checkpoint, checkpoint->path, NULL, failure);
}

/* Where both are there the single file counts, as in transformers. Where neither is, the message
 * is about the single file. */
static bool open_files(struct checkpoint *checkpoint, struct failure *failure)
{
    char path[PATH_MAX];

    if (!path_join(checkpoint->path, checkpoint->directory, "model.safetensors", failure) ||
        !path_join(path, checkpoint->directory, "model.safetensors.index.json", failure))
        return false;
    if (access(checkpoint->path, F_OK) == 0 || access(path, F_OK) != 0)
        return open_single(checkpoint, failure);
    memcpy(checkpoint->path, path, sizeof path);
    return open_index(checkpoint, failure);
}

bool checkpoint_open(struct checkpoint **out, const char *directory, struct failure *failure)
{
    struct checkpoint *const checkpoint = calloc(1, sizeof *checkpoint);

    *out = NULL;
    if (!checkpoint || !(checkpoint->directory = strdup(directory))) {
        free(checkpoint);
        return refuse(failure, "%s: out of memory", directory);
    }
    if (!open_files(checkpoint, failure)) {
        checkpoint_close(checkpoint);
        return false;
    }
    *out = checkpoint;
    return true;
}

void checkpoint_close(struct checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t i = 0; i < checkpoint->count; i++) {
        safetensors_close(checkpoint->shards[i].file);
        free(checkpoint->shards[i].used);
    }
    free(checkpoint->shards);
    json_decref(checkpoint->index);
    free(checkpoint->directory);
    free(checkpoint);
}

const char *checkpoint_file(const struct checkpoint *checkpoint, size_t index)
{
    if (checkpoint->index && index-- == 0)
        return checkpoint->path;
    return index < checkpoint->count ? safetensors_path(checkpoint->shards[index].file) : NULL;
}

static struct shard *shard_of(const struct checkpoint *checkpoint, const char *tensor)
{
    if (!checkpoint->index)
        return &checkpoint->shards[0];
    const json_t *const map = json_object_get(checkpoint->index, "weight_map");
    const char *const name = json_string_value(json_object_get(map, tensor));
    return name ? find_shard(checkpoint, name) : NULL;
}

const struct tensor *checkpoint_find(const struct checkpoint *checkpoint, const char *name)
{
    const struct shard *const shard = shard_of(checkpoint, name);

    return shard ? safetensors_find(shard->file, name) : NULL;
}

const struct tensor *checkpoint_take(struct checkpoint *checkpoint, const char *name,
                                     struct failure *failure)
{
    struct shard *const shard = shard_of(checkpoint, name);
    const struct tensor *const tensor = checkpoint_find(checkpoint, name);

    if (!tensor) {
        refuse(failure, "%s: tensor \"%s\" is missing", checkpoint->path, name);
        return NULL;
    }
    shard->used[tensor - safetensors_at(shard->file, 0)] = true;
    return tensor;
}

const char *checkpoint_metadata(const struct checkpoint *checkpoint, const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; !value && i < checkpoint->count; i++)
        value = safetensors_metadata(checkpoint->shards[i].file, key);
    return value;
}

/* A context of its own: what is coded is read seldom, and by programs that need no other. */
static bool read_coded(const struct tensor *tensor, size_t first, size_t count, float *out,
                       struct failure *failure)
{
    wsic_context *context;

    if (wsic_context_create(NULL, &context) < 0)
        return refuse(failure, "%s: out of memory", tensor->file);
    const bool ok = (wsic_context_set_threads(context, 0) >= 0 ||
                     refuse(failure, "%s: %s", tensor->file, wsic_context_message(context))) &&
                    coded_read_f32(tensor, context, first, count, out, failure);
    wsic_context_destroy(context);
    return ok;
}

bool checkpoint_read_f32(const struct tensor *tensor, float *out, struct failure *failure)
{
    const size_t columns = tensor->dimensions > 0 ? tensor->shape[tensor->dimensions - 1] : 1;

    return tensor->coded_type ? read_coded(tensor, 0, tensor->count / columns, out, failure)
                              : tensor_read_f32(tensor, out, failure);
}

bool checkpoint_read_rows_f32(const struct tensor *tensor, size_t first, size_t count, float *out,
                              struct failure *failure)
{
    const size_t columns = tensor->shape[tensor->dimensions - 1];

    return tensor->coded_type
               ? read_coded(tensor, first, count, out, failure)
               : tensor_read_part_f32(tensor, first * columns, count * columns, out, failure);
}

size_t checkpoint_count(const struct checkpoint *checkpoint)
{
    size_t count = 0;

    for (size_t i = 0; i < checkpoint->count; i++)
        count += safetensors_count(checkpoint->shards[i].file);
    return count;
}

void checkpoint_each(const struct checkpoint *checkpoint,
                     void (*visit)(void *data, const struct tensor *tensor), void *data)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        for (size_t j = 0; j < safetensors_count(checkpoint->shards[i].file); j++)
            visit(data, safetensors_at(checkpoint->shards[i].file, j));
}

void checkpoint_each_taken(const struct checkpoint *checkpoint,
                           void (*visit)(void *data, const struct tensor *tensor), void *data)
{
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct shard *const shard = &checkpoint->shards[i];
        for (size_t j = 0; j < safetensors_count(shard->file); j++)
            if (shard->used[j])
                visit(data, safetensors_at(shard->file, j));
    }
}

static bool is_idle(const char *name, const char *prefix)
{
    const size_t length = prefix ? strlen(prefix) : 0;

    if (length > 0 && strncmp(name, prefix, length) != 0)
        return true;
    return text_ends_with(name, ".rotary_emb.inv_freq") ||
           strcmp(name + length, "lm_head.weight") == 0;
}

static bool refuse_rest_of(const struct shard *shard, const char *architecture, const char *prefix,
                           struct failure *failure)
{
    for (size_t i = 0; i < safetensors_count(shard->file); i++) {
        const struct tensor *const tensor = safetensors_at(shard->file, i);
        if (!shard->used[i] && !is_idle(tensor->name, prefix))
            return refuse(failure, "%s: tensor \"%s\" is no part of a %s", tensor->file,
                          tensor->name, architecture);
    }
    return true;
}

bool checkpoint_refuse_rest(const struct checkpoint *checkpoint, const char *architecture,
                            const char *prefix, struct failure *failure)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        if (!refuse_rest_of(&checkpoint->shards[i], architecture, prefix, failure))
            return false;
    return true;
}
