/* SPDX-License-Identifier: MIT */
/* Checkpoints: a model is what its configuration says, or it is refused by the name of a tensor. */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "llm/model/model.h"
#include "scratch_files.h"

static const char config_json[] =
    "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_act\":\"silu\","
    "\"hidden_size\":8,\"intermediate_size\":12,\"num_hidden_layers\":1,"
    "\"num_attention_heads\":2,\"vocab_size\":16,\"max_position_embeddings\":32}";

/* Tensors of the model that config_json describes; shapes as transformers has them. */
static const struct {
    const char *name;
    int rows; /* 0: a vector */
    int columns;
} model_tensors[] = {
    {"model.embed_tokens.weight", 16, 8},
    {"model.norm.weight", 0, 8},
    {"lm_head.weight", 16, 8},
    {"model.layers.0.input_layernorm.weight", 0, 8},
    {"model.layers.0.post_attention_layernorm.weight", 0, 8},
    {"model.layers.0.self_attn.q_proj.weight", 8, 8},
    {"model.layers.0.self_attn.k_proj.weight", 8, 8},
    {"model.layers.0.self_attn.v_proj.weight", 8, 8},
    {"model.layers.0.self_attn.o_proj.weight", 8, 8},
    {"model.layers.0.mlp.gate_proj.weight", 12, 8},
    {"model.layers.0.mlp.up_proj.weight", 12, 8},
    {"model.layers.0.mlp.down_proj.weight", 8, 12},
};
enum { model_tensor_count = sizeof model_tensors / sizeof model_tensors[0] };

/* Write model.safetensors without one tensor (or all, if it is not below the count), with that one
 * of another shape, or with one more. */
static void write_model(size_t left_out, bool turned, const char *extra)
{
    char header[4000] = "{";
    char final[sizeof path];
    size_t length = 1;
    int offset = 0;

    for (size_t i = 0; i < model_tensor_count; i++) {
        const int rows = model_tensors[i].rows;
        const int columns = model_tensors[i].columns + (turned && i == left_out);
        const int end = offset + 2 * (rows ? rows : 1) * columns;
        char shape[40];
        if (i == left_out && !turned)
            continue;
        snprintf(shape, sizeof shape, rows ? "%d,%d" : "%.0d%d", rows, columns);
        length += (size_t)snprintf(
            header + length, sizeof header - length,
            "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
            length > 1 ? "," : "", model_tensors[i].name, shape, offset, end);
        offset = end;
    }
    if (extra) {
        length +=
            (size_t)snprintf(header + length, sizeof header - length,
                             ",\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
                             extra, offset, offset + 4);
        offset += 4;
    }
    snprintf(header + length, sizeof header - length, "}");
    write_safetensors(header, (size_t)offset);
    snprintf(final, sizeof final, "%s/model.safetensors", directory);
    ck_assert_int_eq(rename(path, final), 0);
    memcpy(path, final, sizeof path);
}

START_TEST(model_needs_exactly_its_tensors)
{
    char config_path[sizeof path];
    struct model model;
    struct failure failure;

    write_file("config.json", config_json, sizeof config_json - 1);
    memcpy(config_path, path, sizeof path);

    write_model(model_tensor_count, false, NULL);
    ck_assert_msg(model_load(&model, directory, &failure), "%s", failure.text);
    ck_assert_double_eq(model.stored_bits, 16);
    ck_assert_uint_eq(layers_weights(&model.config), 4 * 64 + 3 * 96);
    ck_assert_ptr_eq(model_head(&model), &model.head);
    model_free(&model);

    for (size_t i = 0; i < model_tensor_count; i++) {
        write_model(i, false, NULL);
        ck_assert(!model_load(&model, directory, &failure));
        expect_line(&failure, model_tensors[i].name);
        expect_line(&failure, "is missing");
        write_model(i, true, NULL);
        ck_assert(!model_load(&model, directory, &failure));
        expect_line(&failure, model_tensors[i].name);
        expect_line(&failure, "shape is not");
    }
    /* A bias would be left out of the computation without a word. */
    write_model(model_tensor_count, false, "model.layers.0.self_attn.q_proj.bias");
    ck_assert(!model_load(&model, directory, &failure));
    expect_line(&failure, "q_proj.bias");
    write_model(model_tensor_count, false, "model.layers.0.self_attn.rotary_emb.inv_freq");
    ck_assert_msg(model_load(&model, directory, &failure), "%s", failure.text);
    model_free(&model);
    unlink(config_path);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm model");
    TCase *const files = tcase_create("files");

    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, model_needs_exactly_its_tensors);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
