/* SPDX-License-Identifier: MIT */
/* Readers of the program's inputs: good files give what is in them, bad ones are refused with one
 * line that names the file and what is wrong in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <watersic/watersic.h>

#include "check_main.h"
#include "common/safetensors.h"
#include "common/tokens.h"
#include "llm/config.h"
#include "llm/model.h"

static char directory[] = "test_llm_files.XXXXXX";
static char path[200];

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
    unlink(path);
    rmdir(directory);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* A file whose header is text and whose data are finite as any type. */
static void write_safetensors(const char *header, size_t data_bytes)
{
    const size_t length = strlen(header);
    unsigned char *const bytes = calloc(1, 8 + length + data_bytes);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = i < sizeof length ? (unsigned char)(length >> 8 * i) : 0;
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + length + i] = (unsigned char)(i & 0x3F);
    write_file("t.safetensors", bytes, 8 + length + data_bytes);
    free(bytes);
}

static void expect_line(const struct failure *failure, const char *part)
{
    ck_assert_msg(strstr(failure->text, path), "no file name in: %s", failure->text);
    ck_assert_msg(strstr(failure->text, part), "no \"%s\" in: %s", part, failure->text);
    ck_assert_ptr_null(strchr(failure->text, '\n'));
}

static void expect_refused(const char *header, size_t data_bytes, const char *part)
{
    struct safetensors *file;
    struct failure failure = {.text = ""};

    write_safetensors(header, data_bytes);
    ck_assert_msg(!safetensors_open(&file, path, &failure), "accepted: %s", header);
    ck_assert_ptr_null(file);
    expect_line(&failure, part);
}

START_TEST(all_types_are_read)
{
    /* Odd offsets: data need not be aligned. */
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"f32\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[1,9]},"
        "\"f64\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[9,17]},"
        "\"f16\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[17,23]},"
        "\"bf16\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[23,25]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[25,25]}}   ";
    static const unsigned char data[] = {9,    0,    0, 0x80, 0x3F, 0,    0,    0x20,
                                         0xC1,                                        /* 1, -10 */
                                         0,    0,    0, 0,    0,    0,    0x04, 0x40, /* 2.5 */
                                         0,    0xBC, 1, 0,    0xFF, 0x7B, /* -1, 2^-24, 65504 */
                                         0x49, 0x40};                     /* 3.140625 */
    const size_t length = strlen(header);
    unsigned char bytes[1000] = {(unsigned char)length, (unsigned char)(length >> 8)};
    struct safetensors *file;
    struct failure failure;
    float values[3];

    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, sizeof data);
    write_file("t.safetensors", bytes, 8 + length + sizeof data);
    ck_assert_msg(safetensors_open(&file, path, &failure), "%s", failure.text);
    ck_assert_uint_eq(safetensors_count(file), 6);
    ck_assert_str_eq(safetensors_at(file, 0)->name, "b");
    ck_assert_ptr_null(safetensors_find(file, "c"));
    ck_assert_uint_eq(safetensors_find(file, "f32")->dimensions, 2);
    ck_assert_uint_eq(safetensors_find(file, "f32")->dtype, WSIC_F32);

    ck_assert(tensor_read_f32(safetensors_find(file, "f32"), values, &failure));
    ck_assert_double_eq((double)values[0], 1);
    ck_assert_double_eq((double)values[1], -10);
    ck_assert(tensor_read_f32(safetensors_find(file, "f64"), values, &failure));
    ck_assert_double_eq((double)values[0], 2.5);
    ck_assert(tensor_read_f32(safetensors_find(file, "f16"), values, &failure));
    ck_assert_double_eq((double)values[0], -1);
    ck_assert_double_eq((double)values[1], 0x1p-24);
    ck_assert_double_eq((double)values[2], 65504);
    ck_assert(tensor_read_f32(safetensors_find(file, "bf16"), values, &failure));
    ck_assert_double_eq((double)values[0], 3.140625);
    ck_assert(tensor_read_f32(safetensors_find(file, "none"), values, &failure));

    ck_assert(!tensor_read_f32(safetensors_find(file, "b"), values, &failure));
    expect_line(&failure, "\"b\": numbers of type U8 are not floating");
    safetensors_close(file);
}
END_TEST

START_TEST(numbers_that_are_not_finite_are_refused)
{
    static const unsigned char bytes[] =
        "\x36\0\0\0\0\0\0\0"
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
        "\0\0\0\0\0\0\xC0\x7F";
    struct safetensors *file;
    struct failure failure;
    float values[2];

    write_file("t.safetensors", bytes, sizeof bytes - 1);
    ck_assert_msg(safetensors_open(&file, path, &failure), "%s", failure.text);
    ck_assert(!tensor_read_f32(safetensors_at(file, 0), values, &failure));
    expect_line(&failure, "\"x\": number 1 is not finite");
    safetensors_close(file);
}
END_TEST

START_TEST(hostile_headers_are_refused)
{
    expect_refused("", 0, "header");
    expect_refused("[]", 0, "not an object");
    expect_refused("{\"a\":", 0, "header, byte");
    expect_refused("{} x", 0, "header, byte");
    expect_refused("{\"a\":1}", 0, "\"a\"");
    expect_refused("{\"a\":{}}", 0, "dtype is missing");
    expect_refused("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
                   "\"a\": dtype \"F31\" is unknown");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "\"a\": shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
                   "\"a\": shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4,
                   "\"a\": shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],"
                   "\"data_offsets\":[0,4]}}",
                   4, "\"a\": 9 dimensions");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
                   "\"data_offsets\":[0,0]}}",
                   0, "\"a\": shape is too large");
    /* 2^62 numbers of 4 bytes: the product in bytes is 0 modulo 2^64. */
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],"
                   "\"data_offsets\":[0,0]}}",
                   0, "\"a\"");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
                   "\"a\": data_offsets");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
                   "\"a\": data_offsets");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
                   "\"a\": data_offsets [0, 8]");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
                   "[99999999999999999999,4]}}",
                   4, "header, byte");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
                   "\"a\": 4 bytes do not fit");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                   4, "duplicate");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                   8, "\"b\" overlaps tensor \"a\"");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
                   "belong to no tensor");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8,
                   "belong to no tensor");
    expect_refused("{\"a\\nb\":{\"dtype\":1}}", 0, "a?b");
}
END_TEST

/* A file cut at any place is refused, and so is one whose header length is wrong. */
START_TEST(truncated_files_are_refused)
{
    static const unsigned char bytes[] =
        "\x36\0\0\0\0\0\0\0"
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
        "12345678";
    unsigned char copy[sizeof bytes];
    struct safetensors *file;
    struct failure failure;

    for (size_t size = 0; size < sizeof bytes - 1; size++) {
        write_file("t.safetensors", bytes, size);
        ck_assert_msg(!safetensors_open(&file, path, &failure), "accepted %zu bytes", size);
        expect_line(&failure, ": ");
    }
    memcpy(copy, bytes, sizeof copy);
    memset(copy, 0xFF, 8);
    write_file("t.safetensors", copy, sizeof copy - 1);
    ck_assert(!safetensors_open(&file, path, &failure));
    expect_line(&failure, "18446744073709551615");
}
END_TEST

START_TEST(missing_files_are_named)
{
    struct safetensors *file;
    struct failure failure;

    snprintf(path, sizeof path, "%s/absent", directory);
    ck_assert(!safetensors_open(&file, path, &failure));
    expect_line(&failure, "No such file");
    ck_assert(!safetensors_open(&file, directory, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "not a regular file"));
}
END_TEST

static void expect_tokens_refused(const char *name, const void *bytes, size_t size,
                                  size_t vocabulary, const char *part)
{
    struct tokens tokens;
    struct failure failure;

    write_file(name, bytes, size);
    ck_assert(!tokens_load(&tokens, path, vocabulary, &failure));
    expect_line(&failure, part);
    unlink(path);
}

START_TEST(tokens_are_read_and_checked)
{
    static const unsigned char bytes[] = {1, 0, 0, 0, 2, 1, 0, 0};
    struct tokens tokens;
    struct failure failure;

    write_file("t.u16", bytes, 8);
    ck_assert(tokens_load(&tokens, path, 259, &failure));
    ck_assert_uint_eq(tokens.count, 4);
    ck_assert_uint_eq(tokens.values[0], 1);
    ck_assert_uint_eq(tokens.values[2], 258);
    tokens_free(&tokens);
    unlink(path);
    write_file("t.u32", bytes, 8);
    ck_assert(tokens_load(&tokens, path, 259, &failure));
    ck_assert_uint_eq(tokens.count, 2);
    ck_assert_uint_eq(tokens.values[1], 258);
    tokens_free(&tokens);
    unlink(path);
    write_file("t.txt", bytes, 8);
    ck_assert(tokens_load(&tokens, path, 256, &failure));
    ck_assert_uint_eq(tokens.count, 8);
    ck_assert_uint_eq(tokens.values[4], 2);
    tokens_free(&tokens);
    unlink(path);

    expect_tokens_refused("t.u16", bytes, 8, 258, "token 2 is 258");
    expect_tokens_refused("t.u16", bytes, 7, 300, "7 bytes");
    expect_tokens_refused("t.txt", bytes, 8, 300, "vocabulary of 300");
    expect_tokens_refused("t.u32", bytes, 0, 300, "no tokens");
}
END_TEST

START_TEST(samples_are_spread_over_the_text)
{
    uint32_t values[103];
    struct tokens tokens = {.values = values, .count = 103};

    for (uint32_t i = 0; i < 103; i++)
        values[i] = i;
    tokens_sample(&tokens, 10, 103);
    ck_assert_uint_eq(tokens.count, 103);
    /* Three of ten windows: those at 0, 3 and 6. */
    tokens_sample(&tokens, 10, 39);
    ck_assert_uint_eq(tokens.count, 30);
    for (uint32_t i = 0; i < 30; i++)
        ck_assert_uint_eq(tokens.values[i], i / 10 * 30 + i % 10);
    tokens_sample(&tokens, 20, 7);
    ck_assert_uint_eq(tokens.count, 7);
    ck_assert_uint_eq(tokens.values[6], 6);
}
END_TEST

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
    ck_assert_double_eq(config.rope_theta, 10000);
    ck_assert_double_eq(config.norm_epsilon, 1e-6);
    ck_assert(!config.tied);
    ck_assert(load_config(&config,
                          ",\"num_key_value_heads\":1,\"head_dim\":6,\"rope_theta\":5e5,"
                          "\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":true,"
                          "\"rope_scaling\":null,\"attention_bias\":false",
                          &failure));
    ck_assert_uint_eq(config.kv_heads, 1);
    ck_assert_uint_eq(config.head_dim, 6);
    ck_assert_double_eq(config.rope_theta, 5e5);
    ck_assert_double_eq(config.norm_epsilon, 1e-5);
    ck_assert(config.tied);
}
END_TEST

START_TEST(configs_of_other_models_are_refused_by_name)
{
    static const char *const cases[][2] = {
        {",\"rope_scaling\":{\"type\":\"linear\"}", "\"rope_scaling\""},
        {",\"rope_parameters\":{}", "\"rope_parameters\""},
        {",\"quantization_config\":{}", "\"quantization_config\""},
        {",\"attention_bias\":true", "\"attention_bias\""},
        {",\"mlp_bias\":true", "\"mlp_bias\""},
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

/* Every key of the good configuration, once left out or changed, is named in the refusal. */
START_TEST(config_keys_are_checked)
{
    static const char *const cases[][3] = {
        {"LlamaForCausalLM", "QwenForCausalLM", "\"architectures\" is \"QwenForCausalLM\""},
        {"\"llama\"", "\"mistral\"", "\"model_type\" is \"mistral\""},
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

/* Tensors of the model that good_config describes; shapes as transformers has them. */
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
    struct config config;
    struct model model;
    struct failure failure;

    ck_assert(load_config(&config, "", &failure));
    memcpy(config_path, path, sizeof path);

    write_model(model_tensor_count, false, NULL);
    ck_assert_msg(model_load(&model, directory, &failure), "%s", failure.text);
    ck_assert_double_eq(model.stored_bits, 16);
    ck_assert_uint_eq(model_linear_weights(&model), 4 * 64 + 3 * 96);
    ck_assert_ptr_ne(model.head, model.embedding);
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
    Suite *const suite = suite_create("llm files");
    TCase *const files = tcase_create("files");

    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, all_types_are_read);
    tcase_add_test(files, numbers_that_are_not_finite_are_refused);
    tcase_add_test(files, hostile_headers_are_refused);
    tcase_add_test(files, truncated_files_are_refused);
    tcase_add_test(files, missing_files_are_named);
    tcase_add_test(files, tokens_are_read_and_checked);
    tcase_add_test(files, samples_are_spread_over_the_text);
    tcase_add_test(files, config_has_the_defaults_of_transformers);
    tcase_add_test(files, configs_of_other_models_are_refused_by_name);
    tcase_add_test(files, config_keys_are_checked);
    tcase_add_test(files, model_needs_exactly_its_tensors);
    suite_add_tcase(suite, files);
    run_suite(suite);
    return 0;
}
