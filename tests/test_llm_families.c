/* SPDX-License-Identifier: MIT */
/* Every family of models on small checkpoints in tests/data/families: logits against those of an
 * independent forward pass (tests/families/forward.py made both), derivatives against differences.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/npy.h"
#include "common/tokens.h"
#include "llm/model/backward.h"
#include "llm/report/evaluate.h"
#include "random.h"

static const char *const names[] = {
    "llama", "mistral", "mistral_fp8", "qwen2",  "qwen3",
    "phi3",  "phi4",    "gemma2",      "gemma3", "gemma3_vision",
};

enum { NAMES = sizeof names / sizeof names[0], window = 40 };

static struct model model;
static struct tokens text;

static const char *path_of(const char *name, const char *file)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s%s", FAMILIES, name, file);
    return path;
}

static void open_model(int number)
{
    struct failure failure;

    ck_assert_msg(model_load(&model, path_of(names[number], ""), &failure), "%s", failure.text);
    ck_assert_msg(tokens_load(&text, path_of(names[number], "/tokens.u16"), model.config.vocabulary,
                              &failure),
                  "%s", failure.text);
    ck_assert_uint_eq(text.count, window);
}

static void close_model(void)
{
    tokens_free(&text);
    model_free(&model);
}

START_TEST(logits_are_those_of_an_independent_computation)
{
    struct failure failure;
    npy_array expected;
    double largest = 0;
    double error = 0;

    open_model(_i);
    ck_assert_msg(npy_read(path_of(names[_i], "/logits.npy"), &expected, &failure), "%s",
                  failure.text);
    const size_t numbers = expected.rows * expected.columns;
    ck_assert_uint_eq(numbers, window * model.config.vocabulary);
    float *const hidden = evaluate_hidden(&model, &text, window, &failure);
    float *const logits = malloc(numbers * sizeof *logits);
    ck_assert_msg(hidden && logits, "%s", failure.text);
    ck_assert(forward_logits(&model, hidden, window, logits, &failure));
    for (size_t i = 0; i < numbers; i++) {
        const double truth = (double)((const float *)expected.data)[i];
        largest = fmax(largest, fabs(truth));
        error = fmax(error, fabs(truth - (double)logits[i]));
    }
    ck_assert_double_gt(largest, 1);
    ck_assert_msg(error < 1e-4, "%s: %g", names[_i], error);
    free(logits);
    free(hidden);
    npy_release(&expected);
    close_model();
}
END_TEST

/* The states after all blocks, weighted at random: a function of the states before them. */
struct trial {
    struct forward forward;
    struct backward backward;
    float *states[CONFIG_MAX_BLOCKS + 1]; /* before each block, and behind the last */
    double *weights;
    size_t numbers;
    double sums[LINEAR_KINDS][256]; /* of derivatives by outputs, over tokens */
    size_t seen[LINEAR_KINDS];
};

static struct trial trial;
static random_state state;

static double run_blocks(void)
{
    double sum = 0;

    for (size_t i = 0; i < model.config.blocks; i++) {
        memcpy(trial.states[i + 1], trial.states[i], trial.numbers * sizeof(float));
        forward_block(&trial.forward, &model.blocks[i], trial.states[i + 1], window);
    }
    for (size_t i = 0; i < trial.numbers; i++)
        sum += trial.weights[i] * (double)trial.states[model.config.blocks][i];
    return sum;
}

static void watch(void *data, enum linear_kind kind, const float *u, size_t count)
{
    const size_t rows = model_linear_shape(&model.config, kind).rows;

    (void)data;
    trial.seen[kind]++;
    memset(trial.sums[kind], 0, sizeof trial.sums[kind]);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < rows; r++)
            trial.sums[kind][r] += (double)u[i * rows + r];
}

static void begin_trial(int number)
{
    struct failure failure;

    open_model(number);
    trial = (struct trial){.numbers = window * model.config.hidden};
    state = (random_state){.counter = (uint64_t)number + 1};
    ck_assert(forward_create(&trial.forward, &model.config, window, &failure));
    trial.forward.workers = 1;
    ck_assert(backward_create(&trial.backward, &trial.forward, &failure));
    trial.backward.watch = watch;
    trial.weights = malloc(trial.numbers * sizeof *trial.weights);
    random_fill(&state, trial.weights, trial.numbers);
    for (size_t i = 0; i <= model.config.blocks; i++)
        ck_assert_ptr_nonnull(trial.states[i] = malloc(trial.numbers * sizeof(float)));
    ck_assert(forward_embed(&model, text.values, window, trial.states[0], &failure));
}

static void end_trial(void)
{
    for (size_t i = 0; i <= model.config.blocks; i++)
        free(trial.states[i]);
    free(trial.weights);
    backward_free(&trial.backward);
    forward_free(&trial.forward);
    close_model();
}

enum { directions = 8 };
static const double distance = 1e-3;

/* How much the function changes along a direction in which `values` are moved. */
static double difference(float *values, const double *direction, size_t count)
{
    float *const kept = malloc(count * sizeof *kept);
    double sums[2];

    memcpy(kept, values, count * sizeof *kept);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            values[i] = (float)((double)kept[i] + (side ? -distance : distance) * direction[i]);
        sums[side] = run_blocks();
    }
    memcpy(values, kept, count * sizeof *kept);
    free(kept);
    return (sums[0] - sums[1]) / (2 * distance);
}

/* Relative error of the changes along several directions that the derivatives foretell. */
static double error_of(float *values, const double *derivatives, size_t count)
{
    double *const direction = malloc(count * sizeof *direction);
    double error = 0;
    double energy = 0;

    for (int i = 0; i < directions; i++) {
        double expected = 0;
        random_fill(&state, direction, count);
        for (size_t j = 0; j < count; j++)
            expected += derivatives[j] * direction[j];
        error += pow(difference(values, direction, count) - expected, 2);
        energy += expected * expected;
    }
    free(direction);
    ck_assert_double_gt(energy, 0);
    return sqrt(error / energy);
}

/* An output of a layer moves for all tokens at once if its bias does. */
static void check_outputs(size_t block)
{
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        struct linear *const linear = &model.blocks[block].linear[kind];
        ck_assert_uint_eq(trial.seen[kind], 1);
        ck_assert_uint_le(linear->rows, 256);
        trial.seen[kind] = 0;
        if (!linear->bias)
            linear->bias = calloc(linear->rows, sizeof *linear->bias);
        const double error = error_of(linear->bias, trial.sums[kind], linear->rows);
        ck_assert_msg(error < 5e-3, "block %zu, layer %zu: %g", block, kind, error);
    }
}

static void check_states(size_t block, const float *stream)
{
    double *const derivatives = malloc(trial.numbers * sizeof *derivatives);

    for (size_t i = 0; i < trial.numbers; i++)
        derivatives[i] = (double)stream[i];
    /* Only those before the first block are not overwritten. */
    if (block == 0) {
        const double error = error_of(trial.states[0], derivatives, trial.numbers);
        ck_assert_msg(error < 5e-3, "states: %g", error);
    }
    free(derivatives);
}

START_TEST(derivatives_are_those_of_differences)
{
    static const struct scale_gradient none[LINEAR_KINDS] = {{.rows = NULL}};

    begin_trial(_i);
    float *const stream = malloc(trial.numbers * sizeof *stream);
    run_blocks();
    for (size_t i = 0; i < trial.numbers; i++)
        stream[i] = (float)trial.weights[i];
    for (size_t block = model.config.blocks; block-- > 0;) {
        run_blocks();
        backward_block(&trial.backward, &model.blocks[block], trial.states[block], stream, window,
                       none);
        check_outputs(block);
        check_states(block, stream);
    }
    free(stream);
    end_trial();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm families");
    TCase *const families = tcase_create("families");

    tcase_set_timeout(families, 60);
    tcase_add_loop_test(families, logits_are_those_of_an_independent_computation, 0, NAMES);
    tcase_add_loop_test(families, derivatives_are_those_of_differences, 0, NAMES);
    suite_add_tcase(suite, families);
    return run_suite(suite);
}
