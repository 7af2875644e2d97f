/* SPDX-License-Identifier: MIT */
#include "mpi/model/share_outputs.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "llm/watersic/outputs_pass.h"
#include "mpi/transfer.h"
#include "mpi/tree.h"

/* A sum is a row of numbers: how many tokens it is over, and for every layer its share and its
 * diagonal, times that. */
static size_t length_of(const struct job *job)
{
    size_t length = 1;

    for (size_t i = 0; i < job->outputs.layers; i++)
        length += 1 + job->outputs.of[i].rows;
    return length;
}

static size_t bytes_of(const struct job *job)
{
    return length_of(job) * sizeof(double);
}

static bool allocate(const struct job *job, void **sum, struct failure *failure)
{
    *sum = calloc(1, bytes_of(job));
    return *sum || refuse(failure, "out of memory for the outputs of all layers");
}

static void flatten(const struct outputs *outputs, double tokens, double *row)
{
    *row++ = tokens;
    for (size_t i = 0; i < outputs->layers; i++) {
        const struct layer_outputs *const layer = &outputs->of[i];
        *row++ = tokens * layer->share;
        for (size_t j = 0; j < layer->rows; j++)
            *row++ = layer->diagonal ? tokens * layer->diagonal[j] : 0;
    }
}

static bool collect(struct job *job, const struct tokens *sample, double *row,
                    struct failure *failure)
{
    const struct calibration calibration = {
        .tokens = sample, .window = job->window, .recipe = &job->recipe, .silent = true};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "outputs", .to = 1};
    struct outputs outputs;

    if (!outputs_create(&outputs, job->context, &job->model, &job->recipe, failure))
        return false;
    const bool ok = outputs_collect(&outputs, &job->model, &calibration, &stretch, failure);
    if (ok)
        flatten(&outputs, (double)sample->count, row);
    outputs_free(&outputs);
    return ok;
}

/* Every shard has its part of the tokens, and not less than one window. */
static bool take(void *self, size_t shard, void **sum, struct failure *failure)
{
    struct job *const job = self;
    const struct stretch_of_text part = job_shard(job, shard);
    const size_t most = job->recipe.outputs_tokens / job->shards;
    struct tokens own = job->tokens, sample;

    own.values += part.first;
    own.count = part.count;
    if (!tokens_copy(&sample, &own, job->window, most > job->window ? most : job->window, failure))
        return false;
    bool ok = allocate(job, sum, failure);
    if (ok && !collect(job, &sample, *sum, failure)) {
        free(*sum);
        ok = false;
    }
    tokens_free(&sample);
    return ok;
}

static bool add(void *self, void *sum, const void *right, struct failure *failure)
{
    const size_t length = length_of(self);
    const double *const addend = right;
    double *const values = sum;

    (void)failure;
    for (size_t i = 0; i < length; i++)
        values[i] += addend[i];
    return true;
}

static bool send(void *self, const void *sum, size_t rank, struct failure *failure)
{
    (void)failure;
    transfer_send(sum, bytes_of(self), (int)rank);
    return true;
}

static bool receive(void *self, size_t rank, void **sum, struct failure *failure)
{
    if (!allocate(self, sum, failure))
        return false;
    transfer_receive(*sum, bytes_of(self), (int)rank);
    return true;
}

static const struct tree_sums rows = {take, add, send, receive, free};

/* The rank that has the sum. */
static bool unflatten(struct outputs *outputs, const double *row, struct failure *failure)
{
    const double tokens = *row++;

    for (size_t i = 0; i < outputs->layers; i++) {
        struct layer_outputs *const layer = &outputs->of[i];
        layer->share = *row++ / tokens;
        layer->diagonal = calloc(layer->rows, sizeof *layer->diagonal);
        if (!layer->diagonal)
            return refuse(failure, "out of memory for the outputs of a layer");
        for (size_t j = 0; j < layer->rows; j++)
            layer->diagonal[j] = *row++ / tokens;
    }
    for (size_t i = 0; i < outputs->config->blocks; i++)
        if (!outputs_keep(outputs, i, failure))
            return false;
    return true;
}

static bool find_all(struct job *job)
{
    bool found = true;

    for (size_t i = 0; found && i < job->model.config.blocks; i++)
        found = outputs_find(&job->outputs, i);
    return found;
}

/* Begin anew: what is found are files, which hold all digits, so that all ranks know the same. */
static bool forget_all(struct job *job, struct failure *failure)
{
    outputs_free(&job->outputs);
    if (!outputs_create(&job->outputs, job->context, &job->model, &job->recipe, failure))
        return false;
    snprintf(job->outputs.directory, sizeof job->outputs.directory, "%s", job->folder.path);
    return true;
}

static bool collect_all(struct job *job, struct failure *failure)
{
    const struct tree tree = {.sums = &rows,
                              .self = job,
                              .shards = job->shards,
                              .ranks = (size_t)job->folder.ranks,
                              .rank = (size_t)job->folder.rank};
    void *sum;

    if (job->folder.rank == 0)
        printf("what outputs are worth\n");
    if (!tree_add(&tree, &sum, failure))
        return false;
    const bool ok = !sum || unflatten(&job->outputs, sum, failure);
    free(sum);
    if (ok)
        MPI_Barrier(MPI_COMM_WORLD);
    return ok;
}

bool share_outputs(struct job *job, struct failure *failure)
{
    int there;

    if (!forget_all(job, failure))
        return false;
    there = find_all(job);
    MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!there && !(forget_all(job, failure) && collect_all(job, failure)))
        return false;
    return forget_all(job, failure) &&
           (find_all(job) ||
            refuse(failure, "%s: what outputs are worth cannot be read", job->folder.path));
}
