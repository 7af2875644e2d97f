/* SPDX-License-Identifier: MIT */
#include "llm/watersic/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/model/fingerprint.h"
#include "llm/watersic/report.h"
#include "llm/watersic/vocabulary.h"

/* In the order of the archive, which is also that of comparing: what is kept out of the model is
 * part of the checkpoint's fingerprint as well, and tells more where it is named first. A key that
 * only the archive has counts, too. */
static const char *const keys[] = {"library", "preset",      "parameters",
                                   "model",   "calibration", "zero_rows",
                                   "skipped", "fingerprint", "vocabulary"};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* --- describing ---------------------------------------------------------- */

static json_t *describe_rope(const struct rope *rope)
{
    json_t *const object =
        json_pack("{s:s, s:f, s:I}", "rope_type", rope_kind_name(rope->kind), "rope_theta",
                  rope->theta, "rotated", (json_int_t)rope->rotated);

    if (rope->factor > 0)
        json_object_set_new(object, "factor", json_real(rope->factor));
    if (rope->original > 0)
        json_object_set_new(object, "original_max_position_embeddings",
                            json_integer((json_int_t)rope->original));
    return object;
}

/* NULL if there are none. */
static json_t *describe_experts(const struct config *config)
{
    const struct config_mixture *const mixture = &config->mixture;

    if (mixture->experts == 0)
        return NULL;
    return json_pack("{s:I, s:I, s:I, s:b}", "experts", (json_int_t)mixture->experts,
                     "experts_per_token", (json_int_t)mixture->chosen, "intermediate_size",
                     (json_int_t)mixture->intermediate, "normalised", mixture->normalised);
}

static json_t *describe_model(const struct config *config)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:I, s:o, s:o*}", "architecture",
        config->architecture, "hidden_size", (json_int_t)config->hidden, "intermediate_size",
        (json_int_t)config->intermediate, "num_hidden_layers", (json_int_t)config->blocks,
        "num_attention_heads", (json_int_t)config->heads, "num_key_value_heads",
        (json_int_t)config->kv_heads, "head_dim", (json_int_t)config->head_dim, "vocab_size",
        (json_int_t)config->vocabulary, "rms_norm_eps", config->norm_epsilon, "tie_word_embeddings",
        config->tied, "sliding_window", (json_int_t)config->sight, "rope_parameters",
        describe_rope(&config->rope[SIGHT_FULL]), "mixture", describe_experts(config));
}

static json_t *describe_fingerprints(const struct provenance *provenance)
{
    char model[FINGERPRINT_SIZE];
    char tokens[FINGERPRINT_SIZE];

    fingerprint_print(fingerprint_checkpoint(0, provenance->model), model);
    fingerprint_print(fingerprint_tokens(0, provenance->tokens), tokens);
    return json_pack("{s:s, s:s}", "checkpoint", model, "tokens", tokens);
}

static json_t *describe_calibration(const struct provenance *provenance)
{
    return json_pack("{s:I, s:I, s:o}", "tokens", (json_int_t)provenance->tokens->count, "window",
                     (json_int_t)provenance->window, "recipe", report_recipe(provenance->recipe));
}

/* Names of the layers that are not in the archive; NULL if all are. */
static json_t *describe_skipped(const struct model *model)
{
    json_t *names = NULL;
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; model->exclusions && i < model->exclusions->layers; i++) {
        if (!model->exclusions->of[i].skipped)
            continue;
        if (!names)
            names = json_array();
        layers_name(&model->config, i, name);
        json_array_append_new(names, json_string(name));
    }
    return names;
}

/* "library" is what wsic_archive_writer_create() and resume() have set. */
json_t *provenance_describe(const struct provenance *provenance, struct failure *failure)
{
    const struct vocabulary_rates *const vocabulary = provenance->vocabulary;
    json_t *const description = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o*, s:s*, s:o*}", "library", wsic_version(), "preset",
        provenance->preset, "parameters", provenance->parameters, "model",
        describe_model(&provenance->model->config), "calibration", describe_calibration(provenance),
        "fingerprint", describe_fingerprints(provenance), "vocabulary",
        vocabulary && vocabulary_layers(vocabulary) > 0 ? report_vocabulary(vocabulary) : NULL,
        "zero_rows", provenance->zero_rows, "skipped", describe_skipped(provenance->model));

    if (!description)
        refuse(failure, "out of memory for the description of the run");
    return description;
}

/* As the value of a metadata entry. The caller frees it. */
static char *write_value(const json_t *value)
{
    return json_is_string(value) ? strdup(json_string_value(value))
                                 : json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

bool provenance_write(const json_t *description, wsic_archive_writer *writer, const char *output,
                      struct failure *failure)
{
    for (size_t i = 0; i < KEYS; i++) {
        const json_t *const value = json_object_get(description, keys[i]);
        char *const text = value ? write_value(value) : NULL;
        const bool ok =
            !value || (text && wsic_archive_writer_set_metadata(writer, keys[i], text) >= 0);
        free(text);
        if (!ok)
            return refuse(failure, "%s: %s: %s", output, keys[i],
                          text ? wsic_archive_writer_message(writer) : "out of memory");
    }
    return true;
}

/* --- the original ---------------------------------------------------------- */

bool provenance_is_of(const struct package *package, const struct model *model)
{
    const char *const text = package_metadata(package, "fingerprint");
    json_t *const root = text ? json_loads(text, 0, NULL) : NULL;
    const char *const written = json_string_value(json_object_get(root, "checkpoint"));
    char computed[FINGERPRINT_SIZE];

    fingerprint_print(fingerprint_checkpoint(0, model), computed);
    const bool ok = !written || strcmp(written, computed) == 0;
    json_decref(root);
    return ok;
}

/* --- comparing ----------------------------------------------------------- */

enum { PLACE_SIZE = 128, VALUE_SIZE = 64 };

static bool refuse_difference(const char *output, const char *place, const char *theirs,
                              const char *ours, struct failure *failure)
{
    return refuse(failure,
                  "%s.part: %s is %.*s, but this run has %.*s (--restart throws the file away)",
                  output, place, VALUE_SIZE, theirs, VALUE_SIZE, ours);
}

static void take_word(char word[VALUE_SIZE], const char *text)
{
    const size_t length = strcspn(text, " ");

    snprintf(word, VALUE_SIZE, "%.*s", (int)(length < VALUE_SIZE ? length : VALUE_SIZE), text);
    if (length == 0)
        strcpy(word, "nothing");
}

/* Both are words with a space between them; the first that differs is named. */
static bool refuse_texts(const char *output, const char *key, const char *theirs, const char *ours,
                         struct failure *failure)
{
    char words[2][VALUE_SIZE];

    for (;;) {
        const size_t length = strcspn(theirs, " ");
        if (length != strcspn(ours, " ") || memcmp(theirs, ours, length) != 0 || length == 0)
            break;
        theirs += length + (theirs[length] == ' ');
        ours += length + (ours[length] == ' ');
    }
    take_word(words[0], theirs);
    take_word(words[1], ours);
    return refuse_difference(output, key, words[0], words[1], failure);
}

static bool refuse_values(const char *output, const char *place, const json_t *theirs,
                          const json_t *ours, struct failure *failure)
{
    char *const texts[2] = {theirs ? json_dumps(theirs, JSON_ENCODE_ANY) : NULL,
                            ours ? json_dumps(ours, JSON_ENCODE_ANY) : NULL};

    refuse_difference(output, place, texts[0] ? texts[0] : "nothing",
                      texts[1] ? texts[1] : "nothing", failure);
    free(texts[0]);
    free(texts[1]);
    return false;
}

static bool differs(const json_t *theirs, const json_t *ours)
{
    return !theirs || !ours || !json_equal(theirs, ours);
}

/* Descend to the first member that differs. Both are objects that do. */
static bool refuse_members(const char *output, const char *place, const json_t *theirs,
                           const json_t *ours, struct failure *failure)
{
    const json_t *const sides[2] = {ours, theirs};
    char inner[PLACE_SIZE];
    const char *key;
    json_t *value;

    for (size_t side = 0; side < 2; side++) {
        json_object_foreach((json_t *)(uintptr_t)sides[side], key, value)
        {
            const json_t *const found = json_object_get(theirs, key);
            const json_t *const wanted = json_object_get(ours, key);
            if (!differs(found, wanted))
                continue;
            snprintf(inner, sizeof inner, "%s.%s", place, key);
            return json_is_object(found) && json_is_object(wanted)
                       ? refuse_members(output, inner, found, wanted, failure)
                       : refuse_values(output, inner, found, wanted, failure);
        }
    }
    return refuse_values(output, place, theirs, ours, failure);
}

static bool compare_objects(const char *output, const char *key, const char *theirs,
                            const json_t *ours, struct failure *failure)
{
    json_t *const found = json_loads(theirs, 0, NULL);
    const bool ok = !differs(found, ours) ||
                    (json_is_object(found) ? refuse_members(output, key, found, ours, failure)
                                           : refuse_values(output, key, found, ours, failure));

    json_decref(found);
    return ok;
}

/* Only one of the two has the key. */
static bool refuse_lack(const char *output, const char *key, const char *theirs, const json_t *ours,
                        struct failure *failure)
{
    char *const text = ours ? write_value(ours) : NULL;

    refuse_difference(output, key, theirs ? theirs : "nothing", text ? text : "nothing", failure);
    free(text);
    return false;
}

static bool check_key(const char *key, const json_t *ours, const char *theirs, const char *output,
                      struct failure *failure)
{
    if (!theirs && !ours)
        return true;
    if (!theirs || !ours)
        return refuse_lack(output, key, theirs, ours, failure);
    if (!json_is_string(ours))
        return compare_objects(output, key, theirs, ours, failure);
    return strcmp(theirs, json_string_value(ours)) == 0 ||
           refuse_texts(output, key, theirs, json_string_value(ours), failure);
}

bool provenance_check(const json_t *description, const wsic_archive_writer *writer,
                      const char *output, struct failure *failure)
{
    for (size_t i = 0; i < KEYS; i++)
        if (!check_key(keys[i], json_object_get(description, keys[i]),
                       wsic_archive_writer_metadata(writer, keys[i]), output, failure))
            return false;
    return true;
}
