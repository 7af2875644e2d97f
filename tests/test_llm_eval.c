/* SPDX-License-Identifier: MIT */
/* What eval tells of an archive: errors of layers, divergence and sizes, against plain computations
 * on small models made by the test. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/report/evaluate.h"
#include "llm/report/footprint.h"
#include "common/interrupt.h"
#include "llm/report/pair.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 100, window = 70, most_columns = 64 };

static temporary place;
static wsic_context *context;
static struct synthetic_llm plain;
static struct synthetic_llm quantized; /* the same with what the archive holds */
static struct model model;
static uint32_t values[text_length];
static const struct tokens tokens = {.values = values, .count = text_length};

static const char *const file_name = "x.wsic";

static void load(void)
{
    struct failure failure;

    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
    synthetic_text(plain.vocabulary, values, text_length);
}

static void set_up_llama(void)
{
    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_llama3(&plain);
    synthetic_llama3(&quantized);
    load();
}

static void set_up_qwen(void)
{
    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_qwen3(&plain);
    synthetic_qwen3(&quantized);
    load();
}

static void tear_down(void)
{
    for (size_t i = 0; i < quantized.count; i++)
        free((void *)quantized.tensors[i].values);
    synthetic_free(&plain);
    synthetic_free(&quantized);
    model_free(&model);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

/* Quantize a tensor for a white input, and keep what becomes of it. */
static void add_layer(wsic_archive_writer *writer, size_t number, double rate, const char *name)
{
    struct synthetic_tensor *const tensor = &quantized.tensors[number];
    const size_t n = tensor->columns;
    double *const numbers = malloc(synthetic_numbers(tensor) * sizeof *numbers);
    double *const identity = calloc(n * n, sizeof *identity);
    wsic_encoder *encoder;
    wsic_stats *stats;
    wsic_layer *layer;
    wsic_matrix matrix;

    ck_assert(numbers && identity);
    for (size_t i = 0; i < n; i++)
        identity[i * n + i] = 1;
    wsic_matrix_init(&matrix, sizeof matrix, identity, WSIC_F64, n, n, 0);
    ck_assert_int_eq(wsic_stats_create(context, n, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &matrix, 1), WSIC_OK);
    for (size_t i = 0; i < synthetic_numbers(tensor); i++)
        numbers[i] = synthetic_value(&plain.tensors[number], i);
    wsic_matrix_init(&matrix, sizeof matrix, numbers, WSIC_F64, tensor->rows, n, 0);
    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "fast"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_RATE, rate), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(encoder, stats, &matrix, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, name, layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    tensor->values = numbers;
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(identity);
}

static bool is_linear(const char *name)
{
    return strstr(name, "_proj.weight") != NULL;
}

static bool is_vocabulary(const char *name)
{
    return strcmp(name, "model.embed_tokens.weight") == 0 || strcmp(name, "lm_head.weight") == 0;
}

/* An archive of the linear layers, of embedding and head too if `all`; without the layer `absent`
 * (NULL: none), and with one of the name `further` (NULL: none). */
static const char *write_archive(double rate, bool all, const char *absent, const char *further)
{
    const char *const path = temporary_path(&place, file_name);
    wsic_archive_writer *writer;

    ck_assert_int_eq(wsic_archive_writer_create(context, path, &writer), WSIC_OK);
    for (size_t i = 0; i < plain.count; i++) {
        const char *const name = plain.tensors[i].name;
        if ((is_linear(name) || (all && is_vocabulary(name))) &&
            (!absent || strcmp(name, absent) != 0))
            add_layer(writer, i, rate, name);
    }
    if (further) {
        free((void *)quantized.tensors[0].values);
        add_layer(writer, 0, rate, further);
    }
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    return path;
}

/* What goes into and comes out of the layers of one model, in the order of computation. */
struct trace {
    size_t products;
    double (*input)[most_columns];
    const struct synthetic_tensor **matrix;
};

enum { most_products = text_length * 16 };

static void note(void *data, const struct synthetic_tensor *matrix, const double *input)
{
    struct trace *const trace = data;

    ck_assert_uint_lt(trace->products, most_products);
    ck_assert_uint_le(matrix->columns, most_columns);
    memcpy(trace->input[trace->products], input, matrix->columns * sizeof *input);
    trace->matrix[trace->products++] = matrix;
}

static void run_traced(struct synthetic_llm *traced, struct trace *trace, double *logits)
{
    *trace = (struct trace){.input = calloc(most_products, sizeof *trace->input),
                            .matrix = calloc(most_products, sizeof(void *))};
    ck_assert(trace->input && trace->matrix);
    traced->watch = note;
    traced->data = trace;
    for (size_t first = 0; first < text_length; first += window)
        synthetic_logits(traced, values + first,
                         text_length - first < window ? text_length - first : window,
                         logits + first * plain.vocabulary);
}

static double row_product(const struct synthetic_tensor *matrix, size_t row, const double *x)
{
    double sum = 0;

    for (size_t j = 0; j < matrix->columns; j++)
        sum += synthetic_value(matrix, row * matrix->columns + j) * x[j];
    return sum;
}

static void expect_error(const struct trace traces[2], const char *name,
                         const struct layer_error *error)
{
    double input_energy = 0, input_error = 0, output_energy = 0, output_error = 0;

    for (size_t k = 0; k < traces[0].products; k++) {
        const struct synthetic_tensor *const matrix = traces[0].matrix[k];
        const double *const x = traces[0].input[k];
        const double *const y = traces[1].input[k];
        if (strcmp(matrix->name, name) != 0)
            continue;
        for (size_t j = 0; j < matrix->columns; j++) {
            input_energy += x[j] * x[j];
            input_error += (x[j] - y[j]) * (x[j] - y[j]);
        }
        for (size_t i = 0; i < matrix->rows; i++) {
            const double output = row_product(matrix, i, x);
            const double difference = output - row_product(traces[1].matrix[k], i, y);
            output_energy += output * output;
            output_error += difference * difference;
        }
    }
    ck_assert_double_gt(output_error, 0);
    ck_assert_double_eq_tol(error->input_energy / input_energy, 1, 1e-4);
    ck_assert_double_eq_tol(error->output_energy / output_energy, 1, 1e-4);
    ck_assert_double_eq_tol(pair_output_error(error) * output_energy / output_error, 1, 1e-3);
    ck_assert_double_eq_tol(pair_input_error(error), input_error / input_energy,
                            1e-3 * input_error / input_energy + 1e-12);
}

/* Mean of Σ p (log2 p - log2 q) over the tokens that are predicted. */
static double plain_divergence(const double *expected, const double *logits)
{
    const size_t n = plain.vocabulary;
    double sum = 0;
    size_t count = 0;

    for (size_t t = 0; t + 1 < text_length; t++) {
        double norm[2] = {0, 0};
        if ((t + 1) % window == 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            norm[0] += exp(expected[t * n + i]);
            norm[1] += exp(logits[t * n + i]);
        }
        for (size_t i = 0; i < n; i++)
            sum += exp(expected[t * n + i]) / norm[0] *
                   (expected[t * n + i] - log(norm[0]) - logits[t * n + i] + log(norm[1])) / log(2);
        count++;
    }
    return sum / (double)count;
}

static void expect_errors(const struct pair *pair, const struct evaluation *evaluation)
{
    const size_t numbers = text_length * plain.vocabulary;
    double *const logits = malloc(2 * numbers * sizeof *logits);
    struct trace traces[2];
    char name[MODEL_NAME_SIZE];

    ck_assert_ptr_nonnull(logits);
    run_traced(&plain, &traces[0], logits);
    run_traced(&quantized, &traces[1], logits + numbers);
    ck_assert_uint_eq(traces[0].products, traces[1].products);
    for (size_t i = 0; i < plain.blocks * LINEAR_KINDS; i++) {
        layers_name(&model.config, i, name);
        expect_error(traces, name, &pair->errors[i]);
    }
    const double divergence = plain_divergence(logits, logits + numbers);
    ck_assert_double_gt(divergence, 0.01);
    ck_assert_double_eq_tol(evaluation->kl_bits / divergence, 1, 1e-3);
    for (size_t i = 0; i < 2; i++) {
        free(traces[i].input);
        free(traces[i].matrix);
    }
    free(logits);
}

static void open_restored(struct restored *restored, const char *path)
{
    struct failure failure;

    ck_assert_msg(restored_open(restored, &model, context, path, &failure), "%s", failure.text);
}

static void run_pair(struct pair *pair, struct restored *restored, bool layers,
                     struct evaluation *evaluation)
{
    struct failure failure;

    ck_assert_msg(pair_run(pair, restored, &tokens, window, layers, NULL, &failure), "%s",
                  failure.text);
    const struct readout readout = {&restored->model, pair->restored};
    const struct readout reference = {&model, pair->original};
    ck_assert_msg(evaluate_readout(evaluation, &readout, &reference, &tokens, window, &failure),
                  "%s", failure.text);
}

static void expect_archive_to_be_measured(bool all)
{
    struct evaluation evaluation, brief;
    struct restored restored;
    struct pair pair, without;

    open_restored(&restored, write_archive(3, all, NULL, NULL));
    run_pair(&pair, &restored, true, &evaluation);
    expect_errors(&pair, &evaluation);
    run_pair(&without, &restored, false, &brief);
    ck_assert_ptr_null(without.errors);
    ck_assert_double_eq(brief.kl_bits, evaluation.kl_bits);
    pair_free(&pair);
    pair_free(&without);
    restored_close(&restored);
}

START_TEST(errors_agree_with_a_plain_computation)
{
    expect_archive_to_be_measured(false);
}
END_TEST

/* The first input is then an embedding of the archive. */
START_TEST(embedding_and_head_of_an_archive_are_used)
{
    expect_archive_to_be_measured(true);
}
END_TEST

START_TEST(high_rates_lose_nothing)
{
    struct evaluation evaluation;
    struct restored restored;
    struct failure failure;
    struct evaluation original;
    struct pair pair;

    open_restored(&restored, write_archive(16, true, NULL, NULL));
    run_pair(&pair, &restored, true, &evaluation);
    for (size_t i = 0; i < plain.blocks * LINEAR_KINDS; i++) {
        ck_assert_double_lt(pair_output_error(&pair.errors[i]), 1e-5);
        ck_assert_double_lt(pair_input_error(&pair.errors[i]), 1e-5);
    }
    ck_assert_double_lt(evaluation.kl_bits, 1e-4);
    ck_assert(evaluate(&original, &model, &tokens, window, NULL, &failure));
    ck_assert_double_eq(evaluation.reference_cross_entropy, original.cross_entropy);
    ck_assert_double_eq_tol(evaluation.cross_entropy, original.cross_entropy, 1e-2);
    pair_free(&pair);
    restored_close(&restored);
}
END_TEST

static void expect_sizes(bool all)
{
    const char *const path = write_archive(3, all, NULL, NULL);
    uint64_t parameters = 0, weights = 0, untouched = 0, tensors = 0;
    struct footprint footprint;
    struct restored restored;
    struct failure failure;
    size_t bytes;

    free(read_file(path, &bytes));
    for (size_t i = 0; i < plain.count; i++) {
        const uint64_t numbers = synthetic_numbers(&plain.tensors[i]);
        parameters += numbers;
        if (quantized.tensors[i].values)
            weights += numbers;
        else
            untouched += 2 * numbers;
        tensors += !quantized.tensors[i].values;
    }
    open_restored(&restored, path);
    ck_assert(footprint_measure(&footprint, model.checkpoint, &restored, &failure));
    ck_assert_uint_eq(footprint.archive_bytes, bytes);
    ck_assert_uint_eq(footprint.weights, weights);
    ck_assert_uint_eq(footprint.untouched, tensors);
    ck_assert_uint_eq(footprint.untouched_bytes, untouched);
    ck_assert_uint_eq(footprint.parameters, parameters);
    ck_assert_double_eq_tol(footprint_layer_bits(&footprint), 8.0 * (double)bytes / (double)weights,
                            1e-12);
    ck_assert_double_eq_tol(footprint_whole_bits(&footprint),
                            8.0 * (double)(bytes + untouched) / (double)parameters, 1e-12);
    restored_close(&restored);
}

START_TEST(sizes_are_those_of_the_files)
{
    struct footprint footprint;
    struct failure failure;

    expect_sizes(false);
    ck_assert(footprint_measure(&footprint, model.checkpoint, NULL, &failure));
    ck_assert_uint_eq(footprint.untouched, plain.count);
    ck_assert_double_eq(footprint_whole_bits(&footprint), 16);
    ck_assert_double_eq(footprint_layer_bits(&footprint), 0);
}
END_TEST

START_TEST(sizes_count_embedding_and_head_once)
{
    expect_sizes(true);
}
END_TEST

static void expect_refusal(const char *path, const char *part)
{
    struct restored restored;
    struct failure failure;

    ck_assert(!restored_open(&restored, &model, context, path, &failure));
    ck_assert_msg(strstr(failure.text, path) && strstr(failure.text, part), "%s", failure.text);
}

START_TEST(archives_of_other_models_are_refused)
{
    const char *const absent = "model.layers.1.self_attn.o_proj.weight";

    expect_refusal(write_archive(2, false, absent, NULL), absent);
}
END_TEST

START_TEST(further_layers_are_refused)
{
    expect_refusal(write_archive(2, false, NULL, "model.layers.2.self_attn.o_proj.weight"),
                   "no part of the model");
}
END_TEST

static void expect_interrupted(bool ok, const struct failure *failure)
{
    ck_assert(!ok);
    ck_assert_str_eq(failure->text, "interrupted");
}

/* Signals do not end the process: whatever takes long has to look for them. */
START_TEST(interrupts_end_a_run)
{
    struct evaluation evaluation;
    struct restored restored;
    struct failure failure;
    struct pair pair, late;

    open_restored(&restored, write_archive(3, true, NULL, NULL));
    run_pair(&pair, &restored, false, &evaluation);
    interrupt_watch(context);
    ck_assert_int_eq(raise(SIGTERM), 0);
    const struct readout readout = {&restored.model, pair.restored};
    expect_interrupted(evaluate_readout(&evaluation, &readout, NULL, &tokens, window, &failure),
                       &failure);
    expect_interrupted(evaluate_hidden(&model, &tokens, window, &failure) != NULL, &failure);
    for (int layers = 0; layers < 2; layers++) {
        expect_interrupted(pair_run(&late, &restored, &tokens, window, layers, NULL, &failure),
                           &failure);
        pair_free(&late);
    }
    interrupt_watch(NULL);
    pair_free(&pair);
    restored_close(&restored);
}
END_TEST

static TCase *create_case(const char *name, void (*prepare)(void))
{
    TCase *const tests = tcase_create(name);

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, prepare, tear_down);
    tcase_add_test(tests, errors_agree_with_a_plain_computation);
    tcase_add_test(tests, embedding_and_head_of_an_archive_are_used);
    tcase_add_test(tests, high_rates_lose_nothing);
    tcase_add_test(tests, sizes_are_those_of_the_files);
    tcase_add_test(tests, sizes_count_embedding_and_head_once);
    tcase_add_test(tests, archives_of_other_models_are_refused);
    tcase_add_test(tests, further_layers_are_refused);
    tcase_add_test(tests, interrupts_end_a_run);
    return tests;
}

int main(void)
{
    Suite *const suite = suite_create("llm eval");

    suite_add_tcase(suite, create_case("llama 3, own head", set_up_llama));
    suite_add_tcase(suite, create_case("qwen 3, tied", set_up_qwen));
    run_suite(suite);
    return 0;
}
