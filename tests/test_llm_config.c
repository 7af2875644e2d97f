/* SPDX-License-Identifier: MIT */
/* Configurations: those of the families that are known are read, all others are refused by name. */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "llm/model/config.h"
#include "scratch_files.h"

static const char good_config[] =
    "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_act\":\"silu\","
    "\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":1,"
    "\"num_attention_heads\":2,\"vocab_size\":16,\"max_position_embeddings\":32%s}";

static bool load_config(struct config *config, const char *more, struct failure *failure)
{
    char text[2000];

    snprintf(text, sizeof text, good_config, more);
    write_file("config.json", text, strlen(text));
    return config_load(config, directory, failure);
}

START_TEST(config_has_the_defaults_of_transformers)
{
    struct config config;
    struct failure failure;

    ck_assert_msg(load_config(&config, "", &failure), "%s", failure.text);
    ck_assert_uint_eq(config.kv_heads, 2);
    ck_assert_uint_eq(config.head_dim, 4);
    ck_assert_double_eq(config.rope[SIGHT_FULL].theta, 10000);
    ck_assert_double_eq(config.norm_epsilon, 1e-6);
    ck_assert(!config.tied);
    ck_assert(load_config(&config,
                          ",\"num_key_value_heads\":1,\"head_dim\":6,\"rope_theta\":5e5,"
                          "\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":true,"
                          "\"rope_scaling\":null,\"attention_bias\":false",
                          &failure));
    ck_assert_uint_eq(config.kv_heads, 1);
    ck_assert_uint_eq(config.head_dim, 6);
    ck_assert_double_eq(config.rope[SIGHT_FULL].theta, 5e5);
    ck_assert_double_eq(config.norm_epsilon, 1e-5);
    ck_assert(config.tied);
}
END_TEST

START_TEST(rope_scaling_of_llama_3_is_read)
{
    struct config config;
    struct failure failure;

    ck_assert(load_config(&config, "", &failure));
    ck_assert_int_eq(config.rope[SIGHT_FULL].kind, ROPE_DEFAULT);
    ck_assert_msg(load_config(&config,
                              ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":32.0,"
                              "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
                              "\"original_max_position_embeddings\":8192}",
                              &failure),
                  "%s", failure.text);
    ck_assert_int_eq(config.rope[SIGHT_FULL].kind, ROPE_LLAMA3);
    ck_assert_double_eq(config.rope[SIGHT_FULL].factor, 32);
    ck_assert_double_eq(config.rope[SIGHT_FULL].low, 1);
    ck_assert_double_eq(config.rope[SIGHT_FULL].high, 4);
    ck_assert_uint_eq(config.rope[SIGHT_FULL].original, 8192);
}
END_TEST

#define LLAMA3                                                                                     \
    "\"rope_type\":\"llama3\",\"factor\":32.0,\"low_freq_factor\":1.0,"                            \
    "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192"

static bool is_llama3(const struct rope *scaling)
{
    return scaling->kind == ROPE_LLAMA3 && scaling->factor == 32 && scaling->low == 1 &&
           scaling->high == 4 && scaling->original == 8192;
}

/* As transformers 5 writes it, and as old files say nothing special. */
START_TEST(rotations_are_read_from_old_and_new_keys)
{
    static const struct {
        const char *rest;
        double theta;
        bool llama3;
    } cases[] = {
        {",\"rope_parameters\":{\"rope_theta\":5e5,\"rope_type\":\"default\"}", 5e5, false},
        {",\"rope_parameters\":{\"rope_theta\":5e5}", 5e5, false},
        {",\"rope_parameters\":{\"rope_type\":\"default\"}", 10000, false},
        {",\"rope_parameters\":{\"rope_type\":\"default\"},\"rope_theta\":3e5", 3e5, false},
        {",\"rope_parameters\":{}", 10000, false},
        {",\"rope_parameters\":null,\"rope_theta\":3e5", 3e5, false},
        {",\"rope_parameters\":{\"rope_theta\":5e5," LLAMA3 "}", 5e5, true},
        {",\"rope_parameters\":{\"rope_theta\":5e5," LLAMA3 "},\"rope_theta\":5e5,"
         "\"rope_scaling\":{" LLAMA3 "}",
         5e5, true},
        {",\"rope_parameters\":{\"rope_theta\":5e5,\"partial_rotary_factor\":1.0}", 5e5, false},
        {",\"rope_scaling\":{\"rope_type\":\"default\"}", 10000, false},
        {",\"rope_scaling\":{\"type\":\"default\"},\"rope_theta\":3e5", 3e5, false},
        {",\"partial_rotary_factor\":1", 10000, false},
    };
    struct config config;
    struct failure failure;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(load_config(&config, cases[i].rest, &failure), "%s: %s", cases[i].rest,
                      failure.text);
        ck_assert_double_eq(config.rope[SIGHT_FULL].theta, cases[i].theta);
        ck_assert((config.rope[SIGHT_FULL].kind == ROPE_LLAMA3) == cases[i].llama3);
        ck_assert(!cases[i].llama3 || is_llama3(&config.rope[SIGHT_FULL]));
    }
}
END_TEST

/* Positions are only counted: no bound of sizes that are multiplied is theirs. */
START_TEST(any_number_of_positions_is_read)
{
    static const char text[] =
        "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_act\":"
        "\"silu\",\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":2,\"vocab_size\":16,\"max_position_embeddings\":4194304,"
        "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":32.0,\"low_freq_factor\":1.0,"
        "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":2097152}}";
    struct config config;
    struct failure failure;

    write_file("config.json", text, sizeof text - 1);
    ck_assert_msg(config_load(&config, directory, &failure), "%s", failure.text);
    ck_assert_uint_eq(config.positions, 4194304);
    ck_assert_uint_eq(config.rope[SIGHT_FULL].original, 2097152);
}
END_TEST

/* Those that mean nothing here, those that are switched off, and those that nobody knows. */
START_TEST(keys_that_are_not_used_are_told_where_nobody_knows_them)
{
    struct config config;
    struct failure failure;

    ck_assert_msg(load_config(&config,
                              ",\"torch_dtype\":\"bfloat16\",\"bos_token_id\":1,"
                              "\"use_cache\":true,\"attention_dropout\":0.1,"
                              "\"transformers_version\":\"5.0.0\",\"logits_scaling\":1.0,"
                              "\"final_logit_softcapping\":null,\"some_switch\":false,"
                              "\"sliding_window\":4096",
                              &failure),
                  "%s", failure.text);
    ck_assert_str_eq(config.unknown_keys, "");
    ck_assert(load_config(&config, ",\"scale_of_moon\":2,\"phase\":true", &failure));
    ck_assert_ptr_nonnull(strstr(config.unknown_keys, "scale_of_moon"));
    ck_assert_ptr_nonnull(strstr(config.unknown_keys, "phase"));
}
END_TEST

/* Its defaults are those of one model, so that nothing is assumed. */
START_TEST(qwen3_must_name_its_heads)
{
    static const char start[] =
        "{\"architectures\":[\"Qwen3ForCausalLM\"],\"model_type\":\"qwen3\",\"hidden_act\":"
        "\"silu\","
        "\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":2,\"vocab_size\":16,\"max_position_embeddings\":32";
    char text[2000];
    struct config config;
    struct failure failure;

    snprintf(text, sizeof text, "%s,\"num_key_value_heads\":1}", start);
    write_file("config.json", text, strlen(text));
    ck_assert(!config_load(&config, directory, &failure));
    expect_line(&failure, "\"head_dim\" is missing");
    snprintf(text, sizeof text, "%s,\"head_dim\":6}", start);
    write_file("config.json", text, strlen(text));
    ck_assert(!config_load(&config, directory, &failure));
    expect_line(&failure, "\"num_key_value_heads\" is missing");
    snprintf(text, sizeof text,
             "%s,\"num_key_value_heads\":1,\"head_dim\":6,\"use_sliding_window\":false,"
             "\"layer_types\":[\"full_attention\"]}",
             start);
    write_file("config.json", text, strlen(text));
    ck_assert_msg(config_load(&config, directory, &failure), "%s", failure.text);
    ck_assert(config.head_norms);
    ck_assert_uint_eq(config.head_dim, 6);
}
END_TEST

START_TEST(configs_of_other_models_are_refused_by_name)
{
    static const char *const cases[][2] = {
        {",\"rope_scaling\":{\"type\":\"dynamic\"}", "\"type\" is \"dynamic\""},
        {",\"rope_scaling\":{\"rope_type\":\"mrope\",\"type\":\"llama3\"}",
         "\"rope_type\" is \"mrope\""},
        {",\"rope_scaling\":{\"type\":\"linear\"}", "\"factor\" is missing"},
        {",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}", "\"factor\" is not a positive"},
        {",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"truncate\":true}",
         "\"truncate\" in \"rope_scaling\" is not supported"},
        {",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4}",
         "\"original_max_position_embeddings\" is missing"},
        {",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"beta_fast\":1,"
         "\"original_max_position_embeddings\":8}",
         "\"beta_fast\" is 1, not above \"beta_slow\", 1"},
        {",\"rope_scaling\":{\"type\":\"longrope\",\"original_max_position_embeddings\":8,"
         "\"long_factor\":[1,2]}",
         "\"short_factor\" is missing or not a list"},
        {",\"rope_scaling\":{\"type\":\"longrope\",\"original_max_position_embeddings\":8,"
         "\"short_factor\":[1,2],\"long_factor\":[1,2,3]}",
         "\"long_factor\" has 3 numbers for 2 pairs"},
        {",\"rope_scaling\":{\"type\":\"su\",\"original_max_position_embeddings\":8,"
         "\"short_factor\":[1,0],\"long_factor\":[1,2]}",
         "number 1 of \"short_factor\" is not positive"},
        {",\"rope_scaling\":{}", "\"type\" is missing"},
        {",\"rope_scaling\":\"llama3\"", "\"rope_scaling\" is not an object"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"low_freq_factor\":1,"
         "\"high_freq_factor\":4,\"original_max_position_embeddings\":8}",
         "\"factor\" is missing"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":-8,\"low_freq_factor\":1,"
         "\"high_freq_factor\":4,\"original_max_position_embeddings\":8}",
         "\"factor\" is not a positive"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
         "\"high_freq_factor\":4,\"original_max_position_embeddings\":8}",
         "\"high_freq_factor\" is 4"},
        {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,"
         "\"high_freq_factor\":4}",
         "\"original_max_position_embeddings\" is missing"},
        {",\"use_sliding_window\":true", "\"use_sliding_window\""},
        {",\"layer_types\":[\"full_attention\",\"sliding_attention\"]",
         "\"layer_types\" has 2 entries for 1 blocks"},
        {",\"layer_types\":[\"sliding_attention\"]", "there is no sliding window"},
        {",\"layer_types\":[\"chunked_attention\"]", "is \"chunked_attention\""},
        {",\"layer_types\":\"full_attention\"", "\"layer_types\" is not a list"},
        {",\"rope_parameters\":[]", "\"rope_parameters\" is not an object"},
        {",\"rope_parameters\":{\"rope_type\":\"yarn\"}", "\"factor\" is missing"},
        {",\"rope_parameters\":{\"sliding_attention\":{\"rope_theta\":1e6}}",
         "\"full_attention\" in \"rope_parameters\" is missing"},
        {",\"rope_parameters\":{\"full_attention\":{},\"rope_theta\":1e6}",
         "\"rope_theta\" in \"rope_parameters\" is not supported"},
        {",\"rope_parameters\":{\"rope_theta\":1e4,\"attention_factor\":2}",
         "\"attention_factor\" in \"rope_parameters\""},
        {",\"rope_parameters\":{\"partial_rotary_factor\":0.75}",
         "3 of the 4 numbers of a head are rotated"},
        {",\"rope_parameters\":{\"partial_rotary_factor\":1.5}",
         "\"partial_rotary_factor\" is 1.5, not between 0 and 1"},
        {",\"rope_parameters\":{\"partial_rotary_factor\":0.5},\"partial_rotary_factor\":1",
         "\"partial_rotary_factor\" is 1, but in \"rope_parameters\" it is 0.5"},
        {",\"rope_parameters\":{\"rope_theta\":5e5},\"rope_theta\":1e4",
         "\"rope_theta\" is 10000, but in \"rope_parameters\" it is 500000"},
        {",\"rope_parameters\":{\"rope_theta\":5e5},\"rope_scaling\":{" LLAMA3 "}",
         "contradict each other"},
        {",\"partial_rotary_factor\":0.25", "1 of the 4 numbers of a head"},
        {",\"partial_rotary_factor\":\"all\"",
         "\"partial_rotary_factor\" is not a positive number"},
        {",\"rope_local_base_freq\":1e4", "\"rope_local_base_freq\" is set"},
        {",\"residual_multiplier\":0.22", "\"residual_multiplier\" is 0.22"},
        {",\"final_logit_softcapping\":30.0", "\"final_logit_softcapping\" is set"},
        {",\"num_experts\":8", "\"num_experts\" is set"},
        {",\"rope_interleaved\":true", "\"rope_interleaved\" is true"},
        {",\"quantization_config\":{}", "\"quantization_config\" has no \"quant_method\""},
        {",\"quantization_config\":{\"quant_method\":\"gptq\"}", "is of method \"gptq\""},
        {",\"quantization_config\":{\"quant_method\":\"fp8\",\"fmt\":\"e5m2\"}", "\"fp8\" as e5m2"},
        {",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":null}",
         "\"weight_block_size\" in \"quantization_config\" is not a pair"},
        {",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}",
         "\"weight_block_size\" in \"quantization_config\" is not a pair"},
        {",\"num_hidden_layers\":2000", "duplicate"},
        {",\"attention_bias\":1", "\"attention_bias\""},
        {",\"mlp_bias\":0", "\"mlp_bias\""},
        {",\"num_key_value_heads\":3", "\"num_key_value_heads\" is 3"},
        {",\"num_key_value_heads\":0", "\"num_key_value_heads\" is 0"},
        {",\"head_dim\":5", "\"head_dim\" is 5"},
        {",\"head_dim\":1000000", "\"head_dim\" is 1000000"},
        {",\"head_dim\":\"4\"", "\"head_dim\""},
        {",\"rope_theta\":-1", "\"rope_theta\""},
        {",\"rms_norm_eps\":0", "\"rms_norm_eps\""},
        {",\"vocab_size\":16", "duplicate"},
    };
    struct config config;
    struct failure failure;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(!load_config(&config, cases[i][0], &failure), "accepted %s", cases[i][0]);
        expect_line(&failure, cases[i][1]);
    }
}
END_TEST

/* What a family needs besides, or does not take: its configuration and what is wrong with it. */
START_TEST(families_refuse_what_they_do_not_understand)
{
    static const char *const cases[][4] = {
        /* architecture, type, more, message */
        {"GPT2LMHeadModel", "gpt2", "", "\"architectures\" is \"GPT2LMHeadModel\"; supported are"},
        {"MistralForCausalLM", "mistral", "\"hidden_act\":\"silu\"",
         "\"num_key_value_heads\" is missing"},
        {"MistralForCausalLM", "mistral",
         "\"hidden_act\":\"silu\",\"num_key_value_heads\":1,\"sliding_window\":0",
         "\"sliding_window\" is 0"},
        {"MistralForCausalLM", "mistral",
         "\"hidden_act\":\"silu\",\"num_key_value_heads\":1,\"attention_bias\":true",
         "\"attention_bias\" is true; only false"},
        {"Qwen2ForCausalLM", "qwen2",
         "\"hidden_act\":\"silu\",\"num_key_value_heads\":1,\"use_sliding_window\":2",
         "\"use_sliding_window\" is neither true nor false"},
        {"Qwen2ForCausalLM", "qwen2",
         "\"hidden_act\":\"silu\",\"num_key_value_heads\":1,\"use_mrope\":true",
         "\"use_mrope\" is true"},
        {"Qwen2ForCausalLM", "qwen2",
         "\"hidden_act\":\"silu\",\"num_key_value_heads\":1,\"rope_scaling\":"
         "{\"type\":\"mrope\",\"mrope_section\":[16,24,24]}",
         "\"type\" is \"mrope\"; only"},
        {"Phi3ForCausalLM", "phi3", "\"hidden_act\":\"gelu\"", "\"hidden_act\" is \"gelu\""},
        {"Phi3ForCausalLM", "phi3",
         "\"hidden_act\":\"silu\",\"rope_scaling\":{\"type\":\"longrope\","
         "\"short_factor\":[1,1],\"long_factor\":[1,1],\"short_mscale\":1.1,"
         "\"original_max_position_embeddings\":16}",
         "\"short_mscale\" in \"rope_scaling\" is not supported"},
        {"Gemma2ForCausalLM", "gemma2", "\"num_key_value_heads\":1,\"head_dim\":4",
         "\"hidden_activation\" is missing"},
        {"Gemma2ForCausalLM", "gemma2",
         "\"num_key_value_heads\":1,\"head_dim\":4,\"hidden_activation\":\"gelu\"",
         "\"hidden_activation\" is \"gelu\""},
        {"Gemma2ForCausalLM", "gemma2",
         "\"num_key_value_heads\":1,\"head_dim\":4,\"hidden_activation\":\"gelu_pytorch_tanh\","
         "\"attn_logit_softcapping\":-1",
         "\"attn_logit_softcapping\" is not a positive number"},
        {"Gemma3ForCausalLM", "gemma3_text",
         "\"num_key_value_heads\":1,\"head_dim\":4,\"rope_parameters\":{\"rope_theta\":1e6}",
         "\"rope_parameters\" does not tell \"full_attention\" from \"sliding_attention\""},
        {"Gemma3ForCausalLM", "gemma3_text",
         "\"num_key_value_heads\":1,\"head_dim\":4,\"rope_parameters\":{"
         "\"sliding_attention\":{\"rope_theta\":1e5}},\"rope_local_base_freq\":1e4",
         "\"rope_local_base_freq\" is 10000, but in \"rope_parameters\" it is 100000"},
        {"Gemma3ForCausalLM", "gemma3_text",
         "\"num_key_value_heads\":1,\"head_dim\":4,\"use_bidirectional_attention\":true",
         "\"use_bidirectional_attention\" is true"},
        {"Gemma3ForConditionalGeneration", "gemma3", "",
         "\"text_config\" is missing or not an object"},
        {"Gemma3ForConditionalGeneration", "gemma3", "\"text_config\":{\"model_type\":\"gemma\"}",
         "\"model_type\" is \"gemma\"; only \"gemma3_text\""},
    };
    struct config config;
    struct failure failure;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2000];
        snprintf(text, sizeof text,
                 "{\"architectures\":[\"%s\"],\"model_type\":\"%s\",\"hidden_size\":8,"
                 "\"intermediate_size\":12,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
                 "\"vocab_size\":16,\"max_position_embeddings\":32%s%s}",
                 cases[i][0], cases[i][1], cases[i][2][0] ? "," : "", cases[i][2]);
        write_file("config.json", text, strlen(text));
        ck_assert_msg(!config_load(&config, directory, &failure), "accepted %s", text);
        expect_line(&failure, cases[i][3]);
    }
}
END_TEST

static bool load_mixture(struct config *config, const char *architecture, const char *type,
                         const char *more, struct failure *failure)
{
    char text[2000];

    snprintf(text, sizeof text,
             "{\"architectures\":[\"%s\"],\"model_type\":\"%s\",\"hidden_act\":\"silu\","
             "\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":2,"
             "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":16,"
             "\"max_position_embeddings\":32%s}",
             architecture, type, more);
    write_file("config.json", text, strlen(text));
    return config_load(config, directory, failure);
}

START_TEST(mixtures_refuse_what_they_do_not_understand)
{
    static const char *const cases[][4] = {
        /* architecture, type, more, message */
        {"MixtralForCausalLM", "mixtral", "\"num_local_experts\":4,\"num_experts_per_tok\":5",
         "\"num_experts_per_tok\" is 5, more than the 4 of \"num_local_experts\""},
        {"MixtralForCausalLM", "mixtral", "\"num_local_experts\":0", "\"num_local_experts\" is 0"},
        {"MixtralForCausalLM", "mixtral", "\"num_experts_per_tok\":0",
         "\"num_experts_per_tok\" is 0"},
        {"MixtralForCausalLM", "mixtral", "\"num_local_experts\":\"8\"",
         "\"num_local_experts\" is not"},
        {"MixtralForCausalLM", "mixtral", "\"num_experts\":8", "\"num_experts\" is set"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"num_experts\":4",
         "\"num_experts_per_tok\" is 8, more than the 4 of \"num_experts\""},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"num_experts\":0", "\"num_experts\" is 0"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"num_experts\":1000000",
         "\"num_experts\" is 1000000"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"num_local_experts\":8",
         "\"num_local_experts\" is set"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"moe_intermediate_size\":0",
         "\"moe_intermediate_size\" is 0"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"mlp_only_layers\":0",
         "\"mlp_only_layers\" is not a list"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"mlp_only_layers\":[0,2]",
         "\"mlp_only_layers\": entry 1 is no block from 0 to 1"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"mlp_only_layers\":[-1]",
         "\"mlp_only_layers\": entry 0 is no block"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"mlp_only_layers\":[\"0\"]",
         "\"mlp_only_layers\": entry 0 is no block"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"decoder_sparse_step\":0",
         "\"decoder_sparse_step\" is 0"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"norm_topk_prob\":1",
         "\"norm_topk_prob\" is neither true nor false"},
        {"Qwen3MoeForCausalLM", "qwen3_moe", "\"use_sliding_window\":true",
         "\"use_sliding_window\" is true"},
    };
    struct config config;
    struct failure failure;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char more[200];
        snprintf(more, sizeof more, ",%s", cases[i][2]);
        ck_assert_msg(!load_mixture(&config, cases[i][0], cases[i][1], more, &failure),
                      "accepted %s", more);
        expect_line(&failure, cases[i][3]);
    }
}
END_TEST

/* Of transformers, as are all defaults of these families: those of the first model of each. */
START_TEST(mixtures_have_the_defaults_of_transformers)
{
    struct config config;
    struct failure failure;

    ck_assert_msg(load_mixture(&config, "MixtralForCausalLM", "mixtral", "", &failure), "%s",
                  failure.text);
    ck_assert_uint_eq(config.mixture.experts, 8);
    ck_assert_uint_eq(config.mixture.chosen, 2);
    ck_assert_uint_eq(config_intermediate(&config, 0), 12);
    ck_assert_msg(load_mixture(&config, "Qwen3MoeForCausalLM", "qwen3_moe",
                               ",\"mlp_only_layers\":[0]", &failure),
                  "%s", failure.text);
    ck_assert_uint_eq(config.mixture.experts, 128);
    ck_assert_uint_eq(config.mixture.chosen, 8);
    ck_assert_uint_eq(config_experts(&config, 0), 0);
    ck_assert_uint_eq(config_experts(&config, 1), 128);
    ck_assert_uint_eq(config_intermediate(&config, 0), 12);
    ck_assert_uint_eq(config_intermediate(&config, 1), 768);
}
END_TEST

/* Every key of the good configuration, once left out or changed, is named in the refusal. */
START_TEST(config_keys_are_checked)
{
    static const char *const cases[][3] = {
        {"LlamaForCausalLM", "QwenForCausalLM", "\"architectures\" is \"QwenForCausalLM\""},
        {"\"llama\"", "\"mistral\"", "\"model_type\" is \"mistral\""},
        {"LlamaForCausalLM", "Qwen3ForCausalLM", "\"model_type\" is \"llama\""},
        {"silu", "gelu", "\"hidden_act\" is \"gelu\""},
        {"hidden_size", "x", "\"hidden_size\" is missing"},
        {"intermediate_size", "x", "\"intermediate_size\" is missing"},
        {"num_hidden_layers", "x", "\"num_hidden_layers\" is missing"},
        {"num_attention_heads", "x", "\"num_attention_heads\" is missing"},
        {"vocab_size", "x", "\"vocab_size\" is missing"},
        {"max_position_embeddings", "x", "\"max_position_embeddings\" is missing"},
    };
    struct config config;
    struct failure failure;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2000];
        const char *const place = strstr(good_config, cases[i][0]);
        const char *const rest = place + strlen(cases[i][0]);
        snprintf(text, sizeof text, "%.*s%s%.*s}", (int)(place - good_config), good_config,
                 cases[i][1], (int)(strlen(rest) - 3), rest);
        write_file("config.json", text, strlen(text));
        ck_assert_msg(!config_load(&config, directory, &failure), "accepted %s", text);
        expect_line(&failure, cases[i][2]);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm config");
    TCase *const files = tcase_create("files");

    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, config_has_the_defaults_of_transformers);
    tcase_add_test(files, rope_scaling_of_llama_3_is_read);
    tcase_add_test(files, rotations_are_read_from_old_and_new_keys);
    tcase_add_test(files, any_number_of_positions_is_read);
    tcase_add_test(files, keys_that_are_not_used_are_told_where_nobody_knows_them);
    tcase_add_test(files, qwen3_must_name_its_heads);
    tcase_add_test(files, configs_of_other_models_are_refused_by_name);
    tcase_add_test(files, config_keys_are_checked);
    tcase_add_test(files, families_refuse_what_they_do_not_understand);
    tcase_add_test(files, mixtures_refuse_what_they_do_not_understand);
    tcase_add_test(files, mixtures_have_the_defaults_of_transformers);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
