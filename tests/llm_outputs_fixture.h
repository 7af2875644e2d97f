/* SPDX-License-Identifier: MIT */
/* A small model, a text, and what its outputs are worth: for tests of that pass. */
#ifndef TESTS_LLM_OUTPUTS_FIXTURE_H
#define TESTS_LLM_OUTPUTS_FIXTURE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "counting_allocator.h"
#include "llm/watersic/outputs_pass.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { window = 5, text_length = 2 * window + 3, most_rows = 64 };

static void (*const makers[])(struct synthetic_llm *model) = {synthetic_llama3, synthetic_qwen3};

static struct synthetic_llm plain;
static temporary place;
static counting_allocator counter;
static wsic_context *context;
static struct model model;
static struct recipe recipe;
static uint32_t values[text_length];
static struct tokens text;
static struct meter meter = {.shown = false};
static const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};

/* Write the plain model, as it is now, and open it. */
static inline void open_model(void)
{
    struct failure failure;

    synthetic_write(&plain, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
}

static inline void begin(int number)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    makers[number](&plain);
    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    ck_assert(recipe_find(&recipe, "default"));
    synthetic_text(plain.vocabulary, values, text_length);
    text = (struct tokens){.values = values, .count = text_length};
    open_model();
}

static inline void remove_all(const char *path)
{
    DIR *const listing = opendir(path);

    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        char inner[PATH_MAX];
        snprintf(inner, sizeof inner, "%.2000s/%.255s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_all(inner);
    }
    if (listing)
        closedir(listing);
    ck_assert_int_eq(remove(path), 0);
}

static inline void end(void)
{
    model_free(&model);
    synthetic_free(&plain);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
    remove_all(place.directory);
}

static inline bool collect_into(struct outputs *outputs, const char *directory,
                                struct failure *failure)
{
    const struct calibration calibration = {
        .tokens = &text, .window = window, .recipe = &recipe, .directory = directory};

    ck_assert(outputs_create(outputs, context, &model, &recipe, failure));
    return outputs_collect(outputs, &model, &calibration, &stretch, failure);
}

static inline void collect(struct outputs *outputs, const char *directory)
{
    struct failure failure;

    ck_assert_msg(collect_into(outputs, directory, &failure), "%s", failure.text);
}

static inline size_t rows_of(size_t layer)
{
    return layers_at(&model.config, layer).rows;
}

/* All of a layer's matrix. */
static inline void read_matrix(struct outputs *outputs, size_t layer, double *matrix)
{
    const size_t rows = rows_of(layer);
    const wsic_stats *stats;
    struct failure failure;
    wsic_matrix values_of;

    ck_assert_msg(outputs_borrow(outputs, layer, "layer", &stats, &failure), "%s", failure.text);
    ck_assert_ptr_nonnull(stats);
    ck_assert_double_eq(wsic_stats_samples(stats), (double)text.count);
    wsic_matrix_init(&values_of, sizeof values_of, matrix, WSIC_F64, rows, rows, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &values_of), WSIC_OK);
    outputs_give_back(outputs, layer);
}

#endif
