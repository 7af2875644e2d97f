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
#include "llm/report/divergence.h"
#include "llm/report/evaluate.h"
#include "llm/run/external.h"
#include "llm/watersic/labels.h"
#include "random.h"

static const char *const names[] = {
    "llama",         "mistral",
    "mistral_fp8",   "qwen2",
    "qwen3",         "phi3",
    "phi4",          "gemma2",
    "gemma3",        "gemma3_vision",
    "mixtral",       "mixtral_stacked",
    "qwen3_moe",     "qwen3_moe_stacked",
    "qwen3_moe_all",
};

enum { GEMMA2 = 7, NAMES = sizeof names / sizeof names[0], window = 40 };

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

/* What a hook in another program gathers of an input, and what the pass of this one sees there. */
static void expect_hooked(const char *layer, const float *x, size_t columns)
{
    struct external *external;
    struct failure failure;
    wsic_context *context;
    wsic_stats *hooked, *own;
    double sides[2][32][32];
    wsic_matrix matrix;

    ck_assert_uint_le(columns, 32);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_msg(external_open(&external, path_of("gemma2", ""), &failure), "%s", failure.text);
    ck_assert_msg(external_stats(external, context, layer, columns, &hooked, &failure), "%s",
                  failure.text);
    ck_assert_int_eq(wsic_stats_create(context, columns, &own), WSIC_OK);
    wsic_matrix_init(&matrix, sizeof matrix, (void *)(uintptr_t)x, WSIC_F32, window, columns, 0);
    ck_assert_int_eq(wsic_stats_add_activations(own, &matrix, NULL), WSIC_OK);
    for (int side = 0; side < 2; side++) {
        wsic_matrix_init(&matrix, sizeof matrix, sides[side], WSIC_F64, columns, columns, 32);
        ck_assert_int_eq(wsic_stats_get_covariance(side ? own : hooked, &matrix), WSIC_OK);
    }
    for (size_t i = 0; i < columns; i++)
        for (size_t j = 0; j < columns; j++)
            ck_assert_double_eq_tol(sides[0][i][j], sides[1][i][j],
                                    1e-5 * sqrt(sides[1][i][i] * sides[1][j][j]));
    wsic_stats_destroy(own);
    wsic_stats_destroy(hooked);
    external_close(external);
    wsic_context_destroy(context);
}

START_TEST(statistics_of_a_hook_are_those_of_the_pass)
{
    struct forward forward;
    struct failure failure;

    open_model(_i);
    float *const hidden = malloc(window * model.config.hidden * sizeof *hidden);
    ck_assert(forward_create(&forward, &model.config, window, &failure));
    ck_assert(forward_embed(&model, text.values, window, hidden, &failure));
    forward_attention_input(&forward, &model.blocks[0], hidden, window);
    expect_hooked("model.layers.0.self_attn.q_proj.weight", forward.normed, model.config.hidden);
    forward_block(&forward, &model.blocks[0], hidden, window);
    forward_block(&forward, &model.blocks[1], hidden, window);
    forward_block(&forward, &model.blocks[2], hidden, window);
    expect_hooked("model.layers.2.mlp.down_proj.weight", forward.product,
                  model.config.intermediate);
    forward_free(&forward);
    free(hidden);
    close_model();
}
END_TEST

enum { MOST_SLOTS = 64 };

/* The states after all blocks, weighted at random: a function of the states before them. */
struct trial {
    struct forward forward;
    struct backward backward;
    float *states[CONFIG_MAX_BLOCKS + 1]; /* before each block, and behind the last */
    double *weights;
    size_t numbers;
    size_t block;
    uint64_t routes;             /* which experts tokens went to when the blocks were run */
    double sums[MOST_SLOTS][64]; /* of derivatives by outputs, over tokens */
    size_t seen[MOST_SLOTS];
};

static struct trial trial;
static random_state state;

/* Of a block with experts, those of every token, whatever their order. */
static void note_routes(void)
{
    for (size_t i = 0; i < window; i++) {
        const struct routing routing = routing_from(&trial.forward.mixture.routing, i);
        uint64_t chosen = 0;
        for (size_t j = 0; j < routing.chosen; j++)
            chosen |= (uint64_t)1 << routing.experts[j];
        trial.routes = trial.routes * 0x100000001B3 ^ chosen;
    }
}

static double run_blocks(void)
{
    double sum = 0;

    trial.routes = 0;
    for (size_t i = 0; i < model.config.blocks; i++) {
        memcpy(trial.states[i + 1], trial.states[i], trial.numbers * sizeof(float));
        forward_block(&trial.forward, &model.blocks[i], trial.states[i + 1], window);
        if (model.blocks[i].router)
            note_routes();
    }
    for (size_t i = 0; i < trial.numbers; i++)
        sum += trial.weights[i] * (double)trial.states[model.config.blocks][i];
    return sum;
}

static void watch(void *data, size_t slot, const float *u, size_t count, size_t own)
{
    const size_t rows = layers_in(&model.config, trial.block, slot).rows;

    (void)data;
    ck_assert_uint_lt(slot, MOST_SLOTS);
    ck_assert_uint_le(own, count);
    trial.seen[slot]++;
    memset(trial.sums[slot], 0, sizeof trial.sums[slot]);
    for (size_t i = 0; i < own; i++)
        for (size_t r = 0; r < rows; r++)
            trial.sums[slot][r] += (double)u[i * rows + r];
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

/* How much the function changes along a direction in which `values` are moved; NaN where tokens go
 * to other experts on the way, which derivatives know nothing of. */
static double difference(float *values, const double *direction, size_t count)
{
    float *const kept = malloc(count * sizeof *kept);
    double sums[2];
    uint64_t routes[2];

    memcpy(kept, values, count * sizeof *kept);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            values[i] = (float)((double)kept[i] + (side ? -distance : distance) * direction[i]);
        sums[side] = run_blocks();
        routes[side] = trial.routes;
    }
    memcpy(values, kept, count * sizeof *kept);
    free(kept);
    return routes[0] == routes[1] ? (sums[0] - sums[1]) / (2 * distance) : NAN;
}

/* Relative error of the changes along several directions that the derivatives foretell. */
static double error_of(float *values, const double *derivatives, size_t count)
{
    double *const direction = malloc(count * sizeof *direction);
    double error = 0;
    double energy = 0;
    int compared = 0;

    for (int i = 0; compared < directions; i++) {
        double expected = 0;
        random_fill(&state, direction, count);
        for (size_t j = 0; j < count; j++)
            expected += derivatives[j] * direction[j];
        const double change = difference(values, direction, count);
        ck_assert_int_lt(i, 20 * directions);
        if (isnan(change))
            continue;
        compared++;
        error += pow(change - expected, 2);
        energy += expected * expected;
    }
    free(direction);
    ck_assert_double_gt(energy, 0);
    return sqrt(error / energy);
}

/* An output of a layer moves for all tokens at once if its bias does. */
static void check_outputs(size_t block)
{
    for (size_t slot = 0; slot < model.blocks[block].layers; slot++) {
        struct linear *const linear = &model.blocks[block].linear[slot];
        ck_assert_uint_eq(trial.seen[slot], 1);
        ck_assert_uint_le(linear->rows, 64);
        trial.seen[slot] = 0;
        if (!linear->bias)
            linear->bias = calloc(linear->rows, sizeof *linear->bias);
        const double error = error_of(linear->bias, trial.sums[slot], linear->rows);
        ck_assert_msg(error < 5e-3, "block %zu, layer %zu: %g", block, slot, error);
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
    begin_trial(_i);
    float *const stream = malloc(trial.numbers * sizeof *stream);
    run_blocks();
    for (size_t i = 0; i < trial.numbers; i++)
        stream[i] = (float)trial.weights[i];
    for (size_t block = model.config.blocks; block-- > 0;) {
        run_blocks();
        trial.block = block;
        backward_block(&trial.backward, &model.blocks[block], trial.states[block], stream, window,
                       NULL);
        check_outputs(block);
        check_states(block, stream);
    }
    free(stream);
    end_trial();
}
END_TEST

/* --- where logits are capped -------------------------------------------------- */

enum { few = 3 };

/* Log-likelihoods of all tokens behind some states. */
static void likelihoods(const float *hidden, double logs[few][64])
{
    const size_t vocabulary = model.config.vocabulary;
    float logits[few * 64];
    struct failure failure;

    ck_assert_uint_le(vocabulary, 64);
    ck_assert(forward_logits(&model, hidden, few, logits, &failure));
    for (size_t i = 0; i < few; i++) {
        const struct scores scores = scores_of(logits + i * vocabulary, vocabulary);
        for (size_t j = 0; j < vocabulary; j++)
            logs[i][j] = (double)scores.logits[j] - scores.norm;
    }
}

static void make_states(float *states, uint64_t seed)
{
    random_state random = {.counter = seed};

    for (size_t i = 0; i < few * model.config.hidden; i++)
        states[i] = (float)random_normal(&random);
}

static double divergence_of(const float *reference, const float *hidden, float *stream)
{
    struct divergence divergence;
    struct failure failure;
    double sum;

    ck_assert(divergence_create(&divergence, &model, &model, 1, &failure));
    ck_assert(divergence_backward(&divergence, reference, hidden, few, 1, stream, &sum, &failure));
    divergence_free(&divergence);
    return sum;
}

START_TEST(divergences_have_the_slope_of_the_cap)
{
    float reference[few * 32], hidden[few * 32], stream[few * 32], unused[few * 32];

    open_model(_i);
    make_states(reference, 1);
    make_states(hidden, 2);
    divergence_of(reference, hidden, stream);
    for (size_t i = 0; i < few * model.config.hidden; i++) {
        const float kept = hidden[i];
        hidden[i] = kept + 0.01F;
        const double above = divergence_of(reference, hidden, unused);
        hidden[i] = kept - 0.01F;
        const double below = divergence_of(reference, hidden, unused);
        hidden[i] = kept;
        ck_assert_double_eq_tol((above - below) / 0.02, (double)stream[i], 2e-3);
    }
    close_model();
}
END_TEST

/* Which label was drawn is not told, but the derivatives must be those of one. */
START_TEST(labels_have_the_slope_of_the_cap)
{
    const double step = 0.01;
    float hidden[few * 32], stream[few * 32];
    double errors[few][64] = {{0}};
    double above[few][64], below[few][64];
    struct labels labels;
    struct failure failure;

    open_model(_i);
    const size_t length = model.config.hidden;
    make_states(hidden, 3);
    ck_assert(labels_create(&labels, &model, few, 1, &failure));
    ck_assert(labels_backward(&labels, 0, hidden, few, stream, &failure));
    for (size_t j = 0; j < length; j++) {
        for (size_t i = 0; i < few; i++)
            hidden[i * length + j] += (float)step;
        likelihoods(hidden, above);
        for (size_t i = 0; i < few; i++)
            hidden[i * length + j] -= (float)(2 * step);
        likelihoods(hidden, below);
        for (size_t i = 0; i < few; i++) {
            hidden[i * length + j] += (float)step;
            for (size_t v = 0; v < model.config.vocabulary; v++) {
                const double slope = (above[i][v] - below[i][v]) / (2 * step);
                errors[i][v] = fmax(errors[i][v], fabs(slope - (double)stream[i * length + j]));
            }
        }
    }
    for (size_t i = 0; i < few; i++) {
        size_t fitting = 0;
        for (size_t v = 0; v < model.config.vocabulary; v++)
            fitting += errors[i][v] < 2e-3;
        ck_assert_uint_eq(fitting, 1);
    }
    labels_free(&labels);
    close_model();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm families");
    TCase *const families = tcase_create("families");

    tcase_set_timeout(families, 60);
    tcase_add_loop_test(families, logits_are_those_of_an_independent_computation, 0, NAMES);
    tcase_add_loop_test(families, statistics_of_a_hook_are_those_of_the_pass, GEMMA2, GEMMA2 + 1);
    tcase_add_loop_test(families, derivatives_are_those_of_differences, 0, NAMES);
    tcase_add_loop_test(families, divergences_have_the_slope_of_the_cap, GEMMA2, GEMMA2 + 1);
    tcase_add_loop_test(families, labels_have_the_slope_of_the_cap, GEMMA2, GEMMA2 + 1);
    suite_add_tcase(suite, families);
    return run_suite(suite);
}
