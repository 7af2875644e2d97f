/* SPDX-License-Identifier: MIT */
/* Architectures beyond the plain Llama, and checkpoints in several files, made by the test: the
 * program's forward pass against a plain one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/report/evaluate.h"
#include "llm/model/forward.h"
#include "synthetic_llm.h"
#include "temporary.h"

static temporary place;
static struct synthetic_llm plain;

static void set_up(void)
{
    temporary_create(&place);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    temporary_destroy(&place);
}

static void write_single(void)
{
    synthetic_write(&plain, place.directory);
}

static const char *shard_name(size_t tensor)
{
    static const char *const names[] = {"model-00001-of-00003.safetensors",
                                        "model-00002-of-00003.safetensors",
                                        "model-00003-of-00003.safetensors"};

    return names[tensor * 3 / plain.count];
}

/* Where the index says that tensor `changed` lies; the others are named as they are. A `changed`
 * that is not below the count is a further entry. NULL: no entry. */
static void write_index(size_t changed, const char *shard)
{
    FILE *const file = fopen(temporary_path(&place, "model.safetensors.index.json"), "wb");
    const char *separator = "";

    ck_assert_ptr_nonnull(file);
    fputs("{\"metadata\":{\"total_size\":1},\"weight_map\":{", file);
    for (size_t i = 0; i < plain.count; i++) {
        const char *const name = i == changed ? shard : shard_name(i);
        if (!name)
            continue;
        fprintf(file, "%s\"%s\":\"%s\"", separator, plain.tensors[i].name, name);
        separator = ",";
    }
    if (changed == plain.count)
        fprintf(file, ",\"further\":\"%s\"", shard);
    fputs("}}", file);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_shards(void)
{
    synthetic_write_config(&plain, place.directory);
    for (size_t first = 0; first < plain.count;) {
        size_t end = first;
        while (end < plain.count && shard_name(end) == shard_name(first))
            end++;
        synthetic_write_shard(&plain, place.directory, shard_name(first), first, end);
        first = end;
    }
    write_index(SIZE_MAX, NULL);
}

enum { text_length = 100 }; /* several strips of queries, and rotations far beyond one turn */

/* Largest difference of a logit of the model on disk and of the plain computation. */
static double largest_difference(void)
{
    uint32_t values[text_length];
    const struct tokens tokens = {.values = values, .count = text_length};
    const size_t numbers = text_length * plain.vocabulary;
    double *const expected = malloc(numbers * sizeof *expected);
    float *const logits = malloc(numbers * sizeof *logits);
    struct failure failure;
    struct model model;
    double largest = 0;

    synthetic_text(plain.vocabulary, values, text_length);
    synthetic_logits(&plain, values, text_length, expected);
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
    float *const hidden = evaluate_hidden(&model, &tokens, text_length, &failure);
    ck_assert_msg(hidden && logits && expected, "%s", failure.text);
    ck_assert(forward_logits(&model, hidden, text_length, logits, &failure));
    for (size_t i = 0; i < numbers; i++)
        largest = fmax(largest, fabs((double)logits[i] - expected[i]));
    model_free(&model);
    free(hidden);
    free(logits);
    free(expected);
    return largest;
}

START_TEST(sharded_llama_3_agrees_with_a_plain_computation)
{
    synthetic_llama3(&plain);
    write_shards();
    ck_assert_double_lt(largest_difference(), 1e-4);

    /* The rotations matter: unscaled ones give other logits. */
    plain.llama3_scaling = false;
    ck_assert_double_gt(largest_difference(), 0.1);
    plain.llama3_scaling = true;

    /* The single file counts where both are there. */
    plain.tensors[0].bits[0] ^= 0x8000;
    write_single();
    ck_assert_double_lt(largest_difference(), 1e-4);
}
END_TEST

START_TEST(qwen3_agrees_with_a_plain_computation)
{
    synthetic_qwen3(&plain);
    write_single();
    ck_assert_double_lt(largest_difference(), 1e-4);

    plain.qwen3 = false;
    ck_assert_double_gt(largest_difference(), 0.1);
}
END_TEST

/* Two windows, the second one shorter. */
START_TEST(importance_agrees_with_a_plain_computation)
{
    enum { window = 70 };
    uint32_t values[text_length];
    double expected[text_length];
    double importance[text_length];
    struct failure failure;
    struct forward forward;
    struct model model;

    synthetic_qwen3(&plain);
    write_single();
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
    synthetic_text(plain.vocabulary, values, text_length);
    float *const hidden = malloc(text_length * plain.hidden * sizeof *hidden);
    ck_assert_ptr_nonnull(hidden);
    ck_assert(forward_create(&forward, &model.config, window, &failure));
    ck_assert(forward_watch_importance(&forward, &failure));
    ck_assert(forward_embed(&model, values, text_length, hidden, &failure));
    for (size_t block = 0; block < plain.blocks; block++) {
        forward_block(&forward, &model.blocks[block], hidden, text_length);
        forward_importance(&forward, text_length, importance);
        synthetic_importance(&plain, values, window, block, expected);
        synthetic_importance(&plain, values + window, text_length - window, block,
                             expected + window);
        for (size_t i = 0; i < text_length; i++)
            ck_assert_double_eq_tol(importance[i] / expected[i], 1, 1e-4);
    }
    forward_free(&forward);
    free(hidden);
    model_free(&model);
}
END_TEST

static void expect_refused(const char *file, const char *key)
{
    struct failure failure;
    struct model model;

    ck_assert(!model_load(&model, place.directory, &failure));
    ck_assert_msg(strstr(failure.text, file), "no \"%s\" in: %s", file, failure.text);
    ck_assert_msg(strstr(failure.text, key), "no \"%s\" in: %s", key, failure.text);
    ck_assert_ptr_null(strchr(failure.text, '\n'));
}

START_TEST(qwen3_needs_its_norms)
{
    synthetic_qwen3(&plain);
    write_single();
    for (size_t i = 0; i < plain.count; i++) {
        char name[sizeof plain.tensors[i].name];
        strcpy(name, plain.tensors[i].name);
        if (!strstr(name, "q_norm") && !strstr(name, "k_norm"))
            continue;
        strcat(plain.tensors[i].name, "x");
        write_single();
        expect_refused("model.safetensors", name);
        strcpy(plain.tensors[i].name, name);
        plain.tensors[i].columns--;
        write_single();
        expect_refused("model.safetensors", "shape is not [8]");
        expect_refused("model.safetensors", name);
        plain.tensors[i].columns++;
    }
    /* A Llama has none. */
    plain.qwen3 = false;
    write_single();
    expect_refused("model.safetensors", "_norm.weight\" is no part of a LlamaForCausalLM");
}
END_TEST

START_TEST(indexes_that_do_not_fit_are_refused)
{
    static const char index[] = "model.safetensors.index.json";

    synthetic_llama3(&plain);
    write_shards();
    write_index(3, "model-00009-of-00003.safetensors");
    expect_refused("model-00009-of-00003.safetensors", "No such file");
    write_index(3, "model-00002-of-00003.safetensors");
    expect_refused(index, plain.tensors[3].name);
    expect_refused(index, "is not in model-00002-of-00003.safetensors");
    write_index(3, "../model.safetensors");
    expect_refused(index, "its place is not the name of a file");
    write_index(3, NULL);
    expect_refused(index, plain.tensors[3].name);
    expect_refused(index, "is not named there");
    write_index(plain.count, "model-00002-of-00003.safetensors");
    expect_refused(index, "\"further\" is not in model-00002-of-00003.safetensors");
    write_file(temporary_path(&place, index), "{\"weight_map\":[]}", 17);
    expect_refused(index, "\"weight_map\"");
    write_file(temporary_path(&place, index), "{\"weight_map\":", 14);
    expect_refused(index, "line 1");
}
END_TEST

START_TEST(shards_that_do_not_fit_are_refused)
{
    size_t size;

    synthetic_llama3(&plain);
    write_shards();
    const char *const second = shard_name(plain.count / 2);
    uint8_t *const bytes = read_file(temporary_path(&place, second), &size);

    write_file(temporary_path(&place, second), bytes, size - 1);
    expect_refused(second, "data_offsets");
    write_file(temporary_path(&place, second), bytes, 100);
    expect_refused(second, "header of");
    free(bytes);
    ck_assert_int_eq(unlink(temporary_path(&place, second)), 0);
    expect_refused(second, "No such file");

    struct synthetic_tensor *const turned = &plain.tensors[plain.count / 2 + 1];
    const size_t rows = turned->rows;
    ck_assert_uint_ne(rows, turned->columns);
    turned->rows = turned->columns;
    turned->columns = rows;
    write_shards();
    expect_refused(second, turned->name);
    expect_refused(second, "shape is not");
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm architectures");
    TCase *const checkpoints = tcase_create("checkpoints");

    tcase_add_checked_fixture(checkpoints, set_up, tear_down);
    tcase_add_test(checkpoints, sharded_llama_3_agrees_with_a_plain_computation);
    tcase_add_test(checkpoints, qwen3_agrees_with_a_plain_computation);
    tcase_add_test(checkpoints, importance_agrees_with_a_plain_computation);
    tcase_add_test(checkpoints, qwen3_needs_its_norms);
    tcase_add_test(checkpoints, indexes_that_do_not_fit_are_refused);
    tcase_add_test(checkpoints, shards_that_do_not_fit_are_refused);
    suite_add_tcase(suite, checkpoints);
    run_suite(suite);
    return 0;
}
