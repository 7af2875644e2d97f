/* SPDX-License-Identifier: MIT */
/* What outputs are worth: labels are drawn from what the model expects; the matrices are those of
 * derivatives taken as differences in double precision; a layer that is rescaled by a power of two
 * has its matrix rescaled, and nothing else changes; a pass that was stopped goes on to the same
 * bytes; runs on other texts keep apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/seeded.h"
#include "counting_allocator.h"
#include "llm/watersic/labels.h"
#include "llm/watersic/outputs_ends.h"
#include "llm/watersic/outputs_pass.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { window = 5, text_length = 2 * window + 3, most_rows = 64 };

static void (*const makers[])(struct synthetic_llm *model) = {synthetic_llama3, synthetic_qwen3};

static struct synthetic_llm plain;
static temporary place;
static counting_allocator counter;
static wsic_context *context;
static struct model model;
static struct recipe recipe;
static uint32_t values[text_length];
static struct tokens text;
static struct meter meter = {.shown = false};
static const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};

/* Write the plain model, as it is now, and open it. */
static void open_model(void)
{
    struct failure failure;

    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
}

static void begin(int number)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    makers[number](&plain);
    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    ck_assert(recipe_find(&recipe, "default"));
    synthetic_text(plain.vocabulary, values, text_length);
    text = (struct tokens){.values = values, .count = text_length};
    open_model();
}

static void remove_all(const char *path)
{
    DIR *const listing = opendir(path);

    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        char inner[PATH_MAX];
        snprintf(inner, sizeof inner, "%.2000s/%.255s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_all(inner);
    }
    if (listing)
        closedir(listing);
    ck_assert_int_eq(remove(path), 0);
}

static void end(void)
{
    model_free(&model);
    synthetic_free(&plain);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
    remove_all(place.directory);
}

static bool collect_into(struct outputs *outputs, const char *directory, struct failure *failure)
{
    const struct calibration calibration = {
        .tokens = &text, .window = window, .recipe = &recipe, .directory = directory};

    ck_assert(outputs_create(outputs, context, &model, &recipe, failure));
    return outputs_collect(outputs, &model, &calibration, &stretch, failure);
}

static void collect(struct outputs *outputs, const char *directory)
{
    struct failure failure;

    ck_assert_msg(collect_into(outputs, directory, &failure), "%s", failure.text);
}

static size_t rows_of(size_t layer)
{
    return layers_at(&model.config, layer).rows;
}

/* All of a layer's matrix. */
static void read_matrix(struct outputs *outputs, size_t layer, double *matrix)
{
    const size_t rows = rows_of(layer);
    const wsic_stats *stats;
    struct failure failure;
    wsic_matrix values_of;

    ck_assert_msg(outputs_borrow(outputs, layer, "layer", &stats, &failure), "%s", failure.text);
    ck_assert_ptr_nonnull(stats);
    ck_assert_double_eq(wsic_stats_samples(stats), (double)text.count);
    wsic_matrix_init(&values_of, sizeof values_of, matrix, WSIC_F64, rows, rows, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &values_of), WSIC_OK);
    outputs_give_back(outputs, layer);
}

/* --- labels ------------------------------------------------------------------------ */

/* A head whose rows are the axes: the derivative by a state is that by its logits. */
static void make_axes(struct table *head, size_t size)
{
    *head = (struct table){.rows = size, .columns = size};
    head->values = calloc(size * size, sizeof *head->values);
    for (size_t i = 0; i < size; i++)
        head->values[i * size + i] = 1;
}

static size_t drawn_label(const float *derivative, size_t size)
{
    size_t label = size;

    for (size_t i = 0; i < size; i++)
        if (derivative[i] > 0) {
            ck_assert_uint_eq(label, size);
            label = i;
        }
    ck_assert_uint_lt(label, size);
    return label;
}

/* Every token sees the same distribution. Chi squared of 9 degrees of freedom is beyond 33.7 once
 * in 10000 seeds. */
START_TEST(labels_are_drawn_from_the_model)
{
    enum { SIZE = 10, COUNT = 4000 };
    const size_t capacity = _i == 0 ? COUNT : (size_t)1 << 21; /* strips of 2 rows */
    struct model axes = model;
    struct labels labels;
    struct failure failure;
    double norm = 0, chi = 0;
    size_t counts[SIZE] = {0};

    axes.config.hidden = axes.config.vocabulary = SIZE;
    make_axes(&axes.embedding, SIZE);
    float *const hidden = malloc(COUNT * SIZE * sizeof *hidden);
    float *const stream = malloc(COUNT * SIZE * sizeof *stream);
    for (size_t i = 0; i < COUNT * SIZE; i++)
        hidden[i] = 0.3F * (float)(i % SIZE);
    for (size_t i = 0; i < SIZE; i++)
        norm += exp(0.3 * (double)i);
    axes.config.tied = true;
    axes.head = (struct table){.rows = 0};
    ck_assert(labels_create(&labels, &axes, capacity, 1, &failure));
    ck_assert_uint_eq(labels.strips, _i == 0 ? 1 : SIZE / 2);
    ck_assert_msg(labels_backward(&labels, 0, hidden, COUNT, stream, &failure), "%s", failure.text);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t label = drawn_label(stream + i * SIZE, SIZE);
        counts[label]++;
        for (size_t j = 0; j < SIZE; j++)
            ck_assert_double_eq_tol((double)stream[i * SIZE + j],
                                    (j == label) - exp(0.3 * (double)j) / norm, 1e-6);
    }
    for (size_t i = 0; i < SIZE; i++) {
        const double expected = COUNT * exp(0.3 * (double)i) / norm;
        chi += pow((double)counts[i] - expected, 2) / expected;
    }
    ck_assert_double_lt(chi, 33.7);
    labels_free(&labels);
    free(axes.embedding.values);
    free(hidden);
    free(stream);
}
END_TEST

/* --- matrices against differences ----------------------------------------------------- */

/* An output of one layer at one token that is changed. */
struct change {
    const struct synthetic_tensor *matrix;
    size_t calls; /* of it so far in this window */
    size_t token;
    size_t row;
    double by;
};

static void shift(void *data, const struct synthetic_tensor *matrix, double *output)
{
    struct change *const change = data;

    if (matrix != change->matrix)
        return;
    if (change->calls++ == change->token)
        output[change->row] += change->by;
}

static double log_sum(const double *logits, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += exp(logits[i]);
    return log(sum);
}

/* As labels.h says: by the inverse of the cumulative distribution, token by token. */
static void draw_labels(size_t first, size_t count, size_t *of)
{
    double logits[window * most_rows];
    struct labels labels;
    struct failure failure;

    ck_assert(labels_create(&labels, &model, 1, 1, &failure));
    synthetic_logits(&plain, values + first, count, logits);
    for (size_t t = 0; t < count; t++) {
        const double *const row = logits + t * plain.vocabulary;
        double left = seeded_uniform(labels.seed, first + t);
        for (of[t] = 0; of[t] + 1 < plain.vocabulary; of[t]++) {
            left -= exp(row[of[t]] - log_sum(row, plain.vocabulary));
            if (left < 0)
                break;
        }
    }
    labels_free(&labels);
}

static double likelihood(struct change *change, size_t first, size_t count, const size_t *of)
{
    double logits[window * most_rows];
    double sum = 0;

    change->calls = 0;
    synthetic_logits(&plain, values + first, count, logits);
    for (size_t t = 0; t < count; t++) {
        const double *const row = logits + t * plain.vocabulary;
        sum += row[of[t]] - log_sum(row, plain.vocabulary);
    }
    return sum;
}

static double derivative(struct change *change, size_t first, size_t count, const size_t *of)
{
    static const double distance = 1e-4;

    change->by = distance;
    const double above = likelihood(change, first, count, of);
    change->by = -distance;
    const double below = likelihood(change, first, count, of);
    return (above - below) / (2 * distance);
}

static const struct synthetic_tensor *tensor_of(size_t layer)
{
    char name[MODEL_NAME_SIZE];

    layers_name(&model.config, layer, name);
    for (size_t i = 0; i < plain.count; i++)
        if (strcmp(plain.tensors[i].name, name) == 0)
            return &plain.tensors[i];
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

static void add_token(double *matrix, size_t rows, const double *derivatives)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++)
            matrix[i * rows + j] += derivatives[i] * derivatives[j] / text_length;
}

/* G of the outputs of a tensor; NULL: of the states where the first block begins. Nothing of the
 * program but its labels' seed. */
static void expect_matrix(const struct synthetic_tensor *tensor, size_t rows, double *matrix)
{
    struct change change = {.matrix = tensor};
    double derivatives[most_rows];
    size_t of[window];

    plain.shift = shift;
    plain.data = &change;
    memset(matrix, 0, rows * rows * sizeof *matrix);
    for (size_t first = 0; first < text_length; first += window) {
        const size_t count = text_length - first < window ? text_length - first : window;
        change.by = 0;
        draw_labels(first, count, of);
        for (change.token = 0; change.token < count; change.token++) {
            for (change.row = 0; change.row < rows; change.row++)
                derivatives[change.row] = derivative(&change, first, count, of);
            add_token(matrix, rows, derivatives);
        }
    }
    plain.shift = NULL;
}

static double relative_error(const double *matrix, const double *expected, size_t count)
{
    double error = 0, energy = 0;

    for (size_t i = 0; i < count; i++) {
        error += pow(matrix[i] - expected[i], 2);
        energy += expected[i] * expected[i];
    }
    ck_assert_double_gt(energy, 1e-12);
    return sqrt(error / energy);
}

START_TEST(matrices_are_those_of_differences)
{
    double matrix[most_rows * most_rows];
    double expected[most_rows * most_rows];
    struct outputs outputs;

    begin(_i);
    collect(&outputs, NULL);
    for (size_t layer = 0; layer < outputs.layers; layer++) {
        const size_t rows = rows_of(layer);
        double trace = 0;
        expect_matrix(tensor_of(layer), rows, expected);
        read_matrix(&outputs, layer, matrix);
        const double error = relative_error(matrix, expected, rows * rows);
        ck_assert_msg(error < 1e-4, "layer %zu: %g", layer, error);
        for (size_t i = 0; i < rows; i++) {
            /* Statistics multiply in single precision, in blocks of 512 tokens. */
            ck_assert_double_eq_tol(outputs.of[layer].diagonal[i], matrix[i * rows + i],
                                    3.1e-5 * matrix[i * rows + i]);
            trace += expected[i * rows + i];
        }
        ck_assert_double_eq_tol(outputs_sensitivity(&outputs, layer),
                                trace / (double)rows / (2 * log(2)), 1e-4 * trace);
    }
    outputs_free(&outputs);
    end();
}
END_TEST

START_TEST(embedding_and_head_have_theirs)
{
    double matrix[most_rows * most_rows], expected[most_rows * most_rows];
    double logits[window * most_rows], readout[most_rows] = {0};
    struct outputs outputs;
    struct failure failure;

    begin(_i / 2);
    const size_t hidden = plain.hidden, vocabulary = plain.vocabulary;
    collect(&outputs, _i % 2 == 0 ? NULL : temporary_path(&place, "run"));
    expect_matrix(NULL, hidden, expected);
    ck_assert_msg(outputs_read_entry(&outputs, matrix, &failure), "%s", failure.text);
    ck_assert_double_lt(relative_error(matrix, expected, hidden * hidden), 1e-4);
    for (size_t first = 0; first < text_length; first += window) {
        const size_t count = text_length - first < window ? text_length - first : window;
        synthetic_logits(&plain, values + first, count, logits);
        for (size_t t = 0; t < count; t++) {
            const double *const row = logits + t * vocabulary;
            for (size_t v = 0; v < vocabulary; v++) {
                const double p = exp(row[v] - log_sum(row, vocabulary));
                readout[v] += p * (1 - p) / text_length;
            }
        }
    }
    ck_assert_double_lt(relative_error(outputs.readout, readout, vocabulary), 1e-4);
    outputs_free(&outputs);
    end();
}
END_TEST

/* --- rescaled layers ------------------------------------------------------------------- */

/* Add to the exponents of rows first to end - 1, or of columns. */
static void rescale(const char *name, bool columns, size_t first, size_t end_of, int power)
{
    for (size_t i = 0; i < plain.count; i++) {
        struct synthetic_tensor *const tensor = &plain.tensors[i];
        if (strcmp(tensor->name, name) != 0)
            continue;
        for (size_t j = 0; j < synthetic_numbers(tensor); j++) {
            const size_t at =
                columns || tensor->rows == 0 ? j % tensor->columns : j / tensor->columns;
            if (at >= first && at < end_of)
                tensor->bits[j] = (uint16_t)(tensor->bits[j] + power * 128);
        }
        return;
    }
    ck_abort_msg("no tensor %s", name);
}

/* The function of the model stays what it is, and powers of two are exact: so must the matrices be,
 * but for the layer whose outputs were made larger. (Value heads and the columns of the output
 * projection that take them, up and down, a norm and what follows it.) */
START_TEST(rescaling_by_powers_of_two_changes_nothing_else)
{
    double before[2 * LINEAR_KINDS], after[2 * LINEAR_KINDS];
    struct outputs outputs;

    begin(_i);
    collect(&outputs, NULL);
    for (size_t i = 0; i < outputs.layers; i++)
        before[i] = outputs_sensitivity(&outputs, i);
    outputs_free(&outputs);
    model_free(&model);
    rescale("model.layers.0.self_attn.v_proj.weight", false, 0, most_rows, -5);
    rescale("model.layers.0.self_attn.o_proj.weight", true, 0, most_rows, 5);
    rescale("model.layers.1.mlp.up_proj.weight", false, 0, most_rows, 4);
    rescale("model.layers.1.mlp.down_proj.weight", true, 0, most_rows, -4);
    rescale("model.layers.0.post_attention_layernorm.weight", true, 0, most_rows, 3);
    rescale("model.layers.0.mlp.gate_proj.weight", true, 0, most_rows, -3);
    rescale("model.layers.0.mlp.up_proj.weight", true, 0, most_rows, -3);
    open_model();
    collect(&outputs, NULL);
    for (size_t i = 0; i < outputs.layers; i++)
        after[i] = outputs_sensitivity(&outputs, i);
    before[LINEAR_V] *= 0x1p10;
    before[LINEAR_KINDS + LINEAR_UP] *= 0x1p-8;
    for (size_t i = 0; i < outputs.layers; i++)
        ck_assert_double_eq(after[i], before[i]);
    outputs_free(&outputs);
    end();
}
END_TEST

/* --- what is kept ------------------------------------------------------------------------ */

START_TEST(a_layer_with_many_outputs_has_its_diagonal)
{
    struct outputs outputs, whole;
    struct failure failure;
    const wsic_stats *stats;

    begin(0);
    collect(&whole, NULL);
    recipe.outputs_rows = 24; /* of 40, 20, 20, 24, 40, 40, 24 */
    collect(&outputs, NULL);
    for (size_t i = 0; i < outputs.layers; i++) {
        ck_assert(outputs_borrow(&outputs, i, "layer", &stats, &failure));
        ck_assert_int_eq(stats != NULL, rows_of(i) <= 24);
        outputs_give_back(&outputs, i);
        ck_assert_mem_eq(outputs.of[i].diagonal, whole.of[i].diagonal, rows_of(i) * sizeof(double));
    }
    outputs_free(&outputs);
    outputs_free(&whole);
    end();
}
END_TEST

START_TEST(skipped_layers_have_nothing)
{
    struct exclusions exclusions;
    struct outputs outputs, whole;
    struct failure failure;
    const wsic_stats *stats;

    begin(1);
    collect(&whole, NULL);
    ck_assert(
        exclusions_create(&exclusions, &model.config, "*.1.mlp.up_proj.weight", NULL, &failure));
    model.exclusions = &exclusions;
    collect(&outputs, temporary_path(&place, "run"));
    for (size_t i = 0; i < outputs.layers; i++) {
        const bool skipped = i == LINEAR_KINDS + LINEAR_UP;
        ck_assert(outputs_borrow(&outputs, i, "layer", &stats, &failure));
        ck_assert_int_eq(stats == NULL, skipped);
        outputs_give_back(&outputs, i);
        ck_assert_double_eq(outputs_sensitivity(&outputs, i),
                            skipped ? 0 : outputs_sensitivity(&whole, i));
    }
    outputs_free(&outputs);
    outputs_free(&whole);
    exclusions_free(&exclusions);
    end();
}
END_TEST

static void compare_files(const char *one, const char *other)
{
    DIR *const listing = opendir(one);
    size_t count = 0;

    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        char path[PATH_MAX + 300];
        size_t sizes[2];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", one, entry->d_name);
        uint8_t *const here = read_file(path, &sizes[0]);
        snprintf(path, sizeof path, "%s/%s", other, entry->d_name);
        uint8_t *const there = read_file(path, &sizes[1]);
        ck_assert_uint_eq(sizes[0], sizes[1]);
        ck_assert_mem_eq(here, there, sizes[0]);
        free(here);
        free(there);
        count++;
    }
    closedir(listing);
    ck_assert_uint_eq(count, 2 * (LINEAR_KINDS + 1) + 2); /* embedding and head */
}

/* Refuse one allocation of the library: that ends the pass in the midst of a block on its way back.
 * What the passes before have finished is there. */
static bool collect_until(struct outputs *outputs, size_t allocation)
{
    struct failure failure;

    counter.calls = 0;
    counter.fail_at = allocation;
    const bool done = collect_into(outputs, temporary_path(&place, "stopped"), &failure);
    counter.fail_at = 0;
    ck_assert_msg(done || strstr(failure.text, "the allocator refused"), "%s", failure.text);
    return done;
}

static void forget_state(const struct outputs *outputs, const char *name, size_t number)
{
    char path[PATH_MAX];

    ck_assert_int_eq(unlink(outputs_path(outputs, name, number, path)), 0);
}

START_TEST(a_stopped_pass_goes_on_to_the_same_bytes)
{
    struct outputs outputs;
    struct failure failure;
    char whole[PATH_MAX];
    size_t stops = 0;

    begin(_i);
    collect(&outputs, temporary_path(&place, "whole"));
    snprintf(whole, sizeof whole, "%s", outputs.directory);
    outputs_free(&outputs);
    ck_assert(!collect_until(&outputs, 1));
    /* As if it had been stopped before it came to the head, in the last block on its way forward.
     */
    forget_state(&outputs, "stream", plain.blocks);
    forget_state(&outputs, "inputs", plain.blocks);
    outputs_free(&outputs);
    while (!collect_until(&outputs, 2 + 3 * stops)) {
        outputs_free(&outputs);
        stops++;
    }
    ck_assert_uint_gt(stops, 4);
    compare_files(whole, outputs.directory);
    outputs_free(&outputs);
    ck_assert(collect_into(&outputs, NULL, &failure));
    outputs_free(&outputs);
    end();
}
END_TEST

START_TEST(texts_and_models_keep_apart)
{
    char directories[3][PATH_MAX];
    struct outputs outputs;

    begin(1);
    for (size_t i = 0; i < 3; i++) {
        if (i == 1)
            values[7]++;
        if (i == 2)
            recipe.outputs_rows = 20;
        collect(&outputs, temporary_path(&place, "run"));
        strcpy(directories[i], outputs.directory);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(directories[i], directories[j]);
        outputs_free(&outputs);
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(access(directories[i], R_OK), 0);
    end();
}
END_TEST

START_TEST(what_was_collected_is_taken_over)
{
    double before[most_rows * most_rows], after[most_rows * most_rows];
    struct outputs outputs, again;

    begin(0);
    collect(&outputs, temporary_path(&place, "run"));
    read_matrix(&outputs, LINEAR_GATE, before);
    /* Statistics would have to be allocated. */
    counter.calls = 0;
    collect(&again, temporary_path(&place, "run"));
    ck_assert_uint_eq(counter.calls, 0);
    read_matrix(&again, LINEAR_GATE, after);
    ck_assert_mem_eq(before, after, rows_of(LINEAR_GATE) * rows_of(LINEAR_GATE) * sizeof(double));
    outputs_free(&outputs);
    outputs_free(&again);
    end();
}
END_TEST

START_TEST(damaged_files_are_named)
{
    struct outputs outputs;
    struct failure failure;
    const wsic_stats *stats;
    char path[PATH_MAX];

    begin(0);
    collect(&outputs, temporary_path(&place, "run"));
    ck_assert_ptr_nonnull(outputs_path(&outputs, "layer", LINEAR_O, path));
    write_file(path, "nothing of use", 14);
    ck_assert(!outputs_borrow(&outputs, LINEAR_O, "the layer", &stats, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "the layer: gradients of the outputs: "));
    ck_assert_ptr_nonnull(strstr(failure.text, outputs.directory));
    outputs_free(&outputs);
    end();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm outputs");
    TCase *const outputs = tcase_create("outputs");

    tcase_set_timeout(outputs, 120);
    tcase_add_loop_test(outputs, labels_are_drawn_from_the_model, 0, 2);
    tcase_add_loop_test(outputs, matrices_are_those_of_differences, 0, 2);
    tcase_add_loop_test(outputs, embedding_and_head_have_theirs, 0, 4);
    tcase_add_loop_test(outputs, rescaling_by_powers_of_two_changes_nothing_else, 0, 2);
    tcase_add_test(outputs, a_layer_with_many_outputs_has_its_diagonal);
    tcase_add_test(outputs, skipped_layers_have_nothing);
    tcase_add_loop_test(outputs, a_stopped_pass_goes_on_to_the_same_bytes, 0, 2);
    tcase_add_test(outputs, texts_and_models_keep_apart);
    tcase_add_test(outputs, what_was_collected_is_taken_over);
    tcase_add_test(outputs, damaged_files_are_named);
    suite_add_tcase(suite, outputs);
    return run_suite(suite);
}
