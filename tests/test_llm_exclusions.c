/* SPDX-License-Identifier: MIT */
/* Layers that are skipped and rows that are zeroed: lists are understood or refused with what is
 * wrong, blocks are loaded with zeros, and the library gets what is left out. */
#include <string.h>

#include "check_main.h"
#include "llm/model/exclusions.h"
#include "llm/watersic/watersic_method.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 60, window = 30 };

static struct synthetic_llm plain;
static temporary place;
static struct model model;
static wsic_context *context;

static void set_up(void)
{
    struct failure failure;

    synthetic_qwen3(&plain);
    temporary_create(&place);
    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    model_free(&model);
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

static struct exclusions create(const char *skip, const char *zero_rows)
{
    struct exclusions exclusions;
    struct failure failure;

    ck_assert_msg(exclusions_create(&exclusions, &model.config, skip, zero_rows, &failure), "%s",
                  failure.text);
    ck_assert_uint_eq(exclusions.layers, plain.blocks * LINEAR_KINDS);
    return exclusions;
}

START_TEST(names_and_patterns_are_understood)
{
    struct exclusions exclusions =
        create("model.layers.1.self_attn.k_proj.weight,*.down_proj.weight", NULL);

    for (size_t i = 0; i < exclusions.layers; i++) {
        ck_assert(exclusions.of[i].skipped ==
                  (i == LINEAR_KINDS + LINEAR_K || i % LINEAR_KINDS == LINEAR_DOWN));
        ck_assert_uint_eq(exclusions.of[i].row_count + exclusions.of[i].column_count, 0);
    }
    exclusions_free(&exclusions);
}
END_TEST

START_TEST(rows_are_listed_once_and_in_order)
{
    struct exclusions exclusions =
        create(NULL, "model.layers.0.mlp.gate_proj.weight:5,2,5;model.layers.0.mlp.up_proj.weight:"
                     "7,2;*.o_proj.weight:0");
    const struct exclusion *const of = exclusions.of;

    ck_assert_uint_eq(of[LINEAR_GATE].row_count, 2);
    ck_assert_uint_eq(of[LINEAR_GATE].rows[0], 2);
    ck_assert_uint_eq(of[LINEAR_GATE].rows[1], 5);
    ck_assert_uint_eq(of[LINEAR_UP].row_count, 2);
    ck_assert_uint_eq(of[LINEAR_O].row_count, 1);
    ck_assert_uint_eq(of[LINEAR_KINDS + LINEAR_O].row_count, 1);
    ck_assert_uint_eq(of[LINEAR_KINDS + LINEAR_GATE].row_count, 0);
    /* Down sees the union of gate and up. */
    ck_assert_uint_eq(of[LINEAR_DOWN].column_count, 3);
    ck_assert_uint_eq(of[LINEAR_DOWN].columns[0], 2);
    ck_assert_uint_eq(of[LINEAR_DOWN].columns[1], 5);
    ck_assert_uint_eq(of[LINEAR_DOWN].columns[2], 7);
    ck_assert_uint_eq(of[LINEAR_DOWN].row_count, 0);
    ck_assert_uint_eq(of[LINEAR_KINDS + LINEAR_DOWN].column_count, 0);
    exclusions_free(&exclusions);
}
END_TEST

static void expect_refused(const char *skip, const char *zero_rows, const char *part)
{
    struct exclusions exclusions;
    struct failure failure = {.text = ""};

    ck_assert(!exclusions_create(&exclusions, &model.config, skip, zero_rows, &failure));
    ck_assert_msg(strstr(failure.text, part), "'%s' does not say '%s'", failure.text, part);
}

START_TEST(wrong_lists_are_refused)
{
    char all[1000] = "model.layers.0.self_attn.k_proj.weight:";
    char unknown[100];

    expect_refused("model.layers.9.mlp.up_proj.weight", NULL,
                   "--skip: 'model.layers.9.mlp.up_proj.weight' names no linear layer");
    expect_refused("*.up_proj.weight,*.norm", NULL, "--skip: '*.norm' names no");
    expect_refused("*", NULL, "--skip: no layer is left");
    expect_refused(NULL, "x", "--zero-rows: 'x' is not of the form");
    expect_refused(NULL, "*.up_proj.weight:", "is not of the form");
    expect_refused(NULL, ":3", "is not of the form");
    expect_refused(NULL, "x:3", "--zero-rows: 'x' names no linear layer");
    expect_refused(NULL, "*.up_proj.weight:-1", "'-1' is no number of a row");
    expect_refused(NULL, "*.up_proj.weight:1x", "'1x' is no number of a row");
    expect_refused(NULL, "*.up_proj.weight:99999999999999999999999", "is no number of a row");
    snprintf(unknown, sizeof unknown, "model.layers.1.mlp.up_proj.weight:%zu", plain.intermediate);
    expect_refused(NULL, unknown, "model.layers.1.mlp.up_proj.weight has no row");
    expect_refused("*.up_proj.weight", "model.layers.0.mlp.up_proj.weight:1",
                   "model.layers.0.mlp.up_proj.weight stays as it is");
    for (size_t i = 0; i < plain.kv_heads * plain.head_dim; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%zu,", i);
    expect_refused(NULL, all, "nothing is left of model.layers.0.self_attn.k_proj.weight");
}
END_TEST

struct seen {
    size_t calls;
    bool called[2 * LINEAR_KINDS];
};

/* Ask the library for each layer, and see that what is zero stays so. */
static bool watch(void *self, const struct layer_task *task, struct failure *failure)
{
    const struct method_settings settings = {.rate = 12, .preset = "fast", .rescalers = true};
    const struct linear *const linear = task->linear;
    struct layer_result results[2 * LINEAR_KINDS];
    struct watersic_method method = {.context = context, .results = results};
    struct seen *const seen = self;

    seen->called[task->number] = true;
    seen->calls++;
    method.encoder = watersic_encoder_create(context, &settings, false, failure);
    ck_assert_msg(watersic_quantize(&method, task, failure), "%s", failure->text);
    wsic_encoder_destroy(method.encoder);
    const wsic_layer_info *const info = &results[task->number].info;
    ck_assert_uint_ge(info->dead_rows, task->exclusion->row_count);
    ck_assert_uint_ge(info->dead_columns, task->exclusion->column_count);
    for (size_t i = 0; i < task->exclusion->row_count; i++)
        for (size_t j = 0; j < linear->columns; j++)
            ck_assert_float_eq(linear->weights[task->exclusion->rows[i] * linear->columns + j], 0);
    return true;
}

START_TEST(the_pipeline_leaves_out_what_is_excluded)
{
    struct exclusions exclusions =
        create("model.layers.0.self_attn.q_proj.weight",
               "*.gate_proj.weight:1,4;*.down_proj.weight:3;*.o_proj.weight:0");
    uint32_t values[text_length];
    const struct tokens tokens = {.values = values, .count = text_length};
    const struct recipe recipe = {
        .statistics = true, .drift = true, .residual = true, .rescalers = true};
    const struct calibration calibration = {.tokens = &tokens, .window = window, .recipe = &recipe};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct seen seen = {.calls = 0};
    struct failure failure;

    synthetic_text(plain.vocabulary, values, text_length);
    model.exclusions = &exclusions;
    ck_assert_msg(pipeline_run(&model, &calibration, &stretch, context, watch, &seen, &failure),
                  "%s", failure.text);
    ck_assert_uint_eq(seen.calls, plain.blocks * LINEAR_KINDS - 1);
    ck_assert(!seen.called[LINEAR_Q]);
    model.exclusions = NULL;
    exclusions_free(&exclusions);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm exclusions");
    TCase *const exclusions = tcase_create("exclusions");

    tcase_set_timeout(exclusions, 60);
    tcase_add_checked_fixture(exclusions, set_up, tear_down);
    tcase_add_test(exclusions, names_and_patterns_are_understood);
    tcase_add_test(exclusions, rows_are_listed_once_and_in_order);
    tcase_add_test(exclusions, wrong_lists_are_refused);
    tcase_add_test(exclusions, the_pipeline_leaves_out_what_is_excluded);
    suite_add_tcase(suite, exclusions);
    run_suite(suite);
    return 0;
}
