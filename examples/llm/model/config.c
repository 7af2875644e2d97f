/* SPDX-License-Identifier: MIT */
#include "llm/model/config.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/path.h"
#include "llm/model/config_keys.h"
#include "llm/model/config_mixture.h"
#include "llm/model/config_quantization.h"
#include "llm/model/config_reader.h"
#include "llm/model/config_rope.h"
#include "llm/model/config_sight.h"
#include "llm/model/json_file.h"
#include "llm/model/stored.h"

static bool require_size(const struct config_reader *reader, const char *key, size_t *value)
{
    return config_require_size(reader, key, CONFIG_MAX_SIZE, value);
}

/* --- the family ------------------------------------------------------------ */

static bool refuse_architecture(const struct config_reader *reader, const char *name)
{
    char known[400] = "";

    for (size_t i = 0; family_at(i); i++) {
        const size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i > 0 ? ", " : "",
                 family_at(i)->architecture);
    }
    return refuse(reader->failure,
                  "%s: \"architectures\" is \"%s\"; supported are %s (quantize --tensors "
                  "takes matrices of any other)",
                  reader->path, name, known);
}

static bool find_family(const struct config_reader *reader, const struct family **family)
{
    const json_t *const names = config_member(reader, "architectures");
    const char *const name = json_string_value(json_array_get(names, 0));

    if (json_array_size(names) != 1 || !name)
        return refuse(reader->failure, "%s: \"architectures\" is not a list of one name",
                      reader->path);
    *family = family_find(name);
    return *family || refuse_architecture(reader, name);
}

/* One of its keys must be there; some files have both. */
static bool check_activation(const struct family *family, const struct config_reader *reader)
{
    bool found = false;

    for (size_t i = 0; i < 2 && family->activation_keys[i]; i++) {
        const json_t *const value = config_member(reader, family->activation_keys[i]);
        if (value &&
            !config_expect_name(reader, family->activation_keys[i], value, family->activation_name))
            return false;
        found = found || value;
    }
    /* Those of Gemma 3 leave it out. */
    return found || family->defaults.hidden > 0 ||
           config_expect_name(reader, family->activation_keys[0], NULL, family->activation_name);
}

/* --- sizes ----------------------------------------------------------------- */

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

static bool read_heads(struct config *config, const struct config_reader *reader)
{
    const struct family_defaults *const usual = &config->family->defaults;

    config->kv_heads = usual->kv_heads == FAMILY_DERIVED ? config->heads : usual->kv_heads;
    config->head_dim =
        usual->head_dim == FAMILY_DERIVED ? config->hidden / config->heads : usual->head_dim;
    return require_size(reader, "num_key_value_heads", &config->kv_heads) &&
           require_size(reader, "head_dim", &config->head_dim) && check_heads(reader, config);
}

static bool read_sizes(struct config *config, const struct config_reader *reader)
{
    const struct family_defaults *const usual = &config->family->defaults;

    config->hidden = usual->hidden;
    config->intermediate = usual->intermediate;
    config->blocks = usual->blocks;
    config->heads = usual->heads;
    config->vocabulary = usual->vocabulary;
    config->positions = usual->positions;
    return require_size(reader, "hidden_size", &config->hidden) &&
           require_size(reader, "intermediate_size", &config->intermediate) &&
           config_require_size(reader, "num_hidden_layers", CONFIG_MAX_BLOCKS, &config->blocks) &&
           require_size(reader, "num_attention_heads", &config->heads) &&
           require_size(reader, "vocab_size", &config->vocabulary) &&
           config_require_size(reader, "max_position_embeddings", CONFIG_MAX_POSITIONS,
                               &config->positions) &&
           read_heads(config, reader);
}

/* --- the rest -------------------------------------------------------------- */

static bool read_biases(struct config *config, const struct config_reader *reader)
{
    config->query_bias = config->family->query_bias;
    if (!config->family->bias_keys)
        return true;
    if (!config_read_flag(reader, "attention_bias", &config->query_bias) ||
        (!config->family->mixture && !config_read_flag(reader, "mlp_bias", &config->ffn_bias)))
        return false;
    config->output_bias = config->query_bias;
    return true;
}

/* null switches a cap off. */
static bool read_cap(const struct config_reader *reader, const char *key, double usual, double *cap)
{
    *cap = json_object_get(reader->object, key) ? 0 : usual;
    return config_read_positive(reader, key, cap);
}

static bool read_scores(struct config *config, const struct config_reader *reader)
{
    const struct family *const family = config->family;
    double scalar = family->defaults.score_scalar > 0 ? family->defaults.score_scalar
                                                      : (double)config->head_dim;

    if (family->defaults.score_scalar > 0 &&
        !config_read_positive(reader, "query_pre_attn_scalar", &scalar))
        return false;
    config->score_factor = 1 / sqrt(scalar);
    return !family->caps || (read_cap(reader, "attn_logit_softcapping", family->defaults.score_cap,
                                      &config->score_cap) &&
                             read_cap(reader, "final_logit_softcapping", family->defaults.logit_cap,
                                      &config->logit_cap));
}

static bool read_members(struct config *config, const struct config_reader *reader)
{
    const struct family *const family = config->family;
    const char *const type = family->inner_type ? family->inner_type : family->type;

    config->head_norms = family->head_norms;
    config->activation = family->activation;
    config->norm_epsilon = family->defaults.epsilon;
    return config_expect_name(reader, "model_type", config_member(reader, "model_type"), type) &&
           check_activation(family, reader) && read_sizes(config, reader) &&
           config_read_mixture(config, reader) && read_biases(config, reader) &&
           read_scores(config, reader) && config_read_sight(config, reader) &&
           config_read_rope(config, reader) &&
           config_read_positive(reader, "rms_norm_eps", &config->norm_epsilon) &&
           config_read_quantization(reader, config->scale_block) &&
           config_read_flag(reader, "tie_word_embeddings", &config->tied) &&
           config_check_keys(reader, config->unknown_keys, sizeof config->unknown_keys);
}

/* The part of a larger model that computes text. What the larger one says of itself is checked as
 * well. */
static bool read_inner(struct config *config, const struct config_reader *outer)
{
    const json_t *const object = config_member(outer, "text_config");
    struct config_reader inner;

    if (!json_is_object(object))
        return refuse(outer->failure, "%s: \"text_config\" is missing or not an object",
                      outer->path);
    if (!config_expect_name(outer, "model_type", config_member(outer, "model_type"),
                            config->family->type) ||
        !config_read_flag(outer, "tie_word_embeddings", &config->tied) ||
        !config_read_quantization(outer, config->scale_block) ||
        !config_reader_begin(&inner, outer->path, object, outer->failure))
        return false;
    /* Written into the inner one by some versions. */
    config_member(&inner, "architectures");
    const bool ok = read_members(config, &inner);
    config_reader_end(&inner);
    return ok && config_check_keys(outer, config->unknown_keys, sizeof config->unknown_keys);
}

static bool read_config(void *result, const struct config_reader *reader)
{
    struct config *const config = result;

    *config = (struct config){.scale_block = {STORED_FP8_BLOCK, STORED_FP8_BLOCK}};
    if (!find_family(reader, &config->family))
        return false;
    config->architecture = config->family->architecture;
    config->tied = config->family->defaults.tied;
    return config->family->inner_type ? read_inner(config, reader) : read_members(config, reader);
}

/* What is read of the root of a file. */
typedef bool root_reader(void *result, const struct config_reader *reader);

static bool read_root(const char *path, const json_t *root, root_reader *read, void *result,
                      struct failure *failure)
{
    struct config_reader reader;

    if (!json_is_object(root))
        return refuse(failure, "%s: not a JSON object", path);
    if (!config_reader_begin(&reader, path, root, failure))
        return false;
    const bool ok = read(result, &reader);
    config_reader_end(&reader);
    return ok;
}

static bool read_file(const char *path, root_reader *read, void *result, struct failure *failure)
{
    json_t *const root = json_file_load(path, JSON_REJECT_DUPLICATES, failure);

    if (!root)
        return false;
    const bool ok = read_root(path, root, read, result, failure);
    json_decref(root);
    return ok;
}

bool config_load(struct config *config, const char *directory, struct failure *failure)
{
    char path[PATH_MAX];

    return path_join(path, directory, "config.json", failure) &&
           read_file(path, read_config, config, failure);
}

static bool read_scale_block(void *result, const struct config_reader *reader)
{
    return config_read_quantization(reader, result);
}

bool config_load_scale_block(size_t block[2], const char *directory, struct failure *failure)
{
    char path[PATH_MAX];

    block[0] = block[1] = STORED_FP8_BLOCK;
    if (!path_join(path, directory, "config.json", failure))
        return false;
    return access(path, F_OK) != 0 || read_file(path, read_scale_block, block, failure);
}

bool config_window(const struct config *config, size_t wanted, size_t *window,
                   struct failure *failure)
{
    enum { USUAL = 2048 };
    const size_t most = config->positions;

    *window = wanted > 0 ? wanted : most < USUAL ? most : USUAL;
    return *window <= most ||
           refuse(failure, "--window: %zu is more than the model's %zu positions", *window, most);
}
