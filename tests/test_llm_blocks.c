/* SPDX-License-Identifier: MIT */
/* A checkpoint that is opened, not loaded: its blocks, its embedding and its head come one part at
 * a time, and are what a model in memory has. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/model/forward.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 5 };

static struct synthetic_llm plain;
static temporary place;
static struct model model;

/* More numbers in the head than are loaded at once, and not a whole number of such parts. */
static void set_up(void)
{
    plain = (struct synthetic_llm){.qwen3 = true,
                                   .hidden = 24,
                                   .intermediate = 40,
                                   .blocks = 3,
                                   .heads = 3,
                                   .kv_heads = 1,
                                   .head_dim = 8,
                                   .vocabulary = 90001,
                                   .theta = 1e6};
    synthetic_fill(&plain);
    temporary_create(&place);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    temporary_destroy(&place);
}

static struct synthetic_tensor *find(const char *name)
{
    for (size_t i = 0; i < plain.count; i++)
        if (strcmp(plain.tensors[i].name, name) == 0)
            return &plain.tensors[i];
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

static void open_model(void)
{
    struct failure failure;

    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
}

static void expect_numbers(const char *name, const float *values)
{
    const struct synthetic_tensor *const tensor = find(name);
    const size_t count = (tensor->rows ? tensor->rows : 1) * tensor->columns;

    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        wrong += bits != (uint32_t)tensor->bits[i] << 16;
    }
    ck_assert_msg(wrong == 0, "%zu numbers of %s differ", wrong, name);
}

START_TEST(blocks_are_loaded_one_by_one)
{
    struct failure failure;
    struct block block;

    open_model();
    ck_assert_ptr_null(model.blocks);
    ck_assert_ptr_null(model.embedding.values);
    ck_assert_ptr_null(model.head.values);
    ck_assert_double_eq(model.stored_bits, 16);
    ck_assert_uint_eq(layers_weights(&model.config), 3 * (24 * 24 * 2 + 2 * 8 * 24 + 3 * 24 * 40));
    for (size_t i = 3; i-- > 0;) {
        char name[MODEL_NAME_SIZE];
        ck_assert_msg(model_load_block(&model, i, &block, &failure), "%s", failure.text);
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            layers_name(&model.config, i * LINEAR_KINDS + kind, name);
            expect_numbers(name, block.linear[kind].weights);
        }
        snprintf(name, sizeof name, "model.layers.%zu.self_attn.k_norm.weight", i);
        expect_numbers(name, block.key_norm);
        snprintf(name, sizeof name, "model.layers.%zu.post_attention_layernorm.weight", i);
        expect_numbers(name, block.ffn_norm);
        block_free(&block);
        ck_assert_ptr_null(block.linear);
    }
    model_free(&model);
}
END_TEST

START_TEST(head_and_embedding_may_stay_in_the_checkpoint)
{
    const uint32_t tokens[text_length] = {90000, 3, 70000, 3, 0};
    const size_t numbers = text_length * plain.vocabulary;
    float hidden[2][text_length * 24];
    float *const logits[2] = {malloc(numbers * sizeof(float)), malloc(numbers * sizeof(float))};
    struct failure failure;

    ck_assert(logits[0] && logits[1]);
    open_model();
    for (size_t i = 0; i < 2; i++) {
        ck_assert(forward_embed(&model, tokens, text_length, hidden[i], &failure));
        ck_assert(forward_logits(&model, hidden[i], text_length, logits[i], &failure));
        ck_assert(table_load(&model.embedding, &failure));
        ck_assert(table_load(&model.head, &failure));
    }
    expect_numbers("model.embed_tokens.weight", model.embedding.values);
    expect_numbers("lm_head.weight", model.head.values);
    ck_assert_mem_eq(hidden[0], hidden[1], sizeof hidden[0]);
    double largest = 0;
    for (size_t i = 0; i < numbers; i++)
        largest = fmax(largest, fabs((double)logits[0][i] - (double)logits[1][i]));
    ck_assert_double_lt(largest, 1e-4);
    model_free(&model);
    free(logits[0]);
    free(logits[1]);
}
END_TEST

static void expect_refused(const struct failure *failure, const char *name)
{
    ck_assert_msg(strstr(failure->text, "model.safetensors"), "%s", failure->text);
    ck_assert_msg(strstr(failure->text, name), "%s", failure->text);
    ck_assert_msg(strstr(failure->text, "is not finite"), "%s", failure->text);
}

/* Bits of infinity and of a NaN. */
START_TEST(numbers_that_are_not_finite_are_found_where_they_are_used)
{
    const uint32_t tokens[2] = {5, 77};
    float *const logits = malloc(plain.vocabulary * sizeof *logits);
    float hidden[2 * 24];
    struct failure failure;
    struct block block;

    ck_assert_ptr_nonnull(logits);
    find("model.layers.1.mlp.up_proj.weight")->bits[40 * 24 - 1] = 0x7F80;
    find("model.embed_tokens.weight")->bits[77 * 24] = 0xFFC0;
    find("lm_head.weight")->bits[90000 * 24] = 0xFF80;
    open_model();
    ck_assert(model_load_block(&model, 0, &block, &failure));
    block_free(&block);
    ck_assert(!model_load_block(&model, 1, &block, &failure));
    expect_refused(&failure, "\"model.layers.1.mlp.up_proj.weight\": number 959 ");
    ck_assert(forward_embed(&model, tokens, 1, hidden, &failure));
    ck_assert(!forward_embed(&model, tokens, 2, hidden, &failure));
    expect_refused(&failure, "\"model.embed_tokens.weight\": number 1848 ");
    ck_assert(!forward_logits(&model, hidden, 1, logits, &failure));
    expect_refused(&failure, "\"lm_head.weight\": number 2160000 ");
    ck_assert(!model_load_rest(&model, &failure));
    expect_refused(&failure, "model.layers.1.mlp.up_proj.weight");
    model_free(&model);
    free(logits);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm blocks");
    TCase *const blocks = tcase_create("blocks");

    tcase_set_timeout(blocks, 60);
    tcase_add_checked_fixture(blocks, set_up, tear_down);
    tcase_add_test(blocks, blocks_are_loaded_one_by_one);
    tcase_add_test(blocks, head_and_embedding_may_stay_in_the_checkpoint);
    tcase_add_test(blocks, numbers_that_are_not_finite_are_found_where_they_are_used);
    suite_add_tcase(suite, blocks);
    run_suite(suite);
    return 0;
}
