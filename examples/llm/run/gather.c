/* SPDX-License-Identifier: MIT */
#include "llm/run/gather.h"

#include <stdlib.h>

#include "common/blas_threads.h"
#include "common/interrupt.h"
#include "llm/run/progress.h"

/* What is seen of a batch. */
struct sight {
    const struct site *site;
    const struct stretch_of_text *text;
    struct site_inputs live;
    struct site_inputs clean;
};

/* What the states have lost. The experts of a token make up for it together: each is to give so
 * much that their weighted sum is what is lost. */
static void subtract_hidden(const struct gatherer *gatherer, const struct sight *sight)
{
    const size_t length = gatherer->live.forward.config.hidden;

    for (size_t i = 0; i < sight->live.count; i++) {
        const size_t token = sight->text->first + (sight->live.tokens ? sight->live.tokens[i] : i);
        const float *const clean = stream_hidden(&gatherer->clean, token);
        const float *const live = stream_hidden(&gatherer->live, token);
        const float share =
            sight->live.tokens ? (float)(1 / routes_sum(&gatherer->routes, token)) : 1;
        for (size_t j = 0; j < length; j++)
            gatherer->residual[i * length + j] = share * (clean[j] - live[j]);
    }
}

/* What statistics are to hold of a place, over weighted tokens if weights is not NULL. Without
 * drift but with residuals the layer is fitted to what it does in the quantized model: that is a
 * pair of twice the same input. */
static wsic_status add_held(const struct gatherer *gatherer, const struct sight *sight,
                            wsic_stats *stats, const double *weights)
{
    const struct recipe *const recipe = gatherer->recipe;
    const size_t columns = wsic_stats_columns(stats);
    const size_t count = sight->live.count;
    const bool residual =
        recipe->residual && stream_adds(sight->site, &gatherer->live.forward.config);
    wsic_matrix input, quantized, lost;

    wsic_matrix_init(&quantized, sizeof quantized, (void *)(uintptr_t)sight->live.inputs, WSIC_F32,
                     count, columns, 0);
    if (!recipe->drift && !residual)
        return wsic_stats_add_activations(stats, &quantized, weights);
    wsic_matrix_init(&input, sizeof input,
                     (void *)(uintptr_t)(recipe->drift ? sight->clean : sight->live).inputs,
                     WSIC_F32, count, columns, 0);
    if (!residual)
        return wsic_stats_add_pair(stats, &input, &quantized, NULL, weights);
    subtract_hidden(gatherer, sight);
    wsic_matrix_init(&lost, sizeof lost, gatherer->residual, WSIC_F32, count,
                     gatherer->live.forward.config.hidden, 0);
    return wsic_stats_add_pair(stats, &input, &quantized, &lost, weights);
}

/* The statistics' context has threads for all processors. */
static wsic_status add_inputs(const struct gatherer *gatherer, const struct sight *sight,
                              wsic_stats *stats, const double *weights)
{
    struct stages *const stages =
        gatherer->progress ? &gatherer->progress->stretch->meter->stages : NULL;
    const enum stage before = stages_enter(stages, STAGE_STATISTICS);
    const int held = blas_hold();
    const wsic_status status = add_held(gatherer, sight, stats, weights);

    blas_release(held);
    stages_leave(stages, before);
    return status;
}

static bool gather(struct gatherer *gatherer, const struct pair_of_blocks *blocks,
                   const struct sight *sight, const struct gathered *gathered,
                   struct failure *failure)
{
    struct forward *const clean = &gatherer->clean.forward;

    if (sight->live.count == 0)
        return true;
    if (add_inputs(gatherer, sight, gathered->stats, sight->live.weights) < 0)
        return refuse(failure, "calibration: %s", wsic_stats_message(gathered->stats));
    if (!gathered->weighted)
        return true;
    forward_attention_mix(clean, &blocks->original, sight->text->count);
    forward_importance(clean, sight->text->count, gatherer->importance);
    if (add_inputs(gatherer, sight, gathered->weighted, gatherer->importance) < 0)
        return refuse(failure, "calibration: %s", wsic_stats_message(gathered->weighted));
    return true;
}

static bool pass_batch(struct gatherer *gatherer, const struct pair_of_blocks *blocks,
                       const struct site *site, const struct gathered *gathered,
                       const struct stretch_of_text *text, struct failure *failure)
{
    /* Only the live stream chooses experts. */
    struct routes *const routes = &gatherer->routes;
    struct routes *const followed = site == &stream_router ? NULL : routes;
    struct sight sight = {.site = site,
                          .text = text,
                          .live = site->reach(&gatherer->live, &blocks->quantized, text, routes)};

    if (recipe_compares(gatherer->recipe))
        sight.clean = site->reach(&gatherer->clean, &blocks->original, text, followed);

    return interrupt_none(failure) &&
           (!gathered || gather(gatherer, blocks, &sight, gathered, failure));
}

bool gather_pass(struct gatherer *gatherer, const struct pair_of_blocks *blocks,
                 const struct site *site, const struct gathered *gathered, struct failure *failure)
{
    const size_t capacity = gatherer->live.forward.capacity;
    const struct stretch_of_text *const part = &gatherer->part;

    for (size_t done = 0; done < part->count; done += capacity) {
        const size_t left = part->count - done;
        const struct stretch_of_text text = {.first = part->first + done,
                                             .count = left < capacity ? left : capacity};
        if (!pass_batch(gatherer, blocks, site, gathered, &text, failure))
            return false;
        if (gatherer->progress)
            progress_pass_done(gatherer->progress, site, (double)text.count / (double)part->count);
    }
    return true;
}

void gather_narrow(struct gatherer *gatherer, const struct stretch_of_text *part)
{
    gatherer->part = *part;
    routes_narrow(&gatherer->routes, part->first, part->count);
}

static bool create_residual(struct gatherer *gatherer, struct failure *failure)
{
    const struct forward *const forward = &gatherer->live.forward;

    gatherer->residual =
        malloc(forward->capacity * forward->config.hidden * sizeof *gatherer->residual);
    return gatherer->residual || refuse(failure, "out of memory for the losses of the states");
}

static bool create_importance(struct gatherer *gatherer, struct failure *failure)
{
    gatherer->importance = malloc(gatherer->clean.forward.capacity * sizeof *gatherer->importance);
    return gatherer->importance ? forward_watch_importance(&gatherer->clean.forward, failure)
                                : refuse(failure, "out of memory for the importance of tokens");
}

/* The checkpoint has the original embedding, also where a quantized one is in memory. */
static bool create_clean(struct gatherer *gatherer, const struct model *model,
                         const struct stream_text *text, struct failure *failure)
{
    struct model original = *model;

    original.embedding.values = NULL;
    return stream_create(&gatherer->clean, &original, text, failure) &&
           create_residual(gatherer, failure) &&
           (!recipe_weights(gatherer->recipe) || create_importance(gatherer, failure));
}

bool gather_begin(struct gatherer *gatherer, const struct model *model,
                  const struct stream_text *text, const struct recipe *recipe,
                  struct failure *failure)
{
    *gatherer = (struct gatherer){.recipe = recipe,
                                  .tokens = text->tokens,
                                  .part = {.first = 0, .count = text->tokens->count}};
    if (stream_create(&gatherer->live, model, text, failure) &&
        routes_create(&gatherer->routes, &model->config, text->tokens->count,
                      gatherer->live.forward.capacity, failure) &&
        (!recipe_compares(recipe) || create_clean(gatherer, model, text, failure)))
        return true;
    gather_end(gatherer);
    return false;
}

void gather_end(struct gatherer *gatherer)
{
    free(gatherer->residual);
    free(gatherer->importance);
    routes_free(&gatherer->routes);
    stream_free(&gatherer->clean);
    stream_free(&gatherer->live);
}
