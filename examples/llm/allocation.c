/* SPDX-License-Identifier: MIT */
#include "llm/allocation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A layer whose error does nothing measurable still gets some bits, so that one that is misjudged
 * is not lost. */
static const double least_sensitivity = 1e-6;

static bool refuse_plan(const struct allocation *allocation, struct failure *failure)
{
    return refuse(failure, "plan: %s", wsic_plan_message(allocation->plan));
}

bool allocation_create(struct allocation *allocation, wsic_context *context,
                       const struct model *model, struct failure *failure)
{
    const size_t layers = model->config.blocks * LINEAR_KINDS;

    *allocation = (struct allocation){.layers = layers};
    allocation->indices = malloc(layers * sizeof *allocation->indices);
    allocation->sensitivities = calloc(layers, sizeof *allocation->sensitivities);
    allocation->corrections = malloc(layers * sizeof *allocation->corrections);
    if (!allocation->indices || !allocation->sensitivities || !allocation->corrections) {
        allocation_destroy(allocation);
        return refuse(failure, "out of memory for a plan of %zu layers", layers);
    }
    for (size_t i = 0; i < layers; i++) {
        allocation->indices[i] = SIZE_MAX;
        allocation->corrections[i] = 1;
    }
    if (wsic_plan_create(context, &allocation->plan) >= 0)
        return true;
    allocation_destroy(allocation);
    return refuse(failure, "plan: %s", wsic_context_message(context));
}

void allocation_destroy(struct allocation *allocation)
{
    free(allocation->indices);
    free(allocation->sensitivities);
    free(allocation->corrections);
    wsic_plan_destroy(allocation->plan);
    *allocation = (struct allocation){.layers = 0};
}

bool allocation_add(struct allocation *allocation, size_t layer, const char *name,
                    wsic_problem *problem, struct failure *failure)
{
    if (wsic_plan_add_problem(allocation->plan, problem, &allocation->indices[layer]) < 0)
        return refuse(failure, "%s: %s", name, wsic_plan_message(allocation->plan));
    return true;
}

static bool is_planned(const struct allocation *allocation, size_t layer)
{
    return allocation->indices[layer] != SIZE_MAX;
}

/* What an error as the plan expects it costs. */
static double worth(const struct allocation *allocation, size_t layer)
{
    return allocation->sensitivities[layer] * allocation->corrections[layer];
}

static double largest_worth(const struct allocation *allocation)
{
    double largest = 0;

    for (size_t i = 0; i < allocation->layers; i++)
        largest = fmax(largest, worth(allocation, i));
    return largest;
}

/* All count alike if none is known. */
static bool set_sensitivities(struct allocation *allocation, struct failure *failure)
{
    const double largest = largest_worth(allocation);

    for (size_t i = 0; i < allocation->layers && largest > 0; i++) {
        const double value = fmax(worth(allocation, i) / largest, least_sensitivity);
        if (is_planned(allocation, i) &&
            wsic_plan_set_sensitivity(allocation->plan, allocation->indices[i], value) < 0)
            return refuse_plan(allocation, failure);
    }
    return true;
}

/* Bytes of the layers that the writer has already, as it has after a resumption. */
static bool count_present(wsic_archive_writer *writer, uint64_t *bytes, struct failure *failure)
{
    *bytes = 0;
    for (size_t i = 0; i < wsic_archive_writer_count(writer); i++) {
        wsic_layer_info info = {.size = sizeof info};
        wsic_layer *layer;
        if (wsic_archive_writer_layer(writer, i, &layer) < 0)
            return refuse(failure, "%s: %s", wsic_archive_writer_name(writer, i),
                          wsic_archive_writer_message(writer));
        wsic_layer_get_info(layer, &info);
        wsic_layer_destroy(layer);
        *bytes += info.bytes;
    }
    return true;
}

static bool is_present(const wsic_archive_writer *writer, const char *name)
{
    for (size_t i = 0; i < wsic_archive_writer_count(writer); i++)
        if (strcmp(wsic_archive_writer_name(writer, i), name) == 0)
            return true;
    return false;
}

/* What the archive takes beside its layers when all are there. */
static bool count_container(const struct allocation *allocation, wsic_archive_writer *writer,
                            uint64_t *bytes, struct failure *failure)
{
    const uint64_t now = wsic_archive_writer_size(writer, NULL);
    char name[MODEL_NAME_SIZE];
    uint64_t present;

    if (!count_present(writer, &present, failure))
        return false;
    *bytes = now - present;
    for (size_t i = 0; i < allocation->layers; i++) {
        model_linear_name(name, i / LINEAR_KINDS, (enum linear_kind)(i % LINEAR_KINDS));
        if (is_planned(allocation, i) && !is_present(writer, name))
            *bytes += wsic_archive_writer_size(writer, name) - now;
    }
    return true;
}

static bool read_plan(const struct allocation *allocation, size_t layer, wsic_plan_layer *planned,
                      struct failure *failure)
{
    planned->size = sizeof *planned;
    return wsic_plan_get(allocation->plan, allocation->indices[layer], planned) >= 0 ||
           refuse_plan(allocation, failure);
}

/* The plan tells shapes only once it is solved for something. */
static bool count_weights(const struct allocation *allocation, double *weights,
                          struct failure *failure)
{
    *weights = 0;
    if (wsic_plan_solve_rate(allocation->plan, 1) < 0)
        return refuse_plan(allocation, failure);
    for (size_t i = 0; i < allocation->layers; i++) {
        wsic_plan_layer planned = {.rows = 0};
        if (is_planned(allocation, i) && !read_plan(allocation, i, &planned, failure))
            return false;
        *weights += (double)planned.rows * (double)planned.columns;
    }
    return true;
}

bool allocation_solve(struct allocation *allocation, enum plan_mode mode, double rate,
                      wsic_archive_writer *writer, struct failure *failure)
{
    const int32_t how = mode == PLAN_WATERFILL ? WSIC_PLAN_WATERFILL : WSIC_PLAN_EQUAL;
    uint64_t container = 0;
    double weights;

    if (!set_sensitivities(allocation, failure) || !count_weights(allocation, &weights, failure) ||
        (writer && !count_container(allocation, writer, &container, failure)))
        return false;
    const double budget = rate * weights / 8 - (double)container;
    if (budget < 1)
        return refuse(
            failure, "plan: names and metadata alone take %llu bytes, more than %g bits per weight",
            (unsigned long long)container, rate);
    return wsic_plan_solve_budget(allocation->plan, how, (uint64_t)budget) >= 0 ||
           refuse_plan(allocation, failure);
}

bool allocation_rate(const struct allocation *allocation, size_t layer, double *rate,
                     struct failure *failure)
{
    wsic_plan_layer planned;

    if (!read_plan(allocation, layer, &planned, failure))
        return false;
    *rate = planned.target_rate;
    return true;
}

bool allocation_commit(struct allocation *allocation, size_t layer, uint64_t bytes,
                       struct failure *failure)
{
    return wsic_plan_commit(allocation->plan, allocation->indices[layer], bytes) >= 0 ||
           refuse_plan(allocation, failure);
}
