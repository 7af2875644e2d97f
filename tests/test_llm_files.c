/* SPDX-License-Identifier: MIT */
/* Readers of the program's inputs: good files give what is in them, bad ones are refused with one
 * line that names the file and what is wrong in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <watersic/watersic.h>

#include "check_main.h"
#include "common/safetensors.h"
#include "common/tokens.h"
#include "llm/text/text.h"
#include "scratch_files.h"

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

/* What loading a text of two small tokens says on standard error. */
static void load_text(const char *name, size_t vocabulary, char *said, size_t size)
{
    static const unsigned char bytes[] = {1, 0, 0, 0, 2, 0, 0, 0};
    struct config config = {.vocabulary = vocabulary};
    struct tokens tokens;
    struct failure failure;
    FILE *const caught = tmpfile();
    const int before = dup(STDERR_FILENO);

    ck_assert_ptr_nonnull(caught);
    write_file(name, bytes, sizeof bytes);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
    const struct text_source source = {.tokens = path};
    const bool ok = text_load(&tokens, &source, &config, 1, SIZE_MAX, &failure);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    ck_assert_msg(ok, "%s", failure.text);
    tokens_free(&tokens);
    unlink(path);
    rewind(caught);
    said[fread(said, 1, size - 1, caught)] = '\0';
    fclose(caught);
}

START_TEST(numbers_too_short_for_the_vocabulary_are_told)
{
    char said[400];

    load_text("t.u16", 65536, said, sizeof said);
    ck_assert_str_eq(said, "");
    load_text("t.u32", 70000, said, sizeof said);
    ck_assert_str_eq(said, "");
    load_text("t.u16", 70000, said, sizeof said);
    ck_assert_ptr_nonnull(strstr(said, "t.u16: numbers of 16 bits name 65536 tokens"));
    ck_assert_ptr_nonnull(strstr(said, "70000"));
}
END_TEST

/* 10 tokens, and 7 before each window. */
static void expect_begun(const char *config_json, size_t most, const uint32_t *expected,
                         size_t count)
{
    static const unsigned char bytes[] = {1, 0, 2, 0, 3, 0, 4, 0, 5,  0,
                                          6, 0, 7, 0, 8, 0, 9, 0, 10, 0};
    const struct config config = {.vocabulary = 65536};
    struct tokens tokens;
    struct failure failure;
    char tokens_path[sizeof path];

    write_file("t.u16", bytes, sizeof bytes);
    memcpy(tokens_path, path, sizeof path);
    write_file("config.json", config_json, strlen(config_json));
    const struct text_source source = {
        .tokens = tokens_path, .model = directory, .beginning = TEXT_BEGINNING_SET};
    const bool ok = text_load(&tokens, &source, &config, 4, most, &failure);
    ck_assert_int_eq(ok, expected != NULL);
    if (!ok) {
        expect_line(&failure, "bos_token_id");
        return;
    }
    ck_assert_uint_eq(tokens.count, count);
    ck_assert_mem_eq(tokens.values, expected, count * sizeof *expected);
    tokens_free(&tokens);
    unlink(tokens_path);
}

START_TEST(windows_begin_as_texts_do)
{
    static const uint32_t all[] = {7, 1, 2, 3, 7, 4, 5, 6, 7, 7, 8, 9, 7, 10};
    static const uint32_t spread[] = {7, 1, 2, 3, 7, 4, 5, 6};
    static const uint32_t few[] = {7, 1, 2};
    static const uint32_t once[] = {1, 2, 3, 4, 1, 5, 6, 7, 1, 8, 9, 10};

    expect_begun("{\"bos_token_id\":7}", 14, all, 14);
    expect_begun("{\"bos_token_id\":7}", 1000, all, 14);
    expect_begun("{\"bos_token_id\":7}", 8, spread, 8);
    expect_begun("{\"bos_token_id\":7}", 3, few, 3);
    expect_begun("{\"bos_token_id\":1}", 1000, once, 12);
    expect_begun("{\"bos_token_id\":null}", 1000, NULL, 0);
    expect_begun("{\"bos_token_id\":[1]}", 1000, NULL, 0);
    expect_begun("{}", 1000, NULL, 0);
}
END_TEST

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
    tcase_add_test(files, numbers_too_short_for_the_vocabulary_are_told);
    tcase_add_test(files, windows_begin_as_texts_do);
    tcase_add_test(files, samples_are_spread_over_the_text);
    suite_add_tcase(suite, files);
    run_suite(suite);
    return 0;
}
