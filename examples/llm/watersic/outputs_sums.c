/* SPDX-License-Identifier: MIT */
#include "llm/watersic/outputs_sums.h"

#include <math.h>
#include <stdlib.h>

#include "common/blas_threads.h"

static bool refuse_layer(const struct outputs *outputs, size_t number, const char *reason,
                         struct failure *failure)
{
    char name[MODEL_NAME_SIZE];

    layers_name(outputs->config, number, name);
    return refuse(failure, "%s: gradients of the outputs: %s", name, reason);
}

static bool refuse_entry(const char *reason, struct failure *failure)
{
    return refuse(failure, "gradients of the embedding: %s", reason);
}

/* The threads of the library call BLAS here. */
static bool add_rows(wsic_stats *stats, const float *rows, size_t count, size_t columns)
{
    wsic_matrix batch;

    wsic_matrix_init(&batch, sizeof batch, (void *)(uintptr_t)rows, WSIC_F32, count, columns, 0);
    const int held = blas_hold();
    const wsic_status status = wsic_stats_add_activations(stats, &batch, NULL);
    blas_release(held);
    return status >= 0;
}

bool outputs_begin_layer(struct outputs *outputs, size_t number, struct failure *failure)
{
    struct layer_outputs *const layer = &outputs->of[number];

    layer->diagonal = calloc(layer->rows, sizeof *layer->diagonal);
    if (!layer->diagonal)
        return refuse_layer(outputs, number, "out of memory", failure);
    return !outputs_are_full(outputs, layer->rows) ||
           wsic_stats_create(outputs->context, layer->rows, &layer->stats) >= 0 ||
           refuse_layer(outputs, number, wsic_context_message(outputs->context), failure);
}

static void add_squares(struct layer_outputs *layer, const float *u, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < layer->rows; j++)
            layer->diagonal[j] += (double)u[i * layer->rows + j] * (double)u[i * layer->rows + j];
}

bool outputs_add_layer(struct outputs *outputs, size_t number, const float *u, size_t count,
                       size_t own, struct failure *failure)
{
    struct layer_outputs *const layer = &outputs->of[number];

    if (!layer->diagonal)
        return true;
    add_squares(layer, u, count);
    layer->own += own;
    layer->seen += count;
    return !layer->stats || count == 0 || add_rows(layer->stats, u, count, layer->rows) ||
           refuse_layer(outputs, number, wsic_stats_message(layer->stats), failure);
}

bool outputs_finish_layer(struct outputs *outputs, size_t number, size_t tokens,
                          struct failure *failure)
{
    struct layer_outputs *const layer = &outputs->of[number];
    const double own = layer->own > 0 ? (double)layer->own : 1;

    layer->share = own / (double)tokens;
    for (size_t i = 0; layer->diagonal && i < layer->rows; i++) {
        layer->diagonal[i] *= layer->share / (double)layer->seen;
        if (!isfinite(layer->diagonal[i]))
            return refuse_layer(outputs, number, "they are not finite", failure);
    }
    return true;
}

bool outputs_begin_entry(struct outputs *outputs, struct failure *failure)
{
    return wsic_stats_create(outputs->context, outputs->config->hidden, &outputs->entry) >= 0 ||
           refuse_entry(wsic_context_message(outputs->context), failure);
}

bool outputs_add_entry(struct outputs *outputs, const float *derivatives, size_t count,
                       struct failure *failure)
{
    return add_rows(outputs->entry, derivatives, count, outputs->config->hidden) ||
           refuse_entry(wsic_stats_message(outputs->entry), failure);
}
