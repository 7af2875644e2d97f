/* SPDX-License-Identifier: MIT */
#include "llm/watersic/allocation.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer whose error does nothing measurable still gets some bits, so that one that is misjudged
 * is not lost: it counts as if its whole output were worth this part of what that of the layer is
 * whose output is worth most. Sensitivities themselves have units, those of the layer's output,
 * and cannot be compared. */
static const double least_part = 1e-6;

const char prediction_key[] = "predicted_kl_bits";

static bool refuse_plan(const struct allocation *allocation, struct failure *failure)
{
    return refuse(failure, "plan: %s", wsic_plan_message(allocation->plan));
}

bool allocation_create(struct allocation *allocation, wsic_context *context,
                       const struct model *model, struct failure *failure)
{
    const size_t layers = layers_count(&model->config);

    *allocation =
        (struct allocation){.config = &model->config, .layers = layers, .gain = 1, .left = 1};
    allocation->indices = malloc(layers * sizeof *allocation->indices);
    allocation->sensitivities = calloc(layers, sizeof *allocation->sensitivities);
    allocation->corrections = calloc(layers, sizeof *allocation->corrections);
    allocation->levels = calloc(layers, sizeof *allocation->levels);
    allocation->worths = calloc(layers, sizeof *allocation->worths);
    allocation->energies = calloc(layers, sizeof *allocation->energies);
    if (!allocation->indices || !allocation->sensitivities || !allocation->corrections ||
        !allocation->levels || !allocation->worths || !allocation->energies) {
        allocation_destroy(allocation);
        return refuse(failure, "out of memory for a plan of %zu layers", layers);
    }
    for (size_t i = 0; i < layers; i++)
        allocation->indices[i] = SIZE_MAX;
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
    free(allocation->levels);
    free(allocation->worths);
    free(allocation->energies);
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

/* What the whole output of the layer is worth that is worth most, in bits of divergence. */
static double largest_loss(const struct allocation *allocation)
{
    double largest = 0;

    for (size_t i = 0; i < allocation->layers; i++)
        largest = fmax(largest, allocation->worths[i] * allocation->energies[i]);
    return largest;
}

/* All outputs count alike if nothing is known of any. Any number will do for a layer that puts
 * nothing out. */
static double sensitivity_of(const struct allocation *allocation, size_t layer, double largest)
{
    const double energy = allocation->energies[layer];
    const double least = largest > 0 ? least_part * largest : 1;
    const double value = energy > 0 ? fmax(allocation->worths[layer], least / energy) : 1;

    return fmin(fmax(value, DBL_MIN), DBL_MAX);
}

static bool set_sensitivities(struct allocation *allocation, struct failure *failure)
{
    const double largest = largest_loss(allocation);

    for (size_t i = 0; i < allocation->layers; i++)
        if (is_planned(allocation, i) &&
            wsic_plan_set_sensitivity(allocation->plan, allocation->indices[i],
                                      sensitivity_of(allocation, i, largest)) < 0)
            return refuse_plan(allocation, failure);
    return true;
}

bool allocation_written_bytes(const wsic_archive_writer *writer, size_t number, uint64_t *bytes,
                              struct failure *failure)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer;

    if (wsic_archive_writer_load_layer(writer, number, &layer) < 0)
        return refuse(failure, "plan: %s", wsic_archive_writer_message(writer));
    wsic_layer_get_info(layer, &info);
    *bytes = info.bytes;
    wsic_layer_destroy(layer);
    return true;
}

/* Of what the archive holds already: layers that are not in the plan. */
static bool layer_bytes(wsic_archive_writer *writer, uint64_t *bytes, struct failure *failure)
{
    *bytes = 0;
    for (size_t i = 0; i < wsic_archive_writer_count(writer); i++) {
        uint64_t of_layer;
        if (!allocation_written_bytes(writer, i, &of_layer, failure))
            return false;
        *bytes += of_layer;
    }
    return true;
}

static double length_bytes(double length)
{
    double bytes = 1;

    for (; length >= 128; length /= 128)
        bytes++;
    return bytes;
}

/* What the archive adds to its layers, of this size on average. The zeros before a layer that is
 * not written yet depend on all layers before it: their mean is taken. All else is as
 * docs/format.md, "Archive", tells: two heads and a checksum. */
static double container_bytes(const struct allocation *allocation,
                              const wsic_archive_writer *writer, double layer_bytes)
{
    const double zeros = (double)(wsic_archive_writer_alignment(writer) - 1) / 2;
    double bytes = (double)wsic_archive_writer_size(writer, NULL, 0);
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < allocation->layers; i++) {
        layers_name(allocation->config, i, name);
        const double length = (double)strlen(name);
        if (is_planned(allocation, i))
            bytes +=
                2 * (1 + length_bytes(length) + length + length_bytes(layer_bytes)) + zeros + 8;
    }
    return bytes;
}

static bool read_plan(const struct allocation *allocation, size_t layer, wsic_plan_layer *planned,
                      struct failure *failure)
{
    planned->size = sizeof *planned;
    return wsic_plan_get_layer(allocation->plan, allocation->indices[layer], planned) >= 0 ||
           refuse_plan(allocation, failure);
}

/* Shapes and energies, which the plan tells only once it is solved for something. */
static bool read_sizes(struct allocation *allocation, struct failure *failure)
{
    allocation->weights = 0;
    if (wsic_plan_solve_rate(allocation->plan, 1) < 0)
        return refuse_plan(allocation, failure);
    for (size_t i = 0; i < allocation->layers; i++) {
        wsic_plan_layer planned = {.rows = 0};
        if (is_planned(allocation, i) && !read_plan(allocation, i, &planned, failure))
            return false;
        const double weights = (double)planned.rows * (double)planned.columns;
        allocation->weights += weights;
        allocation->energies[i] = weights * planned.energy;
    }
    return true;
}

/* Bytes that are left for the layers when what the archive adds is taken off. */
static bool find_budget(const struct allocation *allocation, double rate,
                        wsic_archive_writer *writer, uint64_t *budget, struct failure *failure)
{
    uint64_t others = 0;

    if (writer && !layer_bytes(writer, &others, failure))
        return false;
    const double mean = rate * allocation->weights / 8 / (double)allocation->layers;
    const double container =
        writer ? container_bytes(allocation, writer, mean) - (double)others : 0;
    const double left = rate * allocation->weights / 8 - container;
    if (left < 1)
        return refuse(failure,
                      "plan: names and metadata alone take %.0f bytes, more than %g bits "
                      "per weight",
                      container, rate);
    *budget = (uint64_t)left;
    return true;
}

static bool write_budget(wsic_archive_writer *writer, uint64_t budget, struct failure *failure)
{
    char text[24];

    /* Of one length, so that the figure does not change what it depends on. */
    snprintf(text, sizeof text, "%020llu", (unsigned long long)budget);
    return wsic_archive_writer_set_metadata(writer, "budget", text) >= 0 ||
           refuse(failure, "plan: %s", wsic_archive_writer_message(writer));
}

/* Of one length as well. */
static bool write_prediction(wsic_archive_writer *writer, double bits, struct failure *failure)
{
    char text[24];

    snprintf(text, sizeof text, "%.6e", bits);
    return wsic_archive_writer_set_metadata(writer, prediction_key, text) >= 0 ||
           refuse(failure, "plan: %s", wsic_archive_writer_message(writer));
}

/* The archive keeps its budget: one that is gone on with is larger than it was in the beginning. */
static bool keep_budget(const struct allocation *allocation, double rate,
                        wsic_archive_writer *writer, uint64_t *budget, struct failure *failure)
{
    const char *const kept = wsic_archive_writer_metadata(writer, "budget");

    if (kept) {
        *budget = strtoull(kept, NULL, 10);
        return true;
    }
    return write_budget(writer, 0, failure) && write_prediction(writer, 0, failure) &&
           find_budget(allocation, rate, writer, budget, failure) &&
           write_budget(writer, *budget, failure);
}

/* The correction belongs to the rate, and the rate follows from the correction: part of the way
 * with every round, since the whole of it may lead beyond. */
static bool correct_worths(struct allocation *allocation, bool first, double rate,
                           struct failure *failure)
{
    const double part = 0.3;

    for (size_t i = 0; i < allocation->layers; i++) {
        wsic_plan_layer planned = {.target_rate = rate};
        if (!is_planned(allocation, i))
            continue;
        if (!first && !read_plan(allocation, i, &planned, failure))
            return false;
        const double wanted = allocation->sensitivities[i] *
                              correction_at(&allocation->corrections[i], planned.target_rate);
        if (first || wanted <= 0)
            allocation->worths[i] = wanted;
        else
            allocation->worths[i] *= pow(wanted / allocation->worths[i], part);
    }
    return true;
}

static bool solve_once(struct allocation *allocation, enum plan_mode mode, uint64_t budget,
                       struct failure *failure)
{
    const int32_t how = mode == PLAN_WATERFILL ? WSIC_PLAN_WATERFILL : WSIC_PLAN_EQUAL;

    return set_sensitivities(allocation, failure) &&
           (wsic_plan_solve_budget(allocation->plan, how, budget) >= 0 ||
            refuse_plan(allocation, failure));
}

bool allocation_solve(struct allocation *allocation, enum plan_mode mode, double rate,
                      wsic_archive_writer *writer, struct failure *failure)
{
    enum { ROUNDS = 32 };
    const size_t rounds = mode == PLAN_WATERFILL ? ROUNDS : 1;
    uint64_t budget = 0;

    if (!read_sizes(allocation, failure) ||
        !(writer ? keep_budget(allocation, rate, writer, &budget, failure)
                 : find_budget(allocation, rate, NULL, &budget, failure)))
        return false;
    for (size_t i = 0; i < rounds; i++)
        if (!correct_worths(allocation, i == 0, rate, failure) ||
            !solve_once(allocation, mode, budget, failure))
            return false;
    return true;
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

bool allocation_divergence(const struct allocation *allocation, size_t layer, double *bits,
                           struct failure *failure)
{
    wsic_plan_layer planned;

    *bits = 0;
    if (!is_planned(allocation, layer))
        return true;
    if (!read_plan(allocation, layer, &planned, failure))
        return false;
    *bits = allocation->gain * allocation->left * allocation->sensitivities[layer] *
            (double)planned.rows * (double)planned.columns * planned.distortion *
            correction_at(&allocation->levels[layer], planned.rate);
    return true;
}

bool allocation_prediction(const struct allocation *allocation, double *bits,
                           struct failure *failure)
{
    double part;

    *bits = 0;
    for (size_t i = 0; i < allocation->layers; i++) {
        if (!allocation_divergence(allocation, i, &part, failure))
            return false;
        *bits += part;
    }
    return true;
}

bool allocation_note_prediction(const struct allocation *allocation, wsic_archive_writer *writer,
                                struct failure *failure)
{
    double bits;

    return allocation_prediction(allocation, &bits, failure) &&
           write_prediction(writer, bits, failure);
}

bool allocation_commit(struct allocation *allocation, size_t layer, uint64_t bytes,
                       struct failure *failure)
{
    return wsic_plan_commit(allocation->plan, allocation->indices[layer], bytes) >= 0 ||
           refuse_plan(allocation, failure);
}
