/* SPDX-License-Identifier: MIT */
#include "llm/model/config.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "llm/model/config_keys.h"
#include "llm/model/config_reader.h"
#include "llm/model/config_rope.h"

static bool read_size(const struct config_reader *reader, const char *key, size_t *value)
{
    return config_read_size(reader, key, CONFIG_MAX_SIZE, value);
}

static bool require_size(const struct config_reader *reader, const char *key, size_t *value)
{
    return config_require_size(reader, key, CONFIG_MAX_SIZE, value);
}

static bool check_layer_types(const struct config_reader *reader)
{
    const json_t *const types = json_object_get(reader->object, "layer_types");

    if (types && !json_is_null(types) && !json_is_array(types))
        return refuse(reader->failure, "%s: \"layer_types\" is not a list", reader->path);
    for (size_t i = 0; i < json_array_size(types); i++)
        if (!config_expect_name(reader, "layer_types", json_array_get(types, i), "full_attention"))
            return false;
    return true;
}

struct architecture {
    const char *name;
    const char *type;
    bool head_norms;
};

static const struct architecture architectures[] = {
    {"LlamaForCausalLM", "llama", false},
    {"Qwen3ForCausalLM", "qwen3", true},
};

static const struct architecture *find_architecture(const struct config_reader *reader)
{
    const json_t *const names = json_object_get(reader->object, "architectures");
    const char *const name = json_string_value(json_array_get(names, 0));

    if (json_array_size(names) != 1 || !name) {
        refuse(reader->failure, "%s: \"architectures\" is not a list of one name", reader->path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++)
        if (strcmp(name, architectures[i].name) == 0)
            return &architectures[i];
    refuse(reader->failure, "%s: \"architectures\" is \"%s\"; only \"%s\" and \"%s\" are supported",
           reader->path, name, architectures[0].name, architectures[1].name);
    return NULL;
}

static bool check_architecture(struct config *config, const struct config_reader *reader)
{
    const struct architecture *const architecture = find_architecture(reader);

    if (!architecture)
        return false;
    config->architecture = architecture->name;
    config->head_norms = architecture->head_norms;
    return config_expect_name(reader, "model_type", json_object_get(reader->object, "model_type"),
                              architecture->type) &&
           config_expect_name(reader, "hidden_act", json_object_get(reader->object, "hidden_act"),
                              "silu") &&
           config_check_keys(reader, config->unknown_keys, sizeof config->unknown_keys) &&
           check_layer_types(reader);
}

static bool check_heads(const struct config_reader *reader, const struct config *config)
{
    if (config->heads % config->kv_heads != 0)
        return refuse(reader->failure,
                      "%s: \"num_key_value_heads\" is %zu, which does not divide %zu heads",
                      reader->path, config->kv_heads, config->heads);
    if (config->head_dim % 2 != 0 || config->head_dim == 0)
        return refuse(reader->failure, "%s: \"head_dim\" is %zu, which is not even", reader->path,
                      config->head_dim);
    if (config->heads * config->head_dim > CONFIG_MAX_SIZE)
        return refuse(reader->failure, "%s: \"head_dim\" is %zu, too large for %zu heads",
                      reader->path, config->head_dim, config->heads);
    return true;
}

/* What a Llama's file leaves out has the value that transformers gives it. Qwen3's defaults are
 * those of one model and fit no other. */
static bool read_heads(struct config *config, const struct config_reader *reader)
{
    config->kv_heads = config->heads;
    config->head_dim = config->hidden / config->heads;
    if (config->head_norms)
        return require_size(reader, "num_key_value_heads", &config->kv_heads) &&
               require_size(reader, "head_dim", &config->head_dim) && check_heads(reader, config);
    return read_size(reader, "num_key_value_heads", &config->kv_heads) &&
           read_size(reader, "head_dim", &config->head_dim) && check_heads(reader, config);
}

static bool read_config(struct config *config, const struct config_reader *reader)
{
    if (!check_architecture(config, reader) ||
        !require_size(reader, "hidden_size", &config->hidden) ||
        !require_size(reader, "intermediate_size", &config->intermediate) ||
        !require_size(reader, "num_hidden_layers", &config->blocks) ||
        !require_size(reader, "num_attention_heads", &config->heads) ||
        !require_size(reader, "vocab_size", &config->vocabulary) ||
        !config_require_size(reader, "max_position_embeddings", CONFIG_MAX_POSITIONS,
                             &config->positions) ||
        !read_heads(config, reader))
        return false;

    /* What is left out has the value that transformers gives it. */
    config->norm_epsilon = 1e-6;
    config->tied = false;
    return config_read_rope(config, reader) &&
           config_read_positive(reader, "rms_norm_eps", &config->norm_epsilon) &&
           config_read_flag(reader, "tie_word_embeddings", &config->tied);
}

bool config_load(struct config *config, const char *directory, struct failure *failure)
{
    char path[PATH_MAX];
    json_error_t error;

    if ((size_t)snprintf(path, sizeof path, "%s/config.json", directory) >= sizeof path)
        return refuse(failure, "%s: the name is too long", directory);
    json_t *const root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    const struct config_reader reader = {.path = path, .object = root, .failure = failure};
    if (!root && error.line > 0)
        return refuse(failure, "%s: line %d: %s", path, error.line, error.text);
    if (!root)
        return refuse(failure, "%s", error.text);
    const bool ok = json_is_object(root) ? read_config(config, &reader)
                                         : refuse(failure, "%s: not a JSON object", path);
    json_decref(root);
    return ok;
}
