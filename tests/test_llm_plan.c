/* SPDX-License-Identifier: MIT */
/* Plans over all layers of a model: sensitivities are what divergences say, and are kept in a file
 * that is believed only if it is whole and of the same model and text; budgets are met in bytes;
 * waterfilling gives less weighted distortion than equal shares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/watersic/code_gain.h"
#include "llm/report/evaluate.h"
#include "llm/watersic/sensitivity.h"
#include "llm/watersic/sensitivity_file.h"
#include "llm/watersic/survey.h"
#include "llm/watersic/watersic_run.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 330, window = 30, layers = 2 * LINEAR_KINDS };

static struct synthetic_llm plain;
static temporary place;
static wsic_context *context;
static struct model model;
static uint32_t values[text_length];
static const struct tokens text = {.values = values, .count = text_length};
static struct meter meter = {.shown = false};
static const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};

static void set_up(void)
{
    struct failure failure;

    synthetic_qwen3(&plain);
    temporary_create(&place);
    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_text(plain.vocabulary, values, text_length);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    model_free(&model);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

/* --- sensitivities ------------------------------------------------------------- */

/* Queries and keys of heads that are normalised do not care for their scale: every other weight
 * shrinks. */
static void change(float *weights, const struct linear *linear, float factor)
{
    for (size_t i = 0; i < linear->rows * linear->columns; i++)
        weights[i] = linear->weights[i] * (i % 2 ? factor : 1);
}

/* The divergence of a model in memory, one of whose layers is changed. */
static double divergence_of(size_t layer, float factor, const float *reference)
{
    const struct linear *const linear =
        &model.blocks[layer / LINEAR_KINDS].linear[layer % LINEAR_KINDS];
    struct evaluation evaluation;
    struct failure failure;

    change(linear->weights, linear, factor);
    ck_assert(evaluate(&evaluation, &model, &text, window, reference, &failure));
    change(linear->weights, linear, 1 / factor);
    return evaluation.kl_bits;
}

START_TEST(divergences_are_those_of_the_changed_model)
{
    struct sensitivity_probe probe;
    struct failure failure;
    double divergences[LINEAR_KINDS];

    float *const reference = evaluate_hidden(&model, &text, window, &failure);
    ck_assert(sensitivity_begin(&probe, &model, &text, window, &failure));
    for (size_t block = 0; block < plain.blocks; block++) {
        /* Not the last one, which then causes no divergence. */
        for (size_t kind = 0; kind < LINEAR_DOWN; kind++) {
            const struct linear *const linear = &model.blocks[block].linear[kind];
            const size_t count = linear->rows * linear->columns;
            float *const weights = malloc(count * sizeof *weights);
            change(weights, linear, 0.5F);
            ck_assert(sensitivity_change(&probe, (enum linear_kind)kind, weights, &failure));
            free(weights);
        }
        ck_assert(sensitivity_measure(&probe, divergences, &failure));
        for (size_t kind = 0; kind < LINEAR_DOWN; kind++) {
            const double expected = divergence_of(block * LINEAR_KINDS + kind, 0.5F, reference);
            ck_assert_double_gt(expected, 1e-5);
            ck_assert_double_eq_tol(divergences[kind], expected, 1e-4 * expected + 1e-7);
        }
        ck_assert_double_eq(divergences[LINEAR_DOWN], 0);
    }
    sensitivity_end(&probe);
    free(reference);
}
END_TEST

static void survey_knowing(struct allocation *allocation, const struct tokens *tokens,
                           const char *directory, struct known_sensitivities *sensitivities)
{
    const struct recipe recipe = {.plan = PLAN_WATERFILL};
    const struct calibration calibration = {.tokens = tokens,
                                            .window = window,
                                            .recipe = &recipe,
                                            .directory = directory,
                                            .sensitivities = sensitivities};
    struct failure failure;

    ck_assert(allocation_create(allocation, context, &model, &failure));
    ck_assert_msg(survey(allocation, &model, &calibration, 3, &stretch, context, &failure), "%s",
                  failure.text);
    ck_assert_uint_eq(allocation->layers, layers);
}

static void survey_model(struct allocation *allocation, const struct tokens *tokens,
                         const char *directory)
{
    survey_knowing(allocation, tokens, directory, NULL);
}

static void expect_same(const struct allocation *a, const double *sensitivities)
{
    for (size_t i = 0; i < layers; i++)
        ck_assert_double_eq(a->sensitivities[i], sensitivities[i]);
}

START_TEST(sensitivities_are_positive_and_reproducible)
{
    struct allocation first;
    struct allocation second;

    survey_model(&first, &text, NULL);
    survey_model(&second, &text, NULL);
    for (size_t i = 0; i < layers; i++) {
        ck_assert_double_gt(first.sensitivities[i], 0);
        ck_assert_uint_eq(first.indices[i], i);
    }
    expect_same(&second, first.sensitivities);
    allocation_destroy(&first);
    allocation_destroy(&second);
}
END_TEST

/* They are those of the original model, whatever has become of its embedding: files of runs with
 * and without a quantized one serve each other. */
START_TEST(a_quantized_embedding_changes_no_sensitivity)
{
    struct allocation first;
    struct allocation second;

    survey_model(&first, &text, NULL);
    for (size_t i = 0; i < plain.vocabulary * plain.hidden; i += 3)
        model.embedding.values[i] *= 0.5F;
    survey_model(&second, &text, NULL);
    expect_same(&second, first.sensitivities);
    allocation_destroy(&first);
    allocation_destroy(&second);
}
END_TEST

/* The name of the kept file, for this text. */
static struct sensitivity_file kept(const struct tokens *tokens)
{
    struct sensitivity_file file;
    struct failure failure;

    ck_assert(sensitivity_file_name(&file, place.directory, &model, tokens, window, 3, &failure));
    return file;
}

static void expect_kept(const double *sensitivities)
{
    const struct sensitivity_file file = kept(&text);
    double read[layers];

    ck_assert(sensitivity_file_read(&file, read, layers));
    for (size_t i = 0; i < layers; i++)
        ck_assert_double_eq(read[i], sensitivities[i]);
}

START_TEST(sensitivities_are_kept_and_found)
{
    struct allocation first;
    struct allocation second;
    struct failure failure;
    double others[layers];

    survey_model(&first, &text, place.directory);
    expect_kept(first.sensitivities);
    /* What the file says is believed. */
    for (size_t i = 0; i < layers; i++)
        others[i] = 1 + (double)i / 7;
    const struct sensitivity_file file = kept(&text);
    ck_assert(sensitivity_file_write(&file, others, layers, &failure));
    survey_model(&second, &text, place.directory);
    expect_same(&second, others);
    allocation_destroy(&first);
    allocation_destroy(&second);
}
END_TEST

START_TEST(what_several_runs_know_is_measured_once)
{
    double values_known[layers];
    struct known_sensitivities known = {.values = values_known};
    struct allocation first;
    struct allocation second;

    survey_knowing(&first, &text, NULL, &known);
    ck_assert(known.known);
    expect_same(&first, values_known);
    for (size_t i = 0; i < layers; i++)
        values_known[i] = 1 + (double)i / 7;
    survey_knowing(&second, &text, NULL, &known);
    expect_same(&second, values_known);
    for (size_t i = 0; i < layers; i++)
        ck_assert_uint_eq(second.corrections[i].count, first.corrections[i].count);
    allocation_destroy(&first);
    allocation_destroy(&second);
}
END_TEST

static void write_kept(const char *contents)
{
    const struct sensitivity_file file = kept(&text);
    FILE *const out = fopen(file.path, "wb");

    ck_assert_ptr_nonnull(out);
    fputs(contents, out);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(damaged_files_are_measured_anew)
{
    const struct sensitivity_file file = kept(&text);
    struct allocation allocation;
    char wrong[4][200];

    snprintf(wrong[0], sizeof wrong[0], "{\"fingerprint\": \"%s\", \"sensitiv", file.fingerprint);
    snprintf(wrong[1], sizeof wrong[1], "{\"fingerprint\": \"%s\", \"sensitivities\": [1, 2]}",
             file.fingerprint);
    snprintf(wrong[2], sizeof wrong[2],
             "{\"fingerprint\": \"%s\", \"sensitivities\": "
             "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1]}",
             file.fingerprint);
    snprintf(wrong[3], sizeof wrong[3],
             "{\"fingerprint\": \"0123456789abcdef\", \"sensitivities\": "
             "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}");
    for (size_t i = 0; i < 4; i++) {
        write_kept(wrong[i]);
        survey_model(&allocation, &text, place.directory);
        ck_assert_double_ne(allocation.sensitivities[0], 1);
        expect_kept(allocation.sensitivities);
        allocation_destroy(&allocation);
    }
}
END_TEST

START_TEST(files_are_of_one_text_and_one_model)
{
    const struct tokens shorter = {.values = values, .count = text_length - window};
    const struct sensitivity_file file = kept(&text);
    const struct sensitivity_file other_text = kept(&shorter);
    struct failure failure;

    ck_assert_str_ne(file.fingerprint, other_text.fingerprint);
    ck_assert_str_eq(file.fingerprint, kept(&text).fingerprint);
    /* One bit of one weight. */
    plain.tensors[plain.count - 1].bits[0] ^= 1;
    synthetic_write_shard(&plain, place.directory, "model.safetensors", 0, plain.count);
    model_free(&model);
    ck_assert(model_load(&model, place.directory, &failure));
    ck_assert_str_ne(file.fingerprint, kept(&text).fingerprint);
}
END_TEST

/* A place of a text that is not among the few tokens of it that divergences are taken over. */
static size_t left_place(size_t length, size_t most)
{
    struct tokens sample = {.values = malloc(length * sizeof *sample.values), .count = length};
    size_t place_left = 0;

    ck_assert_ptr_nonnull(sample.values);
    for (size_t i = 0; i < length; i++)
        sample.values[i] = (uint32_t)i;
    tokens_sample(&sample, window, most);
    ck_assert_uint_lt(sample.count, length);
    while (place_left < sample.count && sample.values[place_left] == place_left)
        place_left++;
    free(sample.values);
    return place_left;
}

/* The errors whose divergences are taken come from drafts, which are made on more tokens. */
START_TEST(files_are_of_all_that_drafts_are_made_on)
{
    enum { long_length = 5000, most = 4096 };
    static uint32_t long_values[long_length];
    const struct tokens long_text = {.values = long_values, .count = long_length};
    struct allocation first;
    struct allocation second;
    struct failure failure;
    double others[layers];

    synthetic_text(plain.vocabulary, long_values, long_length);
    survey_model(&first, &long_text, place.directory);
    struct sensitivity_file file = kept(&long_text);
    ck_assert(sensitivity_file_read(&file, others, layers));
    expect_same(&first, others);
    for (size_t i = 0; i < layers; i++)
        others[i] = 1 + (double)i / 7;
    ck_assert(sensitivity_file_write(&file, others, layers, &failure));
    long_values[left_place(long_length, most)] ^= 1;
    survey_model(&second, &long_text, place.directory);
    for (size_t i = 0; i < layers; i++)
        ck_assert_double_ne(second.sensitivities[i], others[i]);
    allocation_destroy(&first);
    allocation_destroy(&second);
}
END_TEST

/* --- a whole model -------------------------------------------------------------- */

enum { real_layers = 4 * LINEAR_KINDS, real_length = 1024 };

static struct layer_result results[real_layers];
static struct tokens real_text;

static void set_up_real(void)
{
    struct failure failure;

    temporary_create(&place);
    ck_assert_msg(model_open(&model, TINYLM, &failure), "%s", failure.text);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_msg(tokens_load(&real_text, TINYLM "/../calibration.txt", 256, &failure), "%s",
                  failure.text);
    tokens_sample(&real_text, 256, real_length);
}

static void tear_down_real(void)
{
    tokens_free(&real_text);
    model_free(&model);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

/* Returns the size of the archive. */
static uint64_t quantize(enum plan_mode plan, double rate, const char *name)
{
    const struct recipe recipe = {.statistics = true, .rescalers = true, .plan = plan};
    const struct calibration calibration = {
        .tokens = &real_text, .window = 256, .recipe = &recipe, .directory = place.directory};
    const struct method_settings settings = {.rate = rate, .preset = "fast", .rescalers = true};
    struct watersic_method method = {.context = context, .results = results};
    struct failure failure;

    method.encoder = watersic_encoder_create(context, &settings, false, &failure);
    ck_assert_int_eq(
        wsic_archive_writer_create(context, temporary_path(&place, name), &method.writer), WSIC_OK);
    ck_assert_msg(watersic_run(&method, &model, &calibration, rate, &stretch, &failure), "%s",
                  failure.text);
    ck_assert_int_eq(wsic_archive_writer_finish(method.writer), WSIC_OK);
    const uint64_t bytes = wsic_archive_writer_size(method.writer, NULL, 0);
    wsic_archive_writer_destroy(method.writer);
    wsic_encoder_destroy(method.encoder);
    return bytes;
}

static void expect_budget(double bytes, double rate)
{
    const double budget = rate * (double)layers_weights(&model.config) / 8;

    ck_assert_double_lt(fabs(bytes / budget - 1), 1e-3);
}

START_TEST(waterfilling_beats_equal_shares)
{
    double sensitivities[real_layers];
    double filled = 0;
    double equal = 0;
    double least = 16;
    double most = 0;

    expect_budget((double)quantize(PLAN_WATERFILL, 2.5, "filled"), 2.5);
    for (size_t i = 0; i < real_layers; i++) {
        const wsic_layer_info *const info = &results[i].info;
        sensitivities[i] = results[i].sensitivity;
        ck_assert_double_gt(sensitivities[i], 0);
        filled += sensitivities[i] * info->distortion * (double)(info->rows * info->columns);
        least = fmin(least, info->rate);
        most = fmax(most, info->rate);
    }
    ck_assert_double_gt(most, least + 0.5);
    expect_budget((double)quantize(PLAN_EQUAL, 2.5, "equal"), 2.5);
    for (size_t i = 0; i < real_layers; i++) {
        const wsic_layer_info *const info = &results[i].info;
        ck_assert_double_eq(results[i].sensitivity, 0);
        equal += sensitivities[i] * info->distortion * (double)(info->rows * info->columns);
    }
    ck_assert_double_lt(filled, 0.95 * equal);
}
END_TEST

START_TEST(budgets_below_the_names_are_refused)
{
    const struct recipe recipe = {.statistics = true, .plan = PLAN_EQUAL};
    const struct calibration calibration = {.tokens = &real_text, .window = 256, .recipe = &recipe};
    struct watersic_method method = {.context = context, .results = results};
    struct failure failure;

    ck_assert_int_eq(
        wsic_archive_writer_create(context, temporary_path(&place, "a"), &method.writer), WSIC_OK);
    ck_assert(!watersic_run(&method, &model, &calibration, 0.001, &stretch, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "names and metadata alone take"));
    ck_assert(!watersic_run(&method, &model, &calibration, 0.04, &stretch, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "plan: "));
    wsic_archive_writer_destroy(method.writer);
}
END_TEST

START_TEST(corrections_are_read_between_rates)
{
    const struct correction none = {.count = 0};
    const struct correction known = {
        .count = 3, .rate = {0.5, 1, 2}, .log_ratio = {log(8), log(2), log(0.5)}};

    ck_assert_double_eq(correction_at(&none, 1), 1);
    ck_assert_double_eq_tol(correction_at(&known, 0), 8, 1e-12);
    ck_assert_double_eq_tol(correction_at(&known, 0.75), 4, 1e-12);
    ck_assert_double_eq_tol(correction_at(&known, 1), 2, 1e-12);
    ck_assert_double_eq_tol(correction_at(&known, 1.5), 1, 1e-12);
    ck_assert_double_eq_tol(correction_at(&known, 5), 0.5, 1e-12);
}
END_TEST

/* No code of a given rate is better than the limit, which scalar codes of Gaussian weights miss by
 * at most 0.2546 bit; a trellis of 32 states gets more than a third of that. */
START_TEST(presets_gain_what_theory_allows)
{
    static const char *const presets[] = {"fast", "default"};
    double factors[2];
    struct failure failure;

    for (size_t i = 0; i < 2; i++) {
        const struct method_settings settings = {
            .rate = 3, .preset = presets[i], .rescalers = true};
        wsic_encoder *const encoder = watersic_encoder_create(context, &settings, false, &failure);
        ck_assert_ptr_nonnull(encoder);
        ck_assert_msg(code_gain_measure(context, encoder, 3, &factors[i], &failure), "%s",
                      failure.text);
        wsic_encoder_destroy(encoder);
    }
    ck_assert_double_eq_tol(factors[0], 1, 0.01);
    ck_assert_double_gt(factors[1], exp2(-2 * 0.2546));
    ck_assert_double_lt(factors[1], exp2(-2 * 0.2546 / 3));
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm plan");
    TCase *const sensitivities = tcase_create("sensitivities");
    TCase *const budgets = tcase_create("budgets");

    tcase_set_timeout(sensitivities, 60);
    tcase_add_checked_fixture(sensitivities, set_up, tear_down);
    tcase_add_test(sensitivities, divergences_are_those_of_the_changed_model);
    tcase_add_test(sensitivities, sensitivities_are_positive_and_reproducible);
    tcase_add_test(sensitivities, a_quantized_embedding_changes_no_sensitivity);
    tcase_add_test(sensitivities, sensitivities_are_kept_and_found);
    tcase_add_test(sensitivities, what_several_runs_know_is_measured_once);
    tcase_add_test(sensitivities, damaged_files_are_measured_anew);
    tcase_add_test(sensitivities, files_are_of_one_text_and_one_model);
    tcase_add_test(sensitivities, files_are_of_all_that_drafts_are_made_on);
    tcase_add_test(budgets, presets_gain_what_theory_allows);
    suite_add_tcase(suite, sensitivities);
    tcase_set_timeout(budgets, 280);
    tcase_add_checked_fixture(budgets, set_up_real, tear_down_real);
    tcase_add_test(budgets, corrections_are_read_between_rates);
    tcase_add_test(budgets, waterfilling_beats_equal_shares);
    tcase_add_test(budgets, budgets_below_the_names_are_refused);
    suite_add_tcase(suite, budgets);
    run_suite(suite);
    return 0;
}
