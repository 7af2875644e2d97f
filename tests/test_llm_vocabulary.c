/* SPDX-License-Identifier: MIT */
/* Embedding and head in an archive: which rows lose what, what the layers behind them see, and what
 * is restored. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/report/evaluate.h"
#include "llm/model/restore.h"
#include "llm/watersic/vocabulary.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 600, window = 30, most = 64 };

static const struct recipe recipe = {.statistics = true, .drift = true};

static temporary place;
static wsic_context *context;
static struct synthetic_llm plain;
static struct model model;
static struct model original;
static uint32_t values[text_length];
static const struct tokens tokens = {.values = values, .count = text_length};
static const struct calibration calibration = {
    .tokens = &tokens, .window = window, .recipe = &recipe};

/* Token v occurs about as often as exp(-v/4): half of the vocabulary never does. */
static void write_text(void)
{
    uint64_t state = 1;

    for (size_t i = 0; i < text_length; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const double uniform = ((double)(state >> 11) + 0.5) / 9007199254740992.0;
        const double token = -4 * log(uniform);
        values[i] = token < (double)plain.vocabulary / 2 ? (uint32_t)token : 0;
    }
}

static void load(void)
{
    struct failure failure;

    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
    ck_assert_msg(model_load(&original, place.directory, &failure), "%s", failure.text);
    ck_assert_msg(original.embedding.values || table_load(&original.embedding, &failure), "%s",
                  failure.text);
    write_text();
}

static void set_up_llama(void)
{
    synthetic_llama3(&plain);
    load();
}

static void set_up_qwen(void)
{
    synthetic_qwen3(&plain);
    load();
}

static void tear_down(void)
{
    synthetic_free(&plain);
    model_free(&model);
    model_free(&original);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

/* A vocabulary whose results and writer are its caller's. */
static struct vocabulary describe(struct vocabulary_rates rates, struct layer_result results[2],
                                  wsic_archive_writer *writer)
{
    return (struct vocabulary){.rates = rates,
                               .settings = {.preset = "fast", .rescalers = true},
                               .context = context,
                               .writer = writer,
                               .model = &model,
                               .calibration = &calibration,
                               .results = results};
}

static wsic_archive_writer *create_writer(void)
{
    wsic_archive_writer *writer;

    ck_assert_int_eq(wsic_archive_writer_create(context, temporary_path(&place, "x.wsic"), &writer),
                     WSIC_OK);
    return writer;
}

/* Quantize the embedding; writes x.wsic. */
static struct layer_result quantize_embedding(double rate, bool alike)
{
    wsic_archive_writer *const writer = create_writer();
    struct layer_result results[2] = {{.status = WSIC_OK}};
    struct vocabulary vocabulary =
        describe((struct vocabulary_rates){.embedding = rate, .alike = alike}, results, writer);
    struct failure failure;

    ck_assert_msg(vocabulary_quantize_embedding(&vocabulary, &failure), "%s", failure.text);
    ck_assert_uint_eq(vocabulary.count, 1);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    return results[0];
}

/* Squared error of the embedding, over the tokens of the text if `text`, else over the rows. */
static double embedding_error(bool text)
{
    const size_t n = plain.hidden;
    double error = 0;

    for (size_t i = 0; i < (text ? text_length : plain.vocabulary); i++)
        for (size_t j = 0; j < n; j++) {
            const size_t place_of = (text ? values[i] : i) * n + j;
            const double lost = (double)model.embedding.values[place_of] -
                                (double)original.embedding.values[place_of];
            error += lost * lost;
        }
    return error;
}

/* At equal bytes, weights move the error to where it does not show. */
START_TEST(frequent_tokens_lose_less)
{
    const struct layer_result alike = quantize_embedding(4, true);
    const double text_alike = embedding_error(true);
    const double rows_alike = embedding_error(false);
    const struct layer_result weighted = quantize_embedding(4, false);

    ck_assert_double_lt(embedding_error(true), 0.5 * text_alike);
    ck_assert_double_gt(embedding_error(false), rows_alike);
    ck_assert_double_eq_tol(weighted.info.rate, alike.info.rate, 0.25);
    ck_assert_double_lt(weighted.info.rate, 4);
    /* The archive's own bytes count: two heads with the name, a checksum, fewer than 64 zeros. */
    const double archive = 2 * (1 + 1 + (double)strlen(weighted.name) + 2) + 8 + 63;
    const double numbers = (double)(plain.vocabulary * plain.hidden);
    ck_assert_double_gt(weighted.info.rate, 4 - 8 * archive / numbers - 0.1);
}
END_TEST

/* With all rows alike and a white input, the relative distortion is that of the matrix. */
START_TEST(distortion_is_that_of_the_matrix)
{
    const struct layer_result result = quantize_embedding(3, true);
    const size_t numbers = plain.vocabulary * plain.hidden;
    double energy = 0;

    for (size_t i = 0; i < numbers; i++)
        energy += (double)original.embedding.values[i] * (double)original.embedding.values[i];
    ck_assert_str_eq(result.name, "model.embed_tokens.weight");
    ck_assert_double_eq_tol(result.info.relative_distortion * energy / embedding_error(false), 1,
                            1e-3);
}
END_TEST

static void check_archive(const char *name, const float *expected)
{
    const size_t numbers = plain.vocabulary * plain.hidden;
    float *const restored = malloc(numbers * sizeof *restored);
    wsic_archive *archive;
    wsic_layer *layer;
    wsic_matrix matrix;
    size_t index;

    ck_assert_ptr_nonnull(restored);
    ck_assert_int_eq(wsic_archive_open(context, temporary_path(&place, "x.wsic"), &archive),
                     WSIC_OK);
    ck_assert_int_eq(wsic_archive_find(archive, name, &index), WSIC_OK);
    ck_assert_int_eq(wsic_archive_load_layer(archive, index, &layer), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, restored, WSIC_F32, plain.vocabulary, plain.hidden, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &matrix), WSIC_OK);
    ck_assert_mem_eq(restored, expected, numbers * sizeof *restored);
    wsic_layer_destroy(layer);
    wsic_archive_close(archive);
    free(restored);
}

START_TEST(the_model_has_what_the_archive_has)
{
    quantize_embedding(3, false);
    check_archive("model.embed_tokens.weight", model.embedding.values);
}
END_TEST

/* Moments of what query of block 0 sees. */
struct seen {
    double input[most * most];
    double quantized[most * most];
};

static void read_moment(const wsic_stats *stats, int32_t which, double *numbers)
{
    const size_t n = wsic_stats_columns(stats);
    wsic_matrix matrix;

    ck_assert_uint_le(n, most);
    wsic_matrix_init(&matrix, sizeof matrix, numbers, WSIC_F64, n, n, 0);
    ck_assert_int_eq(wsic_stats_get_moment(stats, which, &matrix), WSIC_OK);
}

/* A layer_function that leaves the weights alone. */
static bool watch(void *self, const struct layer_task *task, struct failure *failure)
{
    struct seen *const seen = self;

    (void)failure;
    if (task->number > 0)
        return true;
    read_moment(task->stats, WSIC_MOMENT_INPUT, seen->input);
    read_moment(task->stats, WSIC_MOMENT_QUANTIZED, seen->quantized);
    return true;
}

static struct seen *run_pipeline(const struct pipeline_end *end)
{
    struct calibration ended = calibration;
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct seen *const seen = calloc(1, sizeof *seen);
    struct failure failure;

    ck_assert_ptr_nonnull(seen);
    ended.end = end;
    ck_assert_msg(pipeline_run(&model, &ended, &stretch, context, watch, seen, &failure), "%s",
                  failure.text);
    return seen;
}

static double largest_difference(const double *a, const double *b)
{
    double largest = 0;

    for (size_t i = 0; i < most * most; i++)
        largest = fmax(largest, fabs(a[i] - b[i]));
    return largest;
}

/* The layers make up for what the embedding has lost: they see both. */
START_TEST(layers_see_both_embeddings)
{
    struct seen *const before = run_pipeline(NULL);

    quantize_embedding(2, true);
    struct seen *const after = run_pipeline(NULL);
    ck_assert_double_lt(largest_difference(before->input, before->quantized), 1e-12);
    ck_assert_double_lt(largest_difference(before->input, after->input), 1e-12);
    ck_assert_double_gt(largest_difference(after->input, after->quantized), 1e-3);
    free(before);
    free(after);
}
END_TEST

/* Relative squared error of the logits that the model's head makes of the original's states, all
 * alike or each as often as its token occurs. */
static double logit_error(bool text)
{
    size_t counts[most] = {0};

    const size_t n = plain.hidden;
    struct failure failure;
    float *const hidden = evaluate_hidden(&original, &tokens, window, &failure);
    double energy = 0, error = 0;

    ck_assert_msg(hidden != NULL, "%s", failure.text);
    for (size_t t = 0; t < text_length; t++)
        counts[values[t]]++;
    for (size_t t = 0; t < text_length; t++)
        for (size_t v = 0; v < plain.vocabulary; v++) {
            double expected = 0, logit = 0;
            for (size_t j = 0; j < n; j++) {
                const double x = (double)hidden[t * n + j];
                expected += (double)original.head.values[v * n + j] * x;
                logit += (double)model.head.values[v * n + j] * x;
            }
            const double weight = text ? (double)counts[v] : 1;
            energy += weight * expected * expected;
            error += weight * (logit - expected) * (logit - expected);
        }
    free(hidden);
    return error / energy;
}

static struct layer_result quantize_head(bool alike)
{
    wsic_archive_writer *const writer = create_writer();
    struct layer_result results[2] = {{.status = WSIC_OK}};
    struct vocabulary vocabulary =
        describe((struct vocabulary_rates){.head = 3, .alike = alike}, results, writer);
    const struct pipeline_end end = {.use = vocabulary_quantize_head, .self = &vocabulary};

    free(run_pipeline(&end));
    ck_assert_uint_eq(vocabulary.count, 1);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    return results[0];
}

/* No layer has changed: what the head is fitted to is what it does to the original's states. */
START_TEST(heads_are_fitted_to_what_they_see)
{
    const struct layer_result result = quantize_head(true);

    ck_assert_str_eq(result.name, "lm_head.weight");
    check_archive("lm_head.weight", model.head.values);
    ck_assert_double_eq_tol(result.info.relative_distortion / logit_error(false), 1, 1e-2);
}
END_TEST

START_TEST(frequent_tokens_lose_less_in_heads)
{
    quantize_head(true);
    const double alike = logit_error(true);
    quantize_head(false);
    ck_assert_double_lt(logit_error(true), 0.5 * alike);
}
END_TEST

START_TEST(tied_models_have_no_head)
{
    struct failure failure;

    ck_assert(!vocabulary_check(&(struct vocabulary_rates){.embedding = 4, .head = 4},
                                &model.config, &failure));
    ck_assert_msg(strstr(failure.text, "--head-rate: "), "%s", failure.text);
    ck_assert(
        vocabulary_check(&(struct vocabulary_rates){.embedding = 4}, &model.config, &failure));
}
END_TEST

static TCase *create_case(const char *name, void (*prepare)(void))
{
    TCase *const tests = tcase_create(name);

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, prepare, tear_down);
    tcase_add_test(tests, frequent_tokens_lose_less);
    tcase_add_test(tests, distortion_is_that_of_the_matrix);
    tcase_add_test(tests, the_model_has_what_the_archive_has);
    tcase_add_test(tests, layers_see_both_embeddings);
    return tests;
}

int main(void)
{
    Suite *const suite = suite_create("llm vocabulary");
    TCase *const llama = create_case("llama 3, own head", set_up_llama);
    TCase *const qwen = create_case("qwen 3, tied", set_up_qwen);

    tcase_add_test(llama, heads_are_fitted_to_what_they_see);
    tcase_add_test(llama, frequent_tokens_lose_less_in_heads);
    tcase_add_test(qwen, tied_models_have_no_head);
    suite_add_tcase(suite, llama);
    suite_add_tcase(suite, qwen);
    run_suite(suite);
    return 0;
}
