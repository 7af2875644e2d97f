/* SPDX-License-Identifier: MIT */
/* Search of mixtures: golden section finds what trying all points finds; the search finds the
 * mixture that drafts are made to like best, and nothing worse than the recipe's; drafts of the
 * library are the same each time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/watersic/draft.h"
#include "llm/run/golden.h"
#include "llm/run/mixing.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 330, window = 30 };

static struct synthetic_llm plain;
static wsic_context *context;
static struct model model;
static uint32_t values[text_length];

static void set_up(void)
{
    struct failure failure;
    temporary place;

    synthetic_qwen3(&plain);
    temporary_create(&place);
    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
    temporary_destroy(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_text(plain.vocabulary, values, text_length);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    model_free(&model);
    wsic_context_destroy(context);
}

/* --- golden section ------------------------------------------------------------ */

struct curve {
    double bottom;
    double slope;
    size_t calls;
    size_t most; /* calls; then it fails */
};

static bool curve_at(void *self, double x, double *value)
{
    struct curve *const curve = self;

    *value = fabs(x - curve->bottom) + curve->slope * x;
    return curve->calls++ < curve->most;
}

START_TEST(golden_section_finds_what_all_points_find)
{
    const size_t steps = 12;

    for (int place = -2; place <= 12; place++) {
        for (int tilt = -2; tilt <= 2; tilt++) {
            struct curve curve = {.bottom = 0.1 * place, .slope = 0.7 * tilt, .most = 100};
            struct golden_point best;
            double value;
            double least = INFINITY;
            double where = 0;
            ck_assert(golden_section(curve_at, &curve, -0.1, 1.1, steps, &best));
            ck_assert_uint_eq(curve.calls, steps + 2);
            for (int i = 0; i <= 1200; i++) {
                const double x = -0.1 + 0.001 * i;
                curve.calls = 0;
                curve_at(&curve, x, &value);
                where = value < least ? x : where;
                least = fmin(least, value);
            }
            ck_assert_double_eq_tol(best.x, where, 1.2 * pow(0.618034, (double)steps - 1) + 1e-3);
        }
    }
}
END_TEST

START_TEST(golden_section_keeps_the_best_of_few_points)
{
    struct golden_point best;

    for (size_t steps = 0; steps < 3; steps++) {
        struct curve curve = {.bottom = 1, .most = 100};
        ck_assert(golden_section(curve_at, &curve, 0, 1, steps, &best));
        ck_assert_uint_eq(curve.calls, steps + 2);
        ck_assert_double_eq(best.x, 1);
        ck_assert_double_eq(best.value, 0);
    }
    for (size_t most = 0; most < 6; most++) {
        struct curve curve = {.bottom = 0.4, .most = most};
        ck_assert(!golden_section(curve_at, &curve, 0, 1, 4, &best));
        ck_assert_uint_eq(curve.calls, most + 1);
    }
}
END_TEST

/* --- the search ---------------------------------------------------------------- */

/* Drafts that are the better the nearer the mixture is to a given one. */
struct taste {
    struct mix best;
    size_t drafts;
};

static bool draft_by_taste(void *self, const struct layer_task *task, double *scale,
                           struct failure *failure)
{
    struct taste *const taste = self;
    const double clean = task->mix.clean - taste->best.clean;
    const double attention =
        task->mix.attention > 0 ? log(task->mix.attention / taste->best.attention) : 3;
    const float factor = (float)(1 + 0.1 * clean * clean + 0.01 * attention * attention);

    (void)failure;
    taste->drafts++;
    *scale = 1;
    for (size_t i = 0; i < task->linear->rows * task->linear->columns; i++)
        task->linear->weights[i] *= factor;
    return true;
}

struct found {
    size_t count;
    struct mixing_result results[2 * MIXED_LAYERS];
};

/* Layers are halved, so that there is drift in the second block. */
static bool note(void *self, const struct layer_task *task, struct failure *failure)
{
    struct found *const found = self;
    const size_t kind = task->number % LINEAR_KINDS;

    (void)failure;
    ck_assert((task->mixing != NULL) == (kind < MIXED_LAYERS));
    if (task->mixing) {
        ck_assert_double_eq(task->mix.clean, task->mixing->mix.clean);
        ck_assert_double_eq(task->mix.attention, task->mixing->mix.attention);
        found->results[found->count++] = *task->mixing;
    }
    for (size_t i = 0; i < task->linear->rows * task->linear->columns; i++)
        task->linear->weights[i] /= 2;
    return true;
}

static struct found search(const struct recipe *recipe, draft_function *make, void *self,
                           size_t length, size_t sample)
{
    const struct tokens tokens = {.values = values, .count = length};
    const struct drafts drafts = {
        .make = make, .self = self, .steps = recipe->mixing_steps, .sample = sample};
    const struct calibration calibration = {
        .tokens = &tokens, .window = window, .recipe = recipe, .drafts = &drafts};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct found found = {.count = 0};
    struct failure failure;

    ck_assert_msg(pipeline_run(&model, &calibration, &stretch, context, note, &found, &failure),
                  "%s", failure.text);
    ck_assert_uint_eq(found.count, plain.blocks * MIXED_LAYERS);
    return found;
}

/* Of the error of weights that are what they were: some BLAS rounds a product otherwise where its
 * shape is another one. */
static const double rounding = 1e-13;

START_TEST(search_finds_what_drafts_like)
{
    const struct recipe recipe = {
        .statistics = true, .drift = true, .mixing = true, .mixing_steps = 12};
    struct taste taste = {.best = {.clean = 0.3, .attention = 0.05}};
    const struct found found = search(&recipe, draft_by_taste, &taste, text_length, 200);

    /* Only the first block is what it was made from in both models. */
    const struct mixing_result *const result = &found.results[0];
    ck_assert_double_eq_tol(result->mix.clean, 0.3, 0.01);
    ck_assert_double_eq_tol(log(result->mix.attention), log(0.05), 0.05);
    ck_assert_double_lt(result->error, 1e-3 * result->fixed_error);
    ck_assert_uint_eq(result->drafts, 2 * (12 + 2) + 1);
    ck_assert_uint_eq(taste.drafts, plain.blocks * MIXED_LAYERS * result->drafts);
}
END_TEST

START_TEST(search_never_finds_worse_than_the_recipe)
{
    const struct recipe recipe = {.statistics = true,
                                  .drift = true,
                                  .mixing = true,
                                  .mixing_steps = 1,
                                  .mix = {.clean = 0.3, .attention = 0.05}};
    struct taste taste = {.best = recipe.mix};
    const struct found found = search(&recipe, draft_by_taste, &taste, text_length, 200);

    ck_assert_double_eq(found.results[0].mix.clean, 0.3);
    ck_assert_double_eq(found.results[0].mix.attention, 0.05);
    ck_assert_double_le(found.results[0].error, rounding);
    ck_assert_double_le(found.results[0].fixed_error, rounding);
}
END_TEST

START_TEST(without_drift_attention_alone_is_searched)
{
    const struct recipe recipe = {.statistics = true, .mixing = true, .mixing_steps = 12};
    struct taste taste = {.best = {.clean = 0.3, .attention = 0.05}};
    const struct found found = search(&recipe, draft_by_taste, &taste, text_length, 200);

    ck_assert_double_eq(found.results[0].mix.clean, 0);
    ck_assert_double_eq_tol(log(found.results[0].mix.attention), log(0.05), 0.05);
}
END_TEST

/* Texts shorter than a window, samples smaller and larger than the text. */
START_TEST(samples_of_any_size_serve)
{
    const struct recipe recipe = {
        .statistics = true, .drift = true, .mixing = true, .mixing_steps = 2};

    for (size_t length = 20; length <= 70; length += 25) {
        for (size_t sample = 1; sample < 200; sample += 45) {
            struct taste taste = {.best = {.clean = 1, .attention = 1}};
            const struct found found = search(&recipe, draft_by_taste, &taste, length, sample);
            ck_assert_double_eq(found.results[0].mix.clean, 1);
            ck_assert_double_le(found.results[0].error, rounding);
        }
    }
}
END_TEST

/* --- drafts of the library ------------------------------------------------------- */

static struct found search_with_library(const struct recipe *recipe)
{
    struct drafter drafter;
    struct failure failure;

    ck_assert_msg(drafter_create(&drafter, context, 3, true, &failure), "%s", failure.text);
    const struct found found = search(recipe, draft_layer, &drafter, text_length, 300);
    drafter_destroy(&drafter);
    return found;
}

START_TEST(drafts_of_the_library_are_reproducible)
{
    const struct recipe recipe = {
        .statistics = true, .drift = true, .residual = true, .mixing = true, .mixing_steps = 3};
    const struct found first = search_with_library(&recipe);

    for (size_t i = 0; i < first.count; i++) {
        ck_assert_double_gt(first.results[i].error, 0);
        ck_assert_double_le(first.results[i].error, first.results[i].fixed_error);
    }
    tear_down();
    set_up();
    const struct found second = search_with_library(&recipe);
    for (size_t i = 0; i < first.count; i++) {
        ck_assert_double_eq(first.results[i].error, second.results[i].error);
        ck_assert_double_eq(first.results[i].mix.clean, second.results[i].mix.clean);
        ck_assert_double_eq(first.results[i].mix.attention, second.results[i].mix.attention);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm mixing");
    TCase *const mixing = tcase_create("mixing");

    tcase_set_timeout(mixing, 60);
    tcase_add_checked_fixture(mixing, set_up, tear_down);
    tcase_add_test(mixing, golden_section_finds_what_all_points_find);
    tcase_add_test(mixing, golden_section_keeps_the_best_of_few_points);
    tcase_add_test(mixing, search_finds_what_drafts_like);
    tcase_add_test(mixing, search_never_finds_worse_than_the_recipe);
    tcase_add_test(mixing, without_drift_attention_alone_is_searched);
    tcase_add_test(mixing, samples_of_any_size_serve);
    tcase_add_test(mixing, drafts_of_the_library_are_reproducible);
    suite_add_tcase(suite, mixing);
    run_suite(suite);
    return 0;
}
