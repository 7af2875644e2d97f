/* SPDX-License-Identifier: MIT */
/* Mixtures of experts: those that must do what a dense model does, what their outputs are worth,
 * and what they generate. */
#include "llm/generate/generation.h"
#include "llm/report/evaluate.h"
#include "llm/watersic/outputs_pass.h"
#include "llm_experts_fixture.h"

static double broken_router(size_t block, size_t expert, size_t input)
{
    return block == 1 && expert == 2 && input == 3 ? NAN : any_router(block, expert, input);
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
    tcase_add_test(mixtures, outputs_of_one_expert_are_worth_those_of_the_dense_model);
    tcase_add_test(mixtures, outputs_of_experts_are_worth_their_share);
    tcase_add_test(mixtures, a_router_that_is_no_number_is_refused);
    tcase_add_test(mixtures, generation_reads_as_evaluation_does);
    tcase_add_test(mixtures, layers_are_found_by_their_names);
    suite_add_tcase(suite, mixtures);
    return run_suite(suite);
}
