/* SPDX-License-Identifier: MIT */
#include "llm/model/config_keys.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Keys that change what the model computes, unless its family reads them, by the value that does
 * not. */
static const char *const only_null[] = {
    "attn_logit_softcapping", "clip_qkv",       "compression_config", "final_logit_softcapping",
    "n_routed_experts",       "no_rope_layers", "num_experts",        "num_local_experts",
    "rope_local_base_freq",
};

static const char *const only_false[] = {
    "add_cross_attention",
    "alibi",
    "attention_bias",
    "attn_temperature_tuning",
    "is_encoder_decoder",
    "mlp_bias",
    "parallel_attn",
    "rope_interleave",
    "rope_interleaved",
    "use_mrope",
    "use_parallel_residual",
    "use_sliding_window",
    "use_bidirectional_attention",
};

static const char *const only_one[] = {
    "attention_multiplier", "embedding_multiplier", "logit_scale",
    "logits_scaling",       "residual_multiplier",  "rotary_pct",
};

/* Keys that are ignored on purpose. */
static const struct {
    const char *key;
    const char *reason;
} ignored[] = {
    {"_attn_implementation", "how attention is computed"},
    {"_attn_implementation_autoset", "how attention is computed"},
    {"_name_or_path", "where the checkpoint came from"},
    {"_commit_hash", "where the checkpoint came from"},
    {"add_bos_token", "for tokenizers"},
    {"attention_dropout", "for training"},
    {"auto_map", "code of other programs"},
    {"bad_words_ids", "for generation"},
    {"begin_suppress_tokens", "for generation"},
    {"boi_token_index", "for images"},
    {"bos_token_id", "for tokenizers"},
    {"cache_implementation", "how it is computed"},
    {"chunk_size_feed_forward", "how it is computed"},
    {"decoder_start_token_id", "for generation"},
    {"do_sample", "for generation"},
    {"dtype", "number type of the tensors, which say it themselves"},
    {"embd_pdrop", "for training"},
    {"eoi_token_index", "for images"},
    {"eos_token_id", "for tokenizers"},
    {"finetuning_task", "a note"},
    {"forced_bos_token_id", "for generation"},
    {"forced_eos_token_id", "for generation"},
    {"hidden_dropout", "for training"},
    {"id2label", "for classifiers"},
    {"image_token_index", "for images"},
    {"initializer_range", "for training"},
    {"is_decoder", "true of what is read here, whatever it says"},
    {"is_llama_config", "a note"},
    {"label2id", "for classifiers"},
    {"length_penalty", "for generation"},
    {"max_length", "for generation"},
    {"max_window_layers", "counts only with use_sliding_window"},
    {"min_length", "for generation"},
    {"mm_tokens_per_image", "for images"},
    {"num_beams", "for generation"},
    {"num_labels", "for classifiers"},
    {"output_attentions", "what is returned"},
    {"output_hidden_states", "what is returned"},
    {"output_router_logits", "what is returned"},
    {"pad_token_id", "for tokenizers"},
    {"prefix", "for generation"},
    {"pretraining_tp", "how products are split"},
    {"problem_type", "for classifiers"},
    {"repetition_penalty", "for generation"},
    {"resid_pdrop", "for training"},
    {"return_dict", "what is returned"},
    {"return_dict_in_generate", "what is returned"},
    {"router_aux_loss_coef", "for training"},
    {"router_jitter_noise", "for training"},
    {"sep_token_id", "for tokenizers"},
    {"sliding_window", "counts only with use_sliding_window or layer_types"},
    {"suppress_tokens", "for generation"},
    {"task_specific_params", "for generation"},
    {"temperature", "for generation"},
    {"tie_encoder_decoder", "for models of two parts"},
    {"tokenizer_class", "for tokenizers"},
    {"top_k", "for generation"},
    {"top_p", "for generation"},
    {"torch_dtype", "number type of the tensors, which say it themselves"},
    {"torchscript", "how it is computed"},
    {"transformers.js_config", "for another program"},
    {"transformers_version", "a note"},
    {"typical_p", "for generation"},
    {"unsloth_fixed", "a note"},
    {"unsloth_version", "a note"},
    {"use_bfloat16", "number type of the tensors, which say it themselves"},
    {"use_cache", "how it is computed"},
    {"vision_config", "the part that sees images, which is not computed"},
};

static bool is_among(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

#define IS_AMONG(key, names) is_among(key, names, sizeof(names) / sizeof(names)[0])

static bool is_ignored(const char *key)
{
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (strcmp(key, ignored[i].key) == 0)
            return true;
    return false;
}

static bool check_number(const struct config_reader *reader, const char *key, const json_t *value)
{
    if (!json_is_number(value))
        return refuse(reader->failure, "%s: \"%s\" is not a number", reader->path, key);
    return json_number_value(value) == 1 ||
           refuse(reader->failure, "%s: \"%s\" is %g; only 1 is supported", reader->path, key,
                  json_number_value(value));
}

static bool check_flag(const struct config_reader *reader, const char *key)
{
    bool on = false;

    return config_read_flag(reader, key, &on) &&
           (!on || refuse(reader->failure, "%s: \"%s\" is true; only false is supported",
                          reader->path, key));
}

/* One key more. What does not fit is left out: the list is for a message. */
static void list(char *unknown, size_t size, const char *key)
{
    const size_t length = strlen(unknown);

    if (length + strlen(key) + 3 <= size)
        snprintf(unknown + length, size - length, "%s%s", length > 0 ? ", " : "", key);
}

/* The value is not null. */
static bool check_key(const struct config_reader *reader, const char *key, const json_t *value,
                      char *unknown, size_t size)
{
    if (config_is_used(reader, key) || is_ignored(key))
        return true;
    if (IS_AMONG(key, only_null))
        return refuse(reader->failure, "%s: \"%s\" is set; only null is supported", reader->path,
                      key);
    if (IS_AMONG(key, only_false))
        return check_flag(reader, key);
    if (IS_AMONG(key, only_one))
        return check_number(reader, key, value);
    if (!json_is_false(value))
        list(unknown, size, key);
    return true;
}

bool config_check_keys(const struct config_reader *reader, char *unknown, size_t size)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)reader->object, key,
                        value) if (!json_is_null(value) &&
                                   !check_key(reader, key, value, unknown, size)) return false;
    return true;
}
