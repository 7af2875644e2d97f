/* SPDX-License-Identifier: MIT */
/* Mixtures of experts: those that must do what a dense model does, and the statistics of each
 * expert against sums that are computed here from where the tokens go. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/tokens.h"
#include "llm/generate/generation.h"
#include "llm/report/evaluate.h"
#include "llm/run/pipeline.h"
#include "llm/run/reached.h"
#include "llm/watersic/outputs_pass.h"
#include "mixture_fixture.h"
#include "random.h"
#include "temporary.h"

enum { hidden = 16, inner = 24, blocks = 3, text_length = 300, window = 30, MOST_LAYERS = 60 };

static temporary place;
static wsic_context *context;
static uint32_t values[text_length];
static struct tokens text = {.values = values, .count = text_length};
static struct model model;
static struct meter meter = {.shown = false};
static const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};

static void set_up(void)
{
    random_state random = {.counter = 11};

    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    for (size_t i = 0; i < text_length; i++)
        values[i] = (uint32_t)fmin(39, fabs(12 * random_normal(&random)));
}

static void tear_down(void)
{
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

static double any_router(size_t block, size_t expert, size_t input)
{
    return sin((double)(1 + 7 * block + 31 * expert + 5 * input + expert * input));
}

/* The first and the second are opposites: of the two, one is never less likely than the last, whose
 * logit is 0. */
static double lonely_router(size_t block, size_t expert, size_t input)
{
    const double value = any_router(block, 0, input);

    return expert == 0 ? value : expert == 1 ? -value : 0;
}

static double broken_router(size_t block, size_t expert, size_t input)
{
    return block == 1 && expert == 2 && input == 3 ? NAN : any_router(block, expert, input);
}

static bool try_mixture(const struct mixture_plan *plan, struct failure *failure)
{
    mixture_write(plan, FAMILIES, place.directory);
    return model_open(&model, place.directory, failure);
}

static void open_mixture(const struct mixture_plan *plan)
{
    struct failure failure;

    ck_assert_msg(try_mixture(plan, &failure), "%s", failure.text);
}

static void open_dense(void)
{
    struct failure failure;

    ck_assert_msg(model_open(&model, FAMILIES "mistral", &failure), "%s", failure.text);
}

/* --- what a dense model does ------------------------------------------------- */

static float *states(void)
{
    struct failure failure;
    float *const last = evaluate_hidden(&model, &text, window, &failure);

    ck_assert_msg(last != NULL, "%s", failure.text);
    model_free(&model);
    return last;
}

static void expect_dense(const struct mixture_plan *plan)
{
    open_dense();
    float *const dense = states();
    open_mixture(plan);
    float *const mixture = states();
    for (size_t i = 0; i < text_length * hidden; i++)
        ck_assert_float_eq_tol(mixture[i], dense[i], 1e-4F);
    free(dense);
    free(mixture);
}

START_TEST(experts_that_are_equal_are_the_dense_model)
{
    expect_dense(&(struct mixture_plan){.experts = 4, .chosen = 2, .router = any_router});
    expect_dense(&(struct mixture_plan){.experts = 3, .chosen = 3, .router = any_router});
}
END_TEST

START_TEST(one_expert_is_the_dense_model)
{
    expect_dense(&(struct mixture_plan){.experts = 1, .chosen = 1, .router = any_router});
}
END_TEST

/* What a layer is given. */
struct given {
    size_t columns;
    double samples;
    double moments[3][inner * inner]; /* of the input, the quantized one, and across */
};

struct watcher {
    struct given *given;
    bool rounds; /* layers become coarser */
};

static void read_moments(const wsic_stats *stats, struct given *given)
{
    static const int32_t which[] = {WSIC_MOMENT_INPUT, WSIC_MOMENT_QUANTIZED, WSIC_MOMENT_CROSS};
    const size_t n = wsic_stats_columns(stats);
    wsic_matrix matrix;

    ck_assert_uint_le(n, inner);
    given->columns = n;
    given->samples = wsic_stats_samples(stats);
    for (size_t i = 0; i < (wsic_stats_has_pairs(stats) ? 3 : 1); i++) {
        wsic_matrix_init(&matrix, sizeof matrix, given->moments[i], WSIC_F64, n, n, 0);
        ck_assert_int_eq(wsic_stats_get_moment(stats, which[i], &matrix), WSIC_OK);
    }
}

static bool watch(void *self, const struct layer_task *task, struct failure *failure)
{
    const struct watcher *const watcher = self;
    float *const weights = task->linear->weights;

    (void)failure;
    ck_assert_uint_lt(task->number, MOST_LAYERS);
    read_moments(task->stats, &watcher->given[task->number]);
    for (size_t i = 0; watcher->rounds && i < task->linear->rows * task->linear->columns; i++)
        weights[i] = rintf(8 * weights[i]) / 8;
    return true;
}

static struct given *gather(const struct recipe *recipe)
{
    const struct calibration calibration = {.tokens = &text, .window = window, .recipe = recipe};
    struct watcher watcher = {.given = calloc(MOST_LAYERS, sizeof *watcher.given),
                              .rounds = recipe->drift};
    struct failure failure;

    ck_assert_msg(pipeline_run(&model, &calibration, &stretch, context, watch, &watcher, &failure),
                  "%s", failure.text);
    model_free(&model);
    return watcher.given;
}

/* With drift and residuals, and layers that are quantized on the way. */
START_TEST(one_expert_has_the_statistics_of_the_dense_model)
{
    const struct recipe recipe = {.statistics = true, .drift = true, .residual = true};
    double largest = 0;

    open_dense();
    struct given *const dense = gather(&recipe);
    open_mixture(&(struct mixture_plan){.experts = 1, .chosen = 1, .router = any_router});
    struct given *const mixture = gather(&recipe);
    for (size_t i = 0; i < blocks * LINEAR_KINDS; i++) {
        ck_assert_double_eq_tol(mixture[i].samples, text_length, 1e-9);
        ck_assert_uint_eq(mixture[i].columns, dense[i].columns);
        for (size_t j = 0; j < 3; j++)
            for (size_t k = 0; k < inner * inner; k++) {
                largest = fmax(largest, fabs(dense[i].moments[j][k]));
                ck_assert_double_eq_tol(mixture[i].moments[j][k], dense[i].moments[j][k], 1e-4);
            }
    }
    ck_assert_double_gt(largest, 0.1);
    free(dense);
    free(mixture);
}
END_TEST

/* --- statistics of experts ---------------------------------------------------- */

enum { experts = 4, chosen = 2 };

/* The first block, as plainly as can be: what every token brings to the experts, and the weights
 * that these have. */
struct truth {
    double x[text_length][hidden];
    double weight[text_length][experts]; /* 0: the token does not go there */
    struct block block;
};

static void route(struct truth *truth, size_t token)
{
    double p[experts];
    double sum = 0;

    for (size_t e = 0; e < experts; e++) {
        p[e] = 0;
        for (size_t j = 0; j < hidden; j++)
            p[e] += (double)truth->block.router[e * hidden + j] * truth->x[token][j];
        p[e] = exp(p[e]);
    }
    for (size_t e = 0; e < experts; e++) {
        size_t above = 0;
        for (size_t i = 0; i < experts; i++)
            above += p[i] > p[e];
        truth->weight[token][e] = above < chosen ? p[e] : 0;
        sum += truth->weight[token][e];
    }
    for (size_t e = 0; e < experts; e++)
        truth->weight[token][e] /= sum;
}

static struct truth *find_truth(void)
{
    struct truth *const truth = calloc(1, sizeof *truth);
    float *const stream = malloc(text_length * hidden * sizeof *stream);
    struct forward forward;
    struct failure failure;

    ck_assert(model_load_block(&model, 0, &truth->block, &failure));
    ck_assert(forward_create(&forward, &model.config, window, &failure));
    ck_assert(forward_embed(&model, values, text_length, stream, &failure));
    forward_attention_input(&forward, &truth->block, stream, text_length);
    forward_attention_mix(&forward, &truth->block, text_length);
    forward_attention_output(&forward, &truth->block, stream, text_length);
    forward_ffn_input(&forward, &truth->block, stream, text_length);
    for (size_t i = 0; i < text_length; i++) {
        for (size_t j = 0; j < hidden; j++)
            truth->x[i][j] = (double)forward.normed[i * hidden + j];
        route(truth, i);
    }
    forward_free(&forward);
    free(stream);
    return truth;
}

static void free_truth(struct truth *truth)
{
    block_free(&truth->block);
    free(truth);
}

/* What a token counts for an expert whose layer has so many inputs: the square of its weight, 1 in
 * the mean; or 1, if it is one of so many others that are spread evenly. */
static void count_tokens(const struct truth *truth, size_t expert, size_t inputs,
                         double counts[text_length])
{
    size_t own = 0, other = 0;
    double squares = 0;

    for (size_t i = 0; i < text_length; i++) {
        own += truth->weight[i][expert] > 0;
        squares += pow(truth->weight[i][expert], 2);
    }
    const size_t others = text_length - own;
    const size_t most = others < inputs ? others : inputs;
    for (size_t i = 0; i < text_length; i++) {
        counts[i] = pow(truth->weight[i][expert], 2) / squares * (double)own;
        if (truth->weight[i][expert] > 0)
            continue;
        counts[i] = (other + 1) * most / others > other * most / others;
        other++;
    }
}

/* f(gate x) ∘ (up x) of an expert */
static void product_of_expert(const struct truth *truth, size_t expert, size_t token,
                              double product[inner])
{
    const struct linear *const gate = &truth->block.linear[layers_slot(LINEAR_GATE, expert)];
    const struct linear *const up = &truth->block.linear[layers_slot(LINEAR_UP, expert)];

    for (size_t i = 0; i < inner; i++) {
        double a = 0, b = 0;
        for (size_t j = 0; j < hidden; j++) {
            a += (double)gate->weights[i * hidden + j] * truth->x[token][j];
            b += (double)up->weights[i * hidden + j] * truth->x[token][j];
        }
        product[i] = a / (1 + exp(-a)) * b;
    }
}

static void expect_moment(const struct truth *truth, size_t expert, enum linear_kind kind,
                          const struct given *given)
{
    const size_t n = kind == LINEAR_DOWN ? inner : hidden;
    double counts[text_length];
    double moment[inner][inner] = {{0}};
    double total = 0;

    count_tokens(truth, expert, n, counts);
    for (size_t t = 0; t < text_length; t++) {
        double input[inner];
        memcpy(input, truth->x[t], sizeof truth->x[t]);
        if (kind == LINEAR_DOWN)
            product_of_expert(truth, expert, t, input);
        total += counts[t];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                moment[i][j] += counts[t] * input[i] * input[j];
    }
    ck_assert_uint_eq(given->columns, n);
    ck_assert_double_eq_tol(given->samples, total, 1e-4);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            ck_assert_double_eq_tol(given->moments[0][i * n + j], moment[i][j] / total,
                                    1e-4 * sqrt(moment[i][i] * moment[j][j]) / total + 1e-9);
}

static void expect_moments(const struct mixture_plan *plan)
{
    const struct recipe plain = {.statistics = true};

    open_mixture(plan);
    struct truth *const truth = find_truth();
    struct given *const given = gather(&plain);
    for (size_t e = 0; e < experts; e++)
        for (size_t kind = LINEAR_GATE; kind <= LINEAR_DOWN; kind++)
            expect_moment(truth, e, (enum linear_kind)kind,
                          &given[layers_slot((enum linear_kind)kind, e)]);
    free_truth(truth);
    free(given);
}

START_TEST(statistics_are_of_the_tokens_that_come)
{
    expect_moments(&(struct mixture_plan){
        .experts = experts, .chosen = chosen, .router = any_router, .grown = 0.1});
}
END_TEST

/* --- experts that no token reaches -------------------------------------------- */

static const struct mixture_plan lonely = {.experts = 3, .chosen = 1, .router = lonely_router};

START_TEST(an_expert_that_no_token_reaches_sees_what_its_layer_sees)
{
    const struct recipe plain = {.statistics = true};
    double mean = 0;

    open_mixture(&lonely);
    struct truth *const truth = find_truth();
    struct given *const given = gather(&plain);
    const struct given *const gate = &given[layers_slot(LINEAR_GATE, 2)];
    ck_assert_double_eq(gate->samples, hidden);
    ck_assert_double_eq(given[layers_slot(LINEAR_DOWN, 2)].samples, inner);
    /* All of the text, of which every 300/16th token is taken. */
    for (size_t k = 0; k < hidden; k++) {
        size_t token = 0;
        while ((token + 1) * hidden / text_length <= k)
            token++;
        mean += truth->x[token][0] * truth->x[token][0] / hidden;
    }
    ck_assert_double_eq_tol(gate->moments[0][0], mean, 1e-5);
    free_truth(truth);
    free(given);
}
END_TEST

START_TEST(experts_that_no_token_reaches_are_told)
{
    struct config config = {.blocks = 1, .mixture = {.experts = 3, .chosen = 1}, .sparse = {true}};
    struct routes routes;
    struct failure failure;
    char said[300];

    ck_assert(routes_create(&routes, &config, 2, 2, &failure));
    routes.routing.experts[0] = 1;
    routes.routing.experts[1] = 1;
    FILE *const caught = tmpfile();
    const int before = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
    reached_tell(&routes, &config, 0);
    routes.routing.experts[0] = 0;
    config.mixture.experts = 2;
    reached_tell(&routes, &config, 0);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(caught);
    said[fread(said, 1, sizeof said - 1, caught)] = '\0';
    fclose(caught);
    ck_assert_ptr_nonnull(strstr(said, "model.layers.0: no token of the text goes to 2 of its 3 "
                                       "experts (0, 2)"));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    routes_free(&routes);
}
END_TEST

/* --- what outputs are worth ------------------------------------------------------ */

static void collect(struct outputs *outputs, const struct recipe *recipe)
{
    const struct calibration calibration = {.tokens = &text, .window = window, .recipe = recipe};
    struct failure failure;

    ck_assert(outputs_create(outputs, context, &model, recipe, &failure));
    ck_assert_msg(outputs_collect(outputs, &model, &calibration, &stretch, &failure), "%s",
                  failure.text);
}

START_TEST(outputs_of_one_expert_are_worth_those_of_the_dense_model)
{
    struct outputs dense, mixture;
    struct recipe recipe;

    recipe_find(&recipe, "default");
    open_dense();
    collect(&dense, &recipe);
    model_free(&model);
    open_mixture(&(struct mixture_plan){.experts = 1, .chosen = 1, .router = any_router});
    collect(&mixture, &recipe);
    for (size_t i = 0; i < blocks * LINEAR_KINDS; i++) {
        ck_assert_double_eq(mixture.of[i].share, 1);
        for (size_t j = 0; j < dense.of[i].rows; j++)
            ck_assert_double_eq_tol(mixture.of[i].diagonal[j], dense.of[i].diagonal[j],
                                    1e-3 * dense.of[i].mean);
        ck_assert_double_eq_tol(outputs_sensitivity_in_plan(&mixture, i),
                                outputs_sensitivity_in_plan(&dense, i), 1e-9);
    }
    outputs_free(&dense);
    outputs_free(&mixture);
    model_free(&model);
}
END_TEST

/* Shares are parts of the tokens; a token goes to as many experts as are chosen. */
START_TEST(outputs_of_experts_are_worth_their_share)
{
    struct outputs outputs;
    struct recipe recipe;

    recipe_find(&recipe, "default");
    open_mixture(&(struct mixture_plan){
        .experts = experts, .chosen = chosen, .router = any_router, .grown = 0.1});
    collect(&outputs, &recipe);
    for (size_t block = 0; block < blocks; block++) {
        const size_t before = layers_before(&model.config, block);
        double sum = 0;
        for (size_t e = 0; e < experts; e++)
            sum += outputs.of[before + layers_slot(LINEAR_UP, e)].share;
        ck_assert_double_eq_tol(sum, chosen, 1e-9);
        ck_assert_double_eq(outputs.of[before + LINEAR_O].share, 1);
    }
    outputs_free(&outputs);
    model_free(&model);
    open_mixture(&lonely);
    collect(&outputs, &recipe);
    for (size_t kind = LINEAR_GATE; kind <= LINEAR_DOWN; kind++) {
        const struct layer_outputs *const alone =
            &outputs.of[layers_slot((enum linear_kind)kind, 2)];
        ck_assert_double_eq_tol(alone->share, 1.0 / text_length, 1e-12);
        ck_assert_double_gt(alone->mean, 0);
        ck_assert(isfinite(alone->mean));
    }
    outputs_free(&outputs);
    model_free(&model);
}
END_TEST

/* --- the rest ------------------------------------------------------------------------ */

START_TEST(a_router_that_is_no_number_is_refused)
{
    struct failure failure = {.text = ""};
    struct block block;

    ck_assert(try_mixture(
        &(struct mixture_plan){.experts = 3, .chosen = 1, .router = broken_router}, &failure));
    ck_assert(model_load_block(&model, 0, &block, &failure));
    block_free(&block);
    ck_assert(!model_load_block(&model, 1, &block, &failure));
    ck_assert_msg(strstr(failure.text, "model.layers.1.block_sparse_moe.gate.weight"), "%s",
                  failure.text);
    ck_assert_msg(strstr(failure.text, "not finite"), "%s", failure.text);
    model_free(&model);
}
END_TEST

/* Token after token, as after all of them. */
START_TEST(generation_reads_as_evaluation_does)
{
    struct generation generation;
    struct failure failure;
    float logits[40];

    open_mixture(&(struct mixture_plan){
        .experts = experts, .chosen = chosen, .router = any_router, .grown = 0.1});
    ck_assert(model_load_tables(&model, &failure));
    text.count = window;
    float *const last = evaluate_hidden(&model, &text, window, &failure);
    text.count = text_length;
    ck_assert(forward_logits(&model, last + (window - 1) * hidden, 1, logits, &failure));
    ck_assert_msg(
        generation_create(&generation, &model, NULL, RESIDENT_F32, context, window, &failure), "%s",
        failure.text);
    for (size_t i = 0; i < window; i++)
        ck_assert_msg(generation_read(&generation, values + i, 1, &failure), "%s", failure.text);
    for (size_t i = 0; i < 40; i++)
        ck_assert_float_eq_tol(generation.logits[i], logits[i], 1e-3F);
    generation_free(&generation);
    free(last);
    model_free(&model);
}
END_TEST

START_TEST(layers_are_found_by_their_names)
{
    char name[MODEL_NAME_SIZE];
    size_t number;

    open_mixture(
        &(struct mixture_plan){.experts = experts, .chosen = chosen, .router = any_router});
    ck_assert_uint_eq(layers_count(&model.config), blocks * (4 + 3 * experts));
    for (size_t i = 0; i < layers_count(&model.config); i++) {
        layers_name(&model.config, i, name);
        ck_assert(layers_find(&model.config, name, &number));
        ck_assert_uint_eq(number, i);
    }
    ck_assert(!layers_find(&model.config, "model.layers.3.self_attn.q_proj.weight", &number));
    ck_assert(!layers_find(&model.config, "model.layers.0.mlp.gate_proj.weight", &number));
    ck_assert(!layers_find(&model.config, "model.layers.0.block_sparse_moe.experts.4.w1.weight",
                           &number));
    model_free(&model);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm experts");
    TCase *const mixtures = tcase_create("mixtures");

    tcase_set_timeout(mixtures, 60);
    tcase_add_checked_fixture(mixtures, set_up, tear_down);
    tcase_add_test(mixtures, experts_that_are_equal_are_the_dense_model);
    tcase_add_test(mixtures, one_expert_is_the_dense_model);
    tcase_add_test(mixtures, one_expert_has_the_statistics_of_the_dense_model);
    tcase_add_test(mixtures, statistics_are_of_the_tokens_that_come);
    tcase_add_test(mixtures, an_expert_that_no_token_reaches_sees_what_its_layer_sees);
    tcase_add_test(mixtures, experts_that_no_token_reaches_are_told);
    tcase_add_test(mixtures, outputs_of_one_expert_are_worth_those_of_the_dense_model);
    tcase_add_test(mixtures, outputs_of_experts_are_worth_their_share);
    tcase_add_test(mixtures, a_router_that_is_no_number_is_refused);
    tcase_add_test(mixtures, generation_reads_as_evaluation_does);
    tcase_add_test(mixtures, layers_are_found_by_their_names);
    suite_add_tcase(suite, mixtures);
    return run_suite(suite);
}
