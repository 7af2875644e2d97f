/* SPDX-License-Identifier: MIT */
/* A mixture of experts, a text, and the statistics that its layers are given: for tests of both. */
#ifndef TESTS_LLM_EXPERTS_FIXTURE_H
#define TESTS_LLM_EXPERTS_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/tokens.h"
#include "llm/run/pipeline.h"
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

static inline void set_up(void)
{
    random_state random = {.counter = 11};

    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    for (size_t i = 0; i < text_length; i++)
        values[i] = (uint32_t)fmin(39, fabs(12 * random_normal(&random)));
}

static inline void tear_down(void)
{
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

static inline double any_router(size_t block, size_t expert, size_t input)
{
    return sin((double)(1 + 7 * block + 31 * expert + 5 * input + expert * input));
}

/* The first and the second are opposites: of the two, one is never less likely than the last, whose
 * logit is 0. */
static inline double lonely_router(size_t block, size_t expert, size_t input)
{
    const double value = any_router(block, 0, input);

    return expert == 0 ? value : expert == 1 ? -value : 0;
}

static const struct mixture_plan lonely = {.experts = 3, .chosen = 1, .router = lonely_router};

/* The usual mixture has so many. */
enum { experts = 4, chosen = 2 };

static inline bool try_mixture(const struct mixture_plan *plan, struct failure *failure)
{
    mixture_write(plan, FAMILIES, place.directory);
    return model_open(&model, place.directory, failure);
}

static inline void open_mixture(const struct mixture_plan *plan)
{
    struct failure failure;

    ck_assert_msg(try_mixture(plan, &failure), "%s", failure.text);
}

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

static inline void read_moments(const wsic_stats *stats, struct given *given)
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

static inline bool watch(void *self, const struct layer_task *task, struct failure *failure)
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

static inline struct given *gather(const struct recipe *recipe)
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

#endif
