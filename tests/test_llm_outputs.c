/* SPDX-License-Identifier: MIT */
/* What outputs are worth: labels are drawn from what the model expects; the matrices are those of
 * derivatives taken as differences in double precision; a layer that is rescaled by a power of two
 * has its matrix rescaled, and nothing else changes. */
#include "common/seeded.h"
#include "llm/watersic/labels.h"
#include "llm/watersic/outputs_ends.h"
#include "llm_outputs_fixture.h"

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
            /* Statistics multiply in single precision, in blocks of 768 tokens. */
            ck_assert_double_eq_tol(outputs.of[layer].diagonal[i], matrix[i * rows + i],
                                    4.7e-5 * matrix[i * rows + i]);
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

int main(void)
{
    Suite *const suite = suite_create("llm outputs");
    TCase *const outputs = tcase_create("outputs");

    tcase_set_timeout(outputs, 120);
    tcase_add_loop_test(outputs, labels_are_drawn_from_the_model, 0, 2);
    tcase_add_loop_test(outputs, matrices_are_those_of_differences, 0, 2);
    tcase_add_loop_test(outputs, embedding_and_head_have_theirs, 0, 4);
    tcase_add_loop_test(outputs, rescaling_by_powers_of_two_changes_nothing_else, 0, 2);
    suite_add_tcase(suite, outputs);
    return run_suite(suite);
}
