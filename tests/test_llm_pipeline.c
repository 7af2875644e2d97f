/* SPDX-License-Identifier: MIT */
/* What the pipeline gives to a layer: the same statistics whatever else is watched beside them, and
 * residuals that are what the layers before have lost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/run/pipeline.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 300, window = 30, layers = 2 * LINEAR_KINDS, most = 40 };

/* Of one layer, as its turn came. */
struct seen {
    bool pairs;
    size_t outputs;
    double input[most * most];
    double quantized[most * most];
    double cross[most * most];
    double energy[most];
    bool has_weighted;
    double weighted[most * most];
};

struct watcher {
    struct seen seen[layers];
    size_t zeroed; /* this layer's weights become 0, the others' stay; none if it is SIZE_MAX */
    bool rounded;  /* all become coarser */
};

static struct synthetic_llm plain;
static wsic_context *context;
static uint32_t values[text_length];

static void set_up(void)
{
    synthetic_qwen3(&plain);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    synthetic_text(plain.vocabulary, values, text_length);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    wsic_context_destroy(context);
}

static void open_model(struct model *model)
{
    struct failure failure;
    temporary place;

    temporary_create(&place);
    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(model, place.directory, &failure), "%s", failure.text);
    temporary_destroy(&place);
}

static void load(struct model *model)
{
    struct failure failure;

    open_model(model);
    ck_assert_msg(model_load_rest(model, &failure), "%s", failure.text);
}

static void read_moment(const wsic_stats *stats, int32_t which, size_t rows, size_t columns,
                        double *numbers)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, numbers, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_stats_get_moment(stats, which, &matrix), WSIC_OK);
}

static void read_seen(struct seen *seen, const wsic_stats *stats)
{
    const size_t n = wsic_stats_columns(stats);

    ck_assert_uint_le(n, most);
    ck_assert_double_eq(wsic_stats_samples(stats), text_length);
    seen->pairs = wsic_stats_has_pairs(stats);
    seen->outputs = wsic_stats_residual_columns(stats);
    read_moment(stats, WSIC_MOMENT_INPUT, n, n, seen->input);
    if (!seen->pairs)
        return;
    read_moment(stats, WSIC_MOMENT_QUANTIZED, n, n, seen->quantized);
    read_moment(stats, WSIC_MOMENT_CROSS, n, n, seen->cross);
    if (seen->outputs)
        read_moment(stats, WSIC_MOMENT_RESIDUAL_ENERGY, seen->outputs, 1, seen->energy);
}

static bool watch(void *self, const struct layer_task *task, struct failure *failure)
{
    struct watcher *const watcher = self;
    float *const weights = task->linear->weights;

    (void)failure;
    read_seen(&watcher->seen[task->number], task->stats);
    watcher->seen[task->number].has_weighted = task->weighted != NULL;
    ck_assert_double_eq(task->mix.attention, task->weighted ? 0.25 : 0);
    if (task->weighted) {
        read_moment(task->weighted, WSIC_MOMENT_INPUT, task->linear->columns, task->linear->columns,
                    watcher->seen[task->number].weighted);
    }
    for (size_t i = 0; i < task->linear->rows * task->linear->columns; i++) {
        if (watcher->zeroed == task->number)
            weights[i] = 0;
        else if (watcher->rounded)
            weights[i] = rintf(5 * weights[i]) / 5;
    }
    return true;
}

static struct watcher *run_model(struct model *model, size_t zeroed, bool rounded,
                                 const struct recipe *recipe)
{
    const struct tokens tokens = {.values = values, .count = text_length};
    const struct calibration calibration = {.tokens = &tokens, .window = window, .recipe = recipe};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct watcher *const watcher = calloc(1, sizeof *watcher);
    struct failure failure;

    ck_assert_ptr_nonnull(watcher);
    watcher->zeroed = zeroed;
    watcher->rounded = rounded;
    ck_assert_msg(pipeline_run(model, &calibration, &stretch, context, watch, watcher, &failure),
                  "%s", failure.text);
    return watcher;
}

static struct watcher *run_weighted(size_t zeroed, bool rounded, bool drift, bool residual,
                                    double attention)
{
    const struct recipe recipe = {
        .statistics = true, .drift = drift, .residual = residual, .mix.attention = attention};
    struct model model;

    open_model(&model);
    struct watcher *const watcher = run_model(&model, zeroed, rounded, &recipe);
    ck_assert_ptr_null(model.blocks);
    model_free(&model);
    return watcher;
}

static struct watcher *run(size_t zeroed, bool rounded, bool drift, bool residual)
{
    return run_weighted(zeroed, rounded, drift, residual, 0);
}

static double largest_difference(const double *a, const double *b)
{
    double largest = 0;

    for (size_t i = 0; i < most * most; i++)
        largest = fmax(largest, fabs(a[i] - b[i]));
    return largest;
}

static bool adds(size_t layer)
{
    return layer % LINEAR_KINDS == LINEAR_O || layer % LINEAR_KINDS == LINEAR_DOWN;
}

/* The clean side of a pair is what an untouched model shows, the quantized side what is seen
 * without any comparison. */
START_TEST(pairs_are_of_the_original_and_the_quantized_model)
{
    struct watcher *const untouched = run(SIZE_MAX, false, false, false);
    struct watcher *const alone = run(SIZE_MAX, true, false, false);
    struct watcher *const both = run(SIZE_MAX, true, true, true);

    for (size_t i = 0; i < layers; i++) {
        ck_assert(!alone->seen[i].pairs);
        ck_assert(both->seen[i].pairs);
        ck_assert_uint_eq(both->seen[i].outputs, adds(i) ? plain.hidden : 0);
        ck_assert_double_lt(largest_difference(both->seen[i].input, untouched->seen[i].input),
                            1e-9);
        ck_assert_double_lt(largest_difference(both->seen[i].quantized, alone->seen[i].input),
                            1e-9);
        if (i >= LINEAR_O)
            ck_assert_double_gt(largest_difference(both->seen[i].input, both->seen[i].quantized),
                                1e-3);
    }
    free(untouched);
    free(alone);
    free(both);
}
END_TEST

START_TEST(untouched_models_do_not_drift)
{
    struct watcher *const seen = run(SIZE_MAX, false, true, true);

    for (size_t i = 0; i < layers; i++) {
        ck_assert_double_lt(largest_difference(seen->seen[i].input, seen->seen[i].quantized),
                            1e-12);
        ck_assert_double_lt(largest_difference(seen->seen[i].input, seen->seen[i].cross), 1e-12);
        for (size_t row = 0; row < seen->seen[i].outputs; row++)
            ck_assert_double_eq(seen->seen[i].energy[row], 0);
    }
    free(seen);
}
END_TEST

START_TEST(switches_are_independent)
{
    struct watcher *const drift = run(SIZE_MAX, true, true, false);
    struct watcher *const residual = run(SIZE_MAX, true, false, true);
    struct watcher *const both = run(SIZE_MAX, true, true, true);

    for (size_t i = 0; i < layers; i++) {
        ck_assert(drift->seen[i].pairs);
        ck_assert_uint_eq(drift->seen[i].outputs, 0);
        ck_assert_double_lt(largest_difference(drift->seen[i].cross, both->seen[i].cross), 1e-9);
        ck_assert(residual->seen[i].pairs == adds(i));
        if (!adds(i))
            continue;
        ck_assert_double_lt(
            largest_difference(residual->seen[i].input, residual->seen[i].quantized), 1e-12);
        ck_assert_double_lt(
            largest_difference(residual->seen[i].quantized, both->seen[i].quantized), 1e-9);
        for (size_t row = 0; row < plain.hidden; row++)
            ck_assert_double_eq_tol(residual->seen[i].energy[row], both->seen[i].energy[row], 1e-9);
    }
    free(drift);
    free(residual);
    free(both);
}
END_TEST

/* Importance is of the original model, so that the clean side does not depend on what becomes of
 * the other; all else is as without it. */
START_TEST(weighted_tokens_are_for_query_key_and_value)
{
    struct watcher *const untouched = run_weighted(SIZE_MAX, false, false, false, 0.25);
    struct watcher *const rounded = run_weighted(SIZE_MAX, true, true, true, 0.25);
    struct watcher *const unweighted = run(SIZE_MAX, true, true, true);

    for (size_t i = 0; i < layers; i++) {
        const bool first = i % LINEAR_KINDS <= LINEAR_V;
        ck_assert(untouched->seen[i].has_weighted == first);
        ck_assert(rounded->seen[i].has_weighted == first);
        ck_assert(!untouched->seen[i].pairs);
        ck_assert_double_lt(largest_difference(rounded->seen[i].cross, unweighted->seen[i].cross),
                            1e-9);
        if (!first)
            continue;
        ck_assert_double_lt(
            largest_difference(untouched->seen[i].weighted, rounded->seen[i].weighted), 1e-9);
        ck_assert_double_gt(
            largest_difference(untouched->seen[i].weighted, untouched->seen[i].input), 1e-3);
    }
    free(untouched);
    free(rounded);
    free(unweighted);
}
END_TEST

/* Where a layer becomes 0, the states lose what it would have added, W X: row i of W loses
 * w_i Σ_X w_iᵀ per token. */
static void expect_loss(enum linear_kind zeroed, size_t next)
{
    struct watcher *const seen = run(zeroed, false, true, true);
    const double *const moment = seen->seen[zeroed].input;
    struct model model;

    load(&model);
    const struct linear *const lost = &model.blocks[0].linear[zeroed];
    for (size_t row = 0; row < lost->rows; row++) {
        const float *const w = lost->weights + row * lost->columns;
        double energy = 0;
        for (size_t i = 0; i < lost->columns; i++)
            for (size_t j = 0; j < lost->columns; j++)
                energy += (double)w[i] * moment[i * lost->columns + j] * (double)w[j];
        ck_assert_double_gt(energy, 1e-3);
        ck_assert_double_eq_tol(seen->seen[next].energy[row] / energy, 1, 1e-4);
    }
    model_free(&model);
    free(seen);
}

START_TEST(residuals_are_what_the_states_have_lost)
{
    expect_loss(LINEAR_O, LINEAR_DOWN);
    expect_loss(LINEAR_DOWN, LINEAR_KINDS + LINEAR_O);
}
END_TEST

static double largest_weight(const struct linear *a, const struct linear *b)
{
    double largest = 0;

    for (size_t i = 0; i < a->rows * a->columns; i++)
        largest = fmax(largest, fabs((double)a->weights[i] - (b ? (double)b->weights[i] : 0)));
    return largest;
}

/* A model in memory ends as the quantized one, and the next run begins with the original again. */
START_TEST(models_in_memory_receive_the_blocks)
{
    const struct recipe recipe = {.statistics = true, .drift = true};
    const size_t zeroed = LINEAR_KINDS + LINEAR_UP;
    struct model original, model;

    load(&original);
    load(&model);
    struct watcher *const first = run_model(&model, zeroed, false, &recipe);
    for (size_t i = 0; i < layers; i++) {
        const struct linear *const linear =
            &model.blocks[i / LINEAR_KINDS].linear[i % LINEAR_KINDS];
        const struct linear *const same =
            &original.blocks[i / LINEAR_KINDS].linear[i % LINEAR_KINDS];
        ck_assert_double_eq(largest_weight(linear, i == zeroed ? NULL : same), 0);
        ck_assert_double_gt(largest_weight(same, NULL), 0);
    }
    struct watcher *const second = run_model(&model, SIZE_MAX, false, &recipe);
    struct watcher *const opened = run(SIZE_MAX, false, true, false);
    ck_assert_double_eq(
        largest_weight(&model.blocks[1].linear[LINEAR_UP], &original.blocks[1].linear[LINEAR_UP]),
        0);
    for (size_t i = 0; i < layers; i++)
        ck_assert_double_lt(largest_difference(second->seen[i].cross, opened->seen[i].cross),
                            1e-12);
    ck_assert_double_gt(
        largest_difference(first->seen[zeroed + 1].cross, second->seen[zeroed + 1].cross), 1e-3);
    free(first);
    free(second);
    free(opened);
    model_free(&original);
    model_free(&model);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm pipeline");
    TCase *const statistics = tcase_create("statistics");

    tcase_set_timeout(statistics, 60);
    tcase_add_checked_fixture(statistics, set_up, tear_down);
    tcase_add_test(statistics, pairs_are_of_the_original_and_the_quantized_model);
    tcase_add_test(statistics, untouched_models_do_not_drift);
    tcase_add_test(statistics, switches_are_independent);
    tcase_add_test(statistics, weighted_tokens_are_for_query_key_and_value);
    tcase_add_test(statistics, residuals_are_what_the_states_have_lost);
    tcase_add_test(statistics, models_in_memory_receive_the_blocks);
    suite_add_tcase(suite, statistics);
    run_suite(suite);
    return 0;
}
