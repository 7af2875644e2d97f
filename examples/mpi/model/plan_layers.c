/* SPDX-License-Identifier: MIT */
#include "mpi/model/plan_layers.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/watersic/code_gain.h"
#include "llm/watersic/corrector.h"
#include "mpi/deal.h"

/* What drafts of a layer say, as it travels. */
struct drafted {
    struct correction slope;
    struct correction level;
};

struct draughtsman {
    struct job *job;
    struct corrector corrector;
    struct job_layer layer;
};

static bool measure(struct draughtsman *d, struct drafted *drafted, struct failure *failure)
{
    const struct linear *const linear = d->layer.task.linear;
    const struct corrections corrections = {.slope = &drafted->slope, .level = &drafted->level};
    float *const weights = malloc(linear->rows * linear->columns * sizeof *weights);
    const bool ok = weights ? corrector_measure(&d->corrector, &d->layer.task, d->layer.problem,
                                                weights, corrections, failure)
                            : refuse(failure, "%s: out of memory", d->layer.name);

    free(weights);
    return ok;
}

static bool draft(void *self, size_t number, struct made_piece *made, struct failure *failure)
{
    struct draughtsman *const d = self;

    made->bytes = calloc(1, made->size = sizeof(struct drafted));
    if (!made->bytes)
        return refuse(failure, "out of memory");
    bool ok = job_layer_open(d->job, number, &d->layer, failure);
    if (ok) {
        ok = measure(d, made->bytes, failure);
        job_layer_close(d->job, &d->layer);
    }
    if (!ok)
        free(made->bytes);
    return ok;
}

static bool note(void *self, size_t number, const struct made_piece *made, struct failure *failure)
{
    struct allocation *const allocation = self;
    const struct drafted *const drafted = made->bytes;

    (void)failure;
    allocation->corrections[number] = drafted->slope;
    allocation->levels[number] = drafted->level;
    free(made->bytes);
    return true;
}

static bool draft_all(struct job *job, struct allocation *allocation, struct failure *failure)
{
    struct draughtsman d = {.job = job};
    const struct dealing dealing = {.count = layers_count(&job->model.config),
                                    .make = draft,
                                    .maker = &d,
                                    .take = note,
                                    .taker = allocation};

    if (job->folder.rank == 0)
        printf("drafts of %zu layers\n", dealing.count);
    if (!corrector_create(&d.corrector, job->context, job->settings.rate, failure))
        return false;
    const bool ok = deal(&dealing, job->folder.rank, job->folder.ranks, failure);
    job_layer_free(&d.layer);
    corrector_destroy(&d.corrector);
    return ok;
}

static bool add_all(struct job *job, struct allocation *allocation, struct failure *failure)
{
    struct job_layer layer = {.problem = NULL};
    bool ok = true;

    for (size_t i = 0; ok && i < allocation->layers; i++) {
        ok = job_layer_open(job, i, &layer, failure);
        if (ok) {
            ok = allocation_add(allocation, i, layer.name, layer.problem, failure);
            job_layer_close(job, &layer);
        }
    }
    job_layer_free(&layer);
    return ok;
}

static bool read_rates(struct job *job, const struct allocation *allocation, size_t first,
                       struct failure *failure)
{
    for (size_t i = first; i < allocation->layers; i++)
        if (!allocation_rate(allocation, i, &job->rates[i], failure))
            return false;
    return true;
}

static bool solve(struct job *job, struct allocation *allocation, wsic_encoder *encoder,
                  wsic_archive_writer *writer, struct failure *failure)
{
    const double rate = job->settings.rate;

    if (!add_all(job, allocation, failure))
        return false;
    outputs_sensitivities_in_plan(&job->outputs, allocation->sensitivities);
    if (!allocation_solve(allocation, job->recipe.plan, rate, writer, failure) ||
        !code_gain_measure(job->context, encoder, rate, &allocation->gain, failure) ||
        !allocation_note_prediction(allocation, writer, failure))
        return false;
    return read_rates(job, allocation, 0, failure);
}

static void tell_rates(struct job *job)
{
    MPI_Bcast(job->rates, (int)layers_count(&job->model.config), MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

bool plan_layers(struct job *job, wsic_encoder *encoder, wsic_archive_writer *writer,
                 struct failure *failure)
{
    const size_t layers = layers_count(&job->model.config);

    job->rates = calloc(layers, sizeof *job->rates);
    if (!job->rates)
        return refuse(failure, "out of memory for the rates of %zu layers", layers);
    if (!allocation_create(&job->allocation, job->context, &job->model, failure) ||
        !draft_all(job, &job->allocation, failure) ||
        (job->folder.rank == 0 && !solve(job, &job->allocation, encoder, writer, failure)))
        return false;
    tell_rates(job);
    return true;
}

static bool commit(struct job *job, size_t number, wsic_archive_writer *writer,
                   struct failure *failure)
{
    uint64_t bytes;

    return allocation_written_bytes(writer, number, &bytes, failure) &&
           allocation_commit(&job->allocation, number, bytes, failure);
}

bool plan_rest(struct job *job, size_t first, wsic_archive_writer *writer, struct failure *failure)
{
    if (job->folder.rank == 0) {
        for (size_t i = 0; i < first; i++)
            if (!commit(job, i, writer, failure))
                return false;
        if (!read_rates(job, &job->allocation, first, failure))
            return false;
    }
    tell_rates(job);
    return true;
}

void plan_end(struct job *job)
{
    free(job->rates);
    job->rates = NULL;
    allocation_destroy(&job->allocation);
}
