/* SPDX-License-Identifier: MIT */
/* Plans of a model whose layers have units of their own: what one layer loses by a power of two and
 * another gains leaves the function as it is, and so the plan. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/watersic/survey.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 330, window = 30, layers = 2 * LINEAR_KINDS };

static struct synthetic_llm plain;
static temporary place;
static wsic_context *context;
static struct model model;

static void load_model(void)
{
    struct failure failure;

    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
}

static void set_up(void)
{
    synthetic_qwen3(&plain);
    temporary_create(&place);
    load_model();
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    model_free(&model);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

/* Outputs of every layer in a unit of their own, of 2^powers[i], which sensitivities of 1 / unit²
 * make up for. */
static void add_in_units(struct allocation *allocation, size_t layer, const wsic_stats *stats,
                         const int *powers)
{
    const struct linear *const linear =
        &model.blocks[layer / LINEAR_KINDS].linear[layer % LINEAR_KINDS];
    const size_t count = linear->rows * linear->columns;
    float *const weights = malloc(count * sizeof *weights);
    struct failure failure;
    wsic_matrix matrix;
    wsic_problem *problem;

    ck_assert_ptr_nonnull(weights);
    for (size_t i = 0; i < count; i++)
        weights[i] = ldexpf(linear->weights[i], powers[layer]);
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, linear->rows, linear->columns, 0);
    ck_assert_int_eq(wsic_problem_create(context, stats, NULL, &matrix, &problem), WSIC_OK);
    ck_assert(allocation_add(allocation, layer, "layer", problem, &failure));
    wsic_problem_destroy(problem);
    free(weights);
    /* One of them is not measurable. */
    allocation->sensitivities[layer] =
        layer == 9 ? 0 : ldexp(1 + (double)(layer % 5), -2 * powers[layer]);
}

/* As many tokens as inputs, each large in one of them. */
static wsic_stats *make_stats(size_t columns)
{
    float *const x = calloc(columns * columns, sizeof *x);
    wsic_stats *stats;
    wsic_matrix matrix;

    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < columns; i++)
        for (size_t j = 0; j <= i; j++)
            x[i * columns + j] = i == j ? 1 + (float)(i % 3) : 1 / (float)(1 + i + j);
    wsic_matrix_init(&matrix, sizeof matrix, x, WSIC_F32, columns, columns, 0);
    ck_assert_int_eq(wsic_stats_create(context, columns, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &matrix, NULL), WSIC_OK);
    free(x);
    return stats;
}

static void rates_in_units(const int *powers, double *rates)
{
    struct allocation allocation;
    struct failure failure;

    ck_assert(allocation_create(&allocation, context, &model, &failure));
    for (size_t i = 0; i < layers; i++) {
        wsic_stats *const stats = make_stats(model.blocks[0].linear[i % LINEAR_KINDS].columns);
        add_in_units(&allocation, i, stats, powers);
        wsic_stats_destroy(stats);
    }
    ck_assert_msg(allocation_solve(&allocation, PLAN_WATERFILL, 6, NULL, &failure), "%s",
                  failure.text);
    for (size_t i = 0; i < layers; i++)
        ck_assert(allocation_rate(&allocation, i, &rates[i], &failure));
    allocation_destroy(&allocation);
}

START_TEST(plans_know_no_units)
{
    const int none[layers] = {0};
    const int some[layers] = {[3] = 5, [5] = -14, [6] = 14, [9] = -40, [12] = 33};
    double before[layers];
    double after[layers];

    rates_in_units(none, before);
    rates_in_units(some, after);
    for (size_t i = 0; i < layers; i++)
        ck_assert_msg(after[i] == before[i], "layer %zu: %.17g, before %.17g", i, after[i],
                      before[i]);
    /* What is not measurable gets less than what is, but is not lost. */
    ck_assert_double_lt(before[9], before[2]);
    ck_assert_double_ge(before[9], 0.05);
}
END_TEST

static void survey_model(struct allocation *allocation)
{
    const struct recipe recipe = {.plan = PLAN_WATERFILL};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    uint32_t values[text_length];
    const struct tokens text = {.values = values, .count = text_length};
    const struct calibration calibration = {.tokens = &text, .window = window, .recipe = &recipe};
    struct failure failure;

    synthetic_text(plain.vocabulary, values, text_length);
    ck_assert(allocation_create(allocation, context, &model, &failure));
    ck_assert_msg(survey(allocation, &model, &calibration, 3, &stretch, context, &failure), "%s",
                  failure.text);
}

static void scale_tensor(const char *name, int power)
{
    for (size_t i = 0; i < plain.count; i++)
        for (size_t j = 0;
             strcmp(plain.tensors[i].name, name) == 0 && j < synthetic_numbers(&plain.tensors[i]);
             j++)
            plain.tensors[i].bits[j] = (uint16_t)(plain.tensors[i].bits[j] + power * (1 << 7));
}

/* What a block's up_proj loses its down_proj gains: the model is the same, and so are all
 * divergences; errors of the one have another unit. */
START_TEST(sensitivities_follow_the_unit_of_a_layer)
{
    const double unit = 0x1p28;
    struct allocation before;
    struct allocation after;

    survey_model(&before);
    scale_tensor("model.layers.1.mlp.up_proj.weight", -14);
    scale_tensor("model.layers.1.mlp.down_proj.weight", 14);
    model_free(&model);
    load_model();
    survey_model(&after);
    for (size_t i = 0; i < layers; i++) {
        const double expected =
            before.sensitivities[i] * (i == LINEAR_KINDS + LINEAR_UP ? unit : 1);
        if (i < LINEAR_KINDS + LINEAR_UP)
            ck_assert_double_eq(after.sensitivities[i], expected);
        else /* layers store their unit too, which takes bits from the codes of a draft */
            ck_assert_double_eq_tol(after.sensitivities[i] / expected, 1, 0.2);
    }
    allocation_destroy(&before);
    allocation_destroy(&after);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm units");
    TCase *const tests = tcase_create("units");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, plans_know_no_units);
    tcase_add_test(tests, sensitivities_follow_the_unit_of_a_layer);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
