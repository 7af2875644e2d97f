/* SPDX-License-Identifier: MIT */
/* The forward pass against logits of an independent implementation, the evaluation against its
 * definition. LLM_DATA, an environment variable, may name
 * another checkpoint with logits.npy and logits_tokens.u16. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/tokens.h"
#include "llm/report/evaluate.h"
#include "llm/model/forward.h"

static char directory[4096];
static struct model model;
static struct tokens tokens;
static float *expected; /* logits */

static void read_logits(const char *path, size_t count)
{
    unsigned char start[10];
    FILE *const file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(start, 1, sizeof start, file), sizeof start);
    ck_assert_int_eq(fseek(file, start[8] + 256 * start[9], SEEK_CUR), 0);
    expected = malloc(count * sizeof *expected);
    ck_assert_ptr_nonnull(expected);
    ck_assert_uint_eq(fread(expected, sizeof *expected, count, file), count);
    ck_assert_int_eq(fgetc(file), EOF);
    fclose(file);
}

static void set_up(void)
{
    const char *const chosen = getenv("LLM_DATA");
    struct failure failure;
    char path[4200];

    snprintf(directory, sizeof directory, "%s", chosen ? chosen : TINYLM);
    ck_assert_msg(model_load(&model, directory, &failure), "%s", failure.text);
    snprintf(path, sizeof path, "%s/logits_tokens.u16", directory);
    ck_assert_msg(tokens_load(&tokens, path, model.config.vocabulary, &failure), "%s",
                  failure.text);
    ck_assert_uint_eq(tokens.count, 64);
    snprintf(path, sizeof path, "%s/logits.npy", directory);
    read_logits(path, tokens.count * model.config.vocabulary);
}

static void tear_down(void)
{
    model_free(&model);
    tokens_free(&tokens);
    free(expected);
}

static float *logits_of(const struct tokens *text, size_t window)
{
    struct failure failure;
    float *const hidden = evaluate_hidden(&model, text, window, &failure);
    float *const logits = malloc(text->count * model.config.vocabulary * sizeof *logits);

    ck_assert_msg(hidden && logits, "%s", failure.text);
    ck_assert_msg(forward_logits(&model, hidden, text->count, logits, &failure), "%s",
                  failure.text);
    free(hidden);
    return logits;
}

static double largest_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

START_TEST(logits_agree_with_an_independent_implementation)
{
    float *const logits = logits_of(&tokens, 64);
    const double difference =
        largest_difference(logits, expected, tokens.count * model.config.vocabulary);

    fprintf(stderr, "largest difference of a logit: %.3g\n", difference);
    ck_assert_double_lt(difference, 1e-3);
    free(logits);
}
END_TEST

/* Tokens do not see what comes later, nor other windows: cutting the text changes nothing before
 * the cut, and the second window is computed as if it were alone. */
START_TEST(windows_are_causal_and_separate)
{
    const size_t vocabulary = model.config.vocabulary;
    const struct tokens tail = {.values = tokens.values + 40, .count = 24};
    float *const cut = logits_of(&tokens, 40);
    float *const alone = logits_of(&tail, 40);

    ck_assert_double_lt(largest_difference(cut, expected, 40 * vocabulary), 1e-3);
    ck_assert_double_lt(largest_difference(cut + 40 * vocabulary, alone, 24 * vocabulary), 1e-4);
    ck_assert_double_gt(
        largest_difference(cut + 40 * vocabulary, expected + 40 * vocabulary, 24 * vocabulary),
        0.1);
    free(cut);
    free(alone);
}
END_TEST

/* More text than fits a batch, more than a strip of queries in a window. */
START_TEST(long_texts_equal_their_windows)
{
    const size_t window = 100;
    const size_t hidden = model.config.hidden;
    const size_t count = 4300;
    struct tokens text = {.values = malloc(count * sizeof *text.values), .count = count};
    struct failure failure;

    for (size_t i = 0; i < count; i++)
        text.values[i] = tokens.values[(i * i + i / 64) % tokens.count];
    float *const all = evaluate_hidden(&model, &text, window, &failure);
    ck_assert_ptr_nonnull(all);
    for (size_t first = 0; first < count; first += 1400) {
        const struct tokens part = {.values = text.values + first, .count = window};
        float *const alone = evaluate_hidden(&model, &part, window, &failure);
        ck_assert_ptr_nonnull(alone);
        ck_assert_double_lt(largest_difference(all + first * hidden, alone, window * hidden), 1e-3);
        free(alone);
    }
    free(all);
    free(text.values);
}
END_TEST

static double log_probability(const float *logits, size_t token, size_t vocabulary)
{
    double sum = 0;

    for (size_t i = 0; i < vocabulary; i++)
        sum += exp((double)logits[i]);
    return (double)logits[token] - log(sum);
}

START_TEST(cross_entropy_is_the_mean_surprise)
{
    const size_t vocabulary = model.config.vocabulary;
    struct evaluation evaluation;
    struct failure failure;
    double surprise = 0;

    for (size_t i = 0; i + 1 < tokens.count; i++)
        surprise -= log_probability(expected + i * vocabulary, tokens.values[i + 1], vocabulary);
    surprise /= (double)(tokens.count - 1);
    ck_assert(evaluate(&evaluation, &model, &tokens, 64, NULL, &failure));
    ck_assert_uint_eq(evaluation.predictions, 63);
    ck_assert_double_eq_tol(evaluation.cross_entropy, surprise, 1e-4);
    ck_assert_double_eq_tol(evaluation.perplexity, exp(surprise), 1e-3);
    ck_assert_double_eq(evaluation.kl_bits, 0);

    /* The first token of a window is not predicted. */
    ck_assert(evaluate(&evaluation, &model, &tokens, 16, NULL, &failure));
    ck_assert_uint_eq(evaluation.predictions, 60);
}
END_TEST

START_TEST(divergence_is_as_defined)
{
    const size_t vocabulary = model.config.vocabulary;
    struct evaluation evaluation;
    struct failure failure;
    double nats = 0;
    float *const reference = evaluate_hidden(&model, &tokens, 64, &failure);

    ck_assert_ptr_nonnull(reference);
    ck_assert(evaluate(&evaluation, &model, &tokens, 64, reference, &failure));
    ck_assert_double_eq_tol(evaluation.kl_bits, 0, 1e-9);

    struct linear *const spoiled = &model.blocks[0].linear[LINEAR_DOWN];
    for (size_t i = 0; i < spoiled->rows * spoiled->columns; i++)
        spoiled->weights[i] *= 1.5F;
    ck_assert(evaluate(&evaluation, &model, &tokens, 64, reference, &failure));
    float *const logits = logits_of(&tokens, 64);
    for (size_t i = 0; i + 1 < tokens.count; i++) {
        for (size_t j = 0; j < vocabulary; j++) {
            const double p = log_probability(expected + i * vocabulary, j, vocabulary);
            const double q = log_probability(logits + i * vocabulary, j, vocabulary);
            nats += exp(p) * (p - q) / (double)(tokens.count - 1);
        }
    }
    ck_assert_double_gt(nats, 0.01);
    ck_assert_double_eq_tol(evaluation.kl_bits, nats / log(2), 1e-4);
    free(logits);
    free(reference);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm");
    TCase *const forward = tcase_create("forward");

    tcase_set_timeout(forward, 60);
    tcase_add_checked_fixture(forward, set_up, tear_down);
    tcase_add_test(forward, logits_agree_with_an_independent_implementation);
    tcase_add_test(forward, windows_are_causal_and_separate);
    tcase_add_test(forward, long_texts_equal_their_windows);
    tcase_add_test(forward, cross_entropy_is_the_mean_surprise);
    tcase_add_test(forward, divergence_is_as_defined);
    suite_add_tcase(suite, forward);
    run_suite(suite);
    return 0;
}
