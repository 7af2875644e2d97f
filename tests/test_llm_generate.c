/* SPDX-License-Identifier: MIT */
/* A text that grows token by token: its logits are those of whole windows, in whatever form the
 * layers are in memory, and its bits depend neither on steps nor on threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <watersic/watersic.h>

#include "check_main.h"
#include "common/workers.h"
#include "llm/generate/generation.h"
#include "llm/generate/sample.h"
#include "llm/report/evaluate.h"
#include "packed_fixture.h"

enum { TOKENS = 100, CONTEXT = 128 };

static struct model loaded;
static struct generation generation;
static uint32_t text[TOKENS];

static void open_model(void)
{
    packed_set_up();
    ck_assert_msg(model_load(&loaded, packed.source, &packed.failure), "%s", packed.failure.text);
    synthetic_text(packed.model.vocabulary, text, TOKENS);
}

static void close_model(void)
{
    model_free(&loaded);
    packed_tear_down();
}

static void begin(const struct package *package, enum resident_form form, size_t workers)
{
    ck_assert_int_eq(wsic_context_set_threads(packed.context, workers), WSIC_OK);
    ck_assert_msg(generation_create(&generation, &loaded, package, form, packed.context, CONTEXT,
                                    &packed.failure),
                  "%s", packed.failure.text);
    generation.work.workers = workers;
    generation.forward.workers = workers;
}

static void read_tokens(const uint32_t *tokens, size_t count)
{
    ck_assert_msg(generation_read(&generation, tokens, count, &packed.failure), "%s",
                  packed.failure.text);
}

static double difference(const float *logits, const double *expected, size_t count)
{
    double sum = 0, all = 0;

    for (size_t i = 0; i < count; i++) {
        sum += pow((double)logits[i] - expected[i], 2);
        all += expected[i] * expected[i];
    }
    return sqrt(sum / all);
}

/* The plain computation knows no cache, no steps and no floats. */
START_TEST(logits_are_those_of_a_plain_computation)
{
    const size_t vocabulary = packed.model.vocabulary;
    double *const expected = malloc(TOKENS * vocabulary * sizeof *expected);

    synthetic_logits(&packed.model, text, TOKENS, expected);
    begin(NULL, RESIDENT_F32, workers_usual());
    for (size_t i = 0; i < TOKENS; i++) {
        read_tokens(text + i, 1);
        ck_assert_double_lt(difference(generation.logits, expected + i * vocabulary, vocabulary),
                            1e-4);
    }
    generation_free(&generation);
    free(expected);
}
END_TEST

static float *final_logits(size_t first_step)
{
    float *const logits = malloc(packed.model.vocabulary * sizeof *logits);

    for (size_t i = 0; i < TOKENS; i += first_step)
        read_tokens(text + i, TOKENS - i < first_step ? TOKENS - i : first_step);
    memcpy(logits, generation.logits, packed.model.vocabulary * sizeof *logits);
    generation_free(&generation);
    return logits;
}

START_TEST(bits_depend_neither_on_steps_nor_on_threads)
{
    static const size_t steps[] = {1, 7, 64, TOKENS};
    const size_t bytes = packed.model.vocabulary * sizeof(float);
    struct package *package;

    packed_pack();
    ck_assert(package_open(&package, packed.context, packed.packed, &packed.failure));
    for (int form = RESIDENT_F32; form <= RESIDENT_CODED; form++) {
        begin(package, (enum resident_form)form, 1);
        float *const expected = final_logits(TOKENS);
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            begin(package, (enum resident_form)form, 1 + i % workers_usual());
            float *const logits = final_logits(steps[i]);
            ck_assert_mem_eq(logits, expected, bytes);
            free(logits);
        }
        free(expected);
    }
    package_close(package);
}
END_TEST

/* eval's forward pass on the weights as restored, token by token. */
START_TEST(all_forms_agree_with_whole_windows)
{
    const size_t vocabulary = packed.model.vocabulary;
    const size_t hidden_size = packed.model.hidden;
    float *const whole = malloc(TOKENS * vocabulary * sizeof *whole);
    double *const expected = malloc(vocabulary * sizeof *expected);
    struct tokens tokens = {.values = text, .count = TOKENS};
    struct model restored;
    struct package *package;

    packed_pack();
    ck_assert_msg(model_load(&restored, packed.packed, &packed.failure), "%s", packed.failure.text);
    float *const hidden = evaluate_hidden(&restored, &tokens, CONTEXT, &packed.failure);
    ck_assert_msg(hidden != NULL, "%s", packed.failure.text);
    ck_assert(forward_logits(&restored, hidden, TOKENS, whole, &packed.failure));
    ck_assert(package_open(&package, packed.context, packed.packed, &packed.failure));
    for (int form = RESIDENT_INT8; form <= RESIDENT_CODED; form++) {
        begin(package, (enum resident_form)form, workers_usual());
        for (size_t i = 0; i < TOKENS; i++) {
            read_tokens(text + i, 1);
            for (size_t j = 0; j < vocabulary; j++)
                expected[j] = (double)whole[i * vocabulary + j];
            ck_assert_double_lt(difference(generation.logits, expected, vocabulary), 1e-4);
        }
        generation_free(&generation);
    }
    ck_assert_uint_gt(hidden_size, 0);
    package_close(package);
    model_free(&restored);
    free(hidden);
    free(whole);
    free(expected);
}
END_TEST

START_TEST(forms_take_the_memory_that_they_say)
{
    struct package *package;
    uint64_t bytes[3];

    packed_pack();
    ck_assert(package_open(&package, packed.context, packed.packed, &packed.failure));
    for (int form = RESIDENT_F32; form <= RESIDENT_CODED; form++) {
        begin(package, (enum resident_form)form, 1);
        bytes[form] = generation_memory(&generation).layers;
        generation_free(&generation);
    }
    ck_assert_uint_eq(bytes[RESIDENT_F32], 4 * layers_weights(&loaded.config));
    ck_assert_uint_lt(bytes[RESIDENT_INT8], bytes[RESIDENT_F32] / 2);
    package_close(package);
}
END_TEST

START_TEST(a_full_window_and_foreign_tokens_are_refused)
{
    const uint32_t foreign = (uint32_t)packed.model.vocabulary;

    begin(NULL, RESIDENT_F32, 1);
    read_tokens(text, TOKENS);
    ck_assert(!generation_read(&generation, &foreign, 1, &packed.failure));
    ck_assert_ptr_nonnull(strstr(packed.failure.text, "but the vocabulary has"));
    read_tokens(text, CONTEXT - TOKENS);
    ck_assert(!generation_read(&generation, text, 1, &packed.failure));
    ck_assert_ptr_nonnull(strstr(packed.failure.text, "the window of 128 tokens is full"));
    generation_free(&generation);
}
END_TEST

/* --- choosing ---------------------------------------------------------------- */

static double counted[4];

static void choose_often(const struct sampling *settings, const float *logits)
{
    enum { TIMES = 20000 };
    struct sampler sampler;
    struct failure failure;

    memset(counted, 0, sizeof counted);
    ck_assert(sampler_create(&sampler, settings, 7, 4, &failure));
    for (size_t i = 0; i < TIMES; i++)
        counted[sampler_choose(&sampler, logits)] += 1.0 / TIMES;
    sampler_free(&sampler);
}

/* 1/2, 1/4, 1/8, 1/8: deviations of four standard errors are below 0.015. */
START_TEST(tokens_are_chosen_as_often_as_they_are_likely)
{
    const float logits[] = {logf(0.25F), logf(0.125F), logf(0.5F), logf(0.125F)};
    const struct sampling all = {.temperature = 1, .top_p = 1};
    const struct sampling cold = {.temperature = 0, .top_p = 1};
    const struct sampling two = {.temperature = 1, .top_p = 1, .top_k = 2};
    const struct sampling most = {.temperature = 1, .top_p = 0.7};
    const struct sampling warm = {.temperature = 2, .top_p = 1};
    const double root = sqrt(0.5) + 0.5 + 2 * sqrt(0.125);

    choose_often(&all, logits);
    ck_assert_double_eq_tol(counted[2], 0.5, 0.015);
    ck_assert_double_eq_tol(counted[0], 0.25, 0.015);
    ck_assert_double_eq_tol(counted[3], 0.125, 0.015);
    choose_often(&cold, logits);
    ck_assert_double_eq_tol(counted[2], 1, 1e-9);
    choose_often(&two, logits);
    ck_assert_double_eq_tol(counted[2], 2.0 / 3, 0.015);
    ck_assert_double_eq(counted[1] + counted[3], 0);
    choose_often(&most, logits);
    ck_assert_double_eq_tol(counted[0], 1.0 / 3, 0.015);
    ck_assert_double_eq(counted[1] + counted[3], 0);
    choose_often(&warm, logits);
    ck_assert_double_eq_tol(counted[2], sqrt(0.5) / root, 0.015);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm generate");
    TCase *const texts = tcase_create("texts");
    TCase *const choices = tcase_create("choices");

    tcase_add_checked_fixture(texts, open_model, close_model);
    tcase_set_timeout(texts, 120);
    tcase_add_test(texts, logits_are_those_of_a_plain_computation);
    tcase_add_test(texts, bits_depend_neither_on_steps_nor_on_threads);
    tcase_add_test(texts, all_forms_agree_with_whole_windows);
    tcase_add_test(texts, forms_take_the_memory_that_they_say);
    tcase_add_test(texts, a_full_window_and_foreign_tokens_are_refused);
    tcase_add_test(choices, tokens_are_chosen_as_often_as_they_are_likely);
    suite_add_tcase(suite, texts);
    suite_add_tcase(suite, choices);
    return run_suite(suite);
}
