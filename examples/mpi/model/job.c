/* SPDX-License-Identifier: MIT */
#include "mpi/model/job.h"

#include <string.h>

struct stretch_of_text job_shard(const struct job *job, size_t shard)
{
    const size_t count = job->tokens.count;
    const size_t windows = (count + job->window - 1) / job->window;
    const size_t first = windows * shard / job->shards * job->window;
    const size_t end = windows * (shard + 1) / job->shards * job->window;

    return (struct stretch_of_text){.first = first, .count = (end < count ? end : count) - first};
}

size_t job_input(const struct config *config, size_t number)
{
    const struct layer_place place = layers_at(config, number);
    enum linear_kind first = place.kind;

    for (size_t i = 0; i < SITES; i++)
        if (place.kind >= stream_sites[i].first && place.kind <= stream_sites[i].last)
            first = stream_sites[i].first;
    return number - place.slot + layers_slot(first, place.expert);
}

static bool is_another(const void *self, const char *layer)
{
    return strcmp(self, layer) != 0;
}

bool job_layer_open(struct job *job, size_t number, struct job_layer *layer,
                    struct failure *failure)
{
    const struct layer_place place = layers_at(&job->model.config, number);
    const struct model_absence others = {.has = is_another, .self = layer->name};

    layers_name(&job->model.config, number, layer->name);
    if (!input_stats_load(&layer->inputs, job->context, &job->folder,
                          job_input(&job->model.config, number)))
        return refuse(failure, "%s: %s", layer->name, wsic_context_message(job->context));
    if (!model_load_block_without(&job->model, place.block, &others, &layer->block, failure))
        return false;
    layer->task = (struct layer_task){.name = layer->name,
                                      .number = number,
                                      .linear = &layer->block.linear[place.slot],
                                      .stats = layer->inputs.stats};
    if (watersic_problem_create(job->context, &job->outputs, &layer->task, &layer->problem,
                                failure))
        return true;
    block_free(&layer->block);
    return false;
}

void job_layer_close(struct job *job, struct job_layer *layer)
{
    watersic_problem_destroy(&job->outputs, &layer->task, layer->problem);
    block_free(&layer->block);
}

void job_layer_free(struct job_layer *layer)
{
    input_stats_release(&layer->inputs);
}
