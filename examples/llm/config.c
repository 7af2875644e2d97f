/* SPDX-License-Identifier: MIT */
#include "llm/config.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const char *path;
    json_t *root;
    struct failure *failure;
};

/* Sizes are handed to BLAS, whose index is an int, as products of two of them at most. */
static const json_int_t max_size = 1 << 20;

static bool read_optional_size(const struct reader *reader, const char *key, size_t *value)
{
    const json_t *const entry = json_object_get(reader->root, key);

    if (!entry || json_is_null(entry))
        return true;
    if (!json_is_integer(entry))
        return refuse(reader->failure, "%s: \"%s\" is not an integer", reader->path, key);
    const json_int_t number = json_integer_value(entry);
    if (number < 1 || number > max_size)
        return refuse(reader->failure, "%s: \"%s\" is %lld, not between 1 and %lld", reader->path,
                      key, (long long)number, (long long)max_size);
    *value = (size_t)number;
    return true;
}

static bool read_size(const struct reader *reader, const char *key, size_t *value)
{
    const json_t *const entry = json_object_get(reader->root, key);

    if (!entry || json_is_null(entry))
        return refuse(reader->failure, "%s: \"%s\" is missing", reader->path, key);
    return read_optional_size(reader, key, value);
}

static bool read_positive(const struct reader *reader, const char *key, double *value)
{
    const json_t *const entry = json_object_get(reader->root, key);

    if (!entry || json_is_null(entry))
        return true;
    if (!json_is_number(entry) || !(json_number_value(entry) > 0))
        return refuse(reader->failure, "%s: \"%s\" is not a positive number", reader->path, key);
    *value = json_number_value(entry);
    return true;
}

static bool read_flag(const struct reader *reader, const char *key, bool *value)
{
    const json_t *const entry = json_object_get(reader->root, key);

    if (!entry || json_is_null(entry))
        return true;
    if (!json_is_boolean(entry))
        return refuse(reader->failure, "%s: \"%s\" is neither true nor false", reader->path, key);
    *value = json_is_true(entry);
    return true;
}

static bool expect_name(const struct reader *reader, const char *key, const json_t *entry,
                        const char *expected)
{
    const char *const name = json_string_value(entry);

    if (!name)
        return refuse(reader->failure, "%s: \"%s\" is missing or not a name", reader->path, key);
    if (strcmp(name, expected) != 0)
        return refuse(reader->failure, "%s: \"%s\" is \"%s\"; only \"%s\" is supported",
                      reader->path, key, name, expected);
    return true;
}

/* Things that change what the model computes and that forward.c does not do. */
static bool refuse_features(const struct reader *reader)
{
    static const char *const absent[] = {"rope_parameters", "quantization_config"};
    static const char *const off[] = {"attention_bias", "mlp_bias", "use_sliding_window"};

    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        const json_t *const entry = json_object_get(reader->root, absent[i]);
        if (entry && !json_is_null(entry))
            return refuse(reader->failure, "%s: \"%s\" is set; only null is supported",
                          reader->path, absent[i]);
    }
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        bool on = false;
        if (!read_flag(reader, off[i], &on))
            return false;
        if (on)
            return refuse(reader->failure, "%s: \"%s\" is true; only false is supported",
                          reader->path, off[i]);
    }
    return true;
}

static bool check_layer_types(const struct reader *reader)
{
    const json_t *const types = json_object_get(reader->root, "layer_types");

    if (types && !json_is_null(types) && !json_is_array(types))
        return refuse(reader->failure, "%s: \"layer_types\" is not a list", reader->path);
    for (size_t i = 0; i < json_array_size(types); i++)
        if (!expect_name(reader, "layer_types", json_array_get(types, i), "full_attention"))
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

static const struct architecture *find_architecture(const struct reader *reader)
{
    const json_t *const names = json_object_get(reader->root, "architectures");
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

static bool check_architecture(struct config *config, const struct reader *reader)
{
    const struct architecture *const architecture = find_architecture(reader);

    if (!architecture)
        return false;
    config->architecture = architecture->name;
    config->head_norms = architecture->head_norms;
    return expect_name(reader, "model_type", json_object_get(reader->root, "model_type"),
                       architecture->type) &&
           expect_name(reader, "hidden_act", json_object_get(reader->root, "hidden_act"), "silu") &&
           refuse_features(reader) && check_layer_types(reader);
}

static bool require_positive(const struct reader *reader, const char *key, double *value)
{
    *value = 0;
    if (!read_positive(reader, key, value))
        return false;
    return *value > 0 || refuse(reader->failure, "%s: \"%s\" is missing", reader->path, key);
}

static bool read_scaling(struct rope_scaling *scaling, const struct reader *reader)
{
    const json_t *const entry = json_object_get(reader->root, "rope_scaling");

    *scaling = (struct rope_scaling){.on = false};
    if (!entry || json_is_null(entry))
        return true;
    if (!json_is_object(entry))
        return refuse(reader->failure, "%s: \"rope_scaling\" is not an object", reader->path);

    const struct reader inner = {
        .path = reader->path, .root = (json_t *)entry, .failure = reader->failure};
    /* Older files call it "type". */
    const char *const key = json_object_get(entry, "rope_type") ? "rope_type" : "type";
    if (!expect_name(&inner, key, json_object_get(entry, key), "llama3") ||
        !require_positive(&inner, "factor", &scaling->factor) ||
        !require_positive(&inner, "low_freq_factor", &scaling->low) ||
        !require_positive(&inner, "high_freq_factor", &scaling->high) ||
        !read_size(&inner, "original_max_position_embeddings", &scaling->original))
        return false;
    if (!(scaling->high > scaling->low))
        return refuse(reader->failure,
                      "%s: \"high_freq_factor\" is %g, not above \"low_freq_factor\", %g",
                      reader->path, scaling->high, scaling->low);
    scaling->on = true;
    return true;
}

static bool check_heads(const struct reader *reader, const struct config *config)
{
    if (config->heads % config->kv_heads != 0)
        return refuse(reader->failure,
                      "%s: \"num_key_value_heads\" is %zu, which does not divide %zu heads",
                      reader->path, config->kv_heads, config->heads);
    if (config->head_dim % 2 != 0 || config->head_dim == 0)
        return refuse(reader->failure, "%s: \"head_dim\" is %zu, which is not even", reader->path,
                      config->head_dim);
    if (config->heads * config->head_dim > (size_t)max_size)
        return refuse(reader->failure, "%s: \"head_dim\" is %zu, too large for %zu heads",
                      reader->path, config->head_dim, config->heads);
    return true;
}

/* What a Llama's file leaves out has the value that transformers gives it. Qwen3's defaults are
 * those of one model and fit no other. */
static bool read_heads(struct config *config, const struct reader *reader)
{
    config->kv_heads = config->heads;
    config->head_dim = config->hidden / config->heads;
    if (config->head_norms)
        return read_size(reader, "num_key_value_heads", &config->kv_heads) &&
               read_size(reader, "head_dim", &config->head_dim) && check_heads(reader, config);
    return read_optional_size(reader, "num_key_value_heads", &config->kv_heads) &&
           read_optional_size(reader, "head_dim", &config->head_dim) && check_heads(reader, config);
}

static bool read_config(struct config *config, const struct reader *reader)
{
    if (!check_architecture(config, reader) || !read_size(reader, "hidden_size", &config->hidden) ||
        !read_size(reader, "intermediate_size", &config->intermediate) ||
        !read_size(reader, "num_hidden_layers", &config->blocks) ||
        !read_size(reader, "num_attention_heads", &config->heads) ||
        !read_size(reader, "vocab_size", &config->vocabulary) ||
        !read_size(reader, "max_position_embeddings", &config->positions) ||
        !read_heads(config, reader))
        return false;

    /* What is left out has the value that transformers gives it. */
    config->rope_theta = 10000;
    config->norm_epsilon = 1e-6;
    config->tied = false;
    return read_positive(reader, "rope_theta", &config->rope_theta) &&
           read_positive(reader, "rms_norm_eps", &config->norm_epsilon) &&
           read_flag(reader, "tie_word_embeddings", &config->tied) &&
           read_scaling(&config->rope_scaling, reader);
}

bool config_load(struct config *config, const char *directory, struct failure *failure)
{
    char path[PATH_MAX];
    json_error_t error;

    if ((size_t)snprintf(path, sizeof path, "%s/config.json", directory) >= sizeof path)
        return refuse(failure, "%s: the name is too long", directory);
    struct reader reader = {.path = path, .failure = failure};
    reader.root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!reader.root && error.line > 0)
        return refuse(failure, "%s: line %d: %s", path, error.line, error.text);
    if (!reader.root)
        return refuse(failure, "%s", error.text);
    const bool ok = json_is_object(reader.root) ? read_config(config, &reader)
                                                : refuse(failure, "%s: not a JSON object", path);
    json_decref(reader.root);
    return ok;
}
