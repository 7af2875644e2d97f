/* SPDX-License-Identifier: MIT */
#include "mpi/model/gather_shards.h"

#include <mpi.h>
#include <stdio.h>

#include "llm/run/gather.h"
#include "mpi/reduce.h"
#include "mpi/tree.h"

struct walk {
    struct job *job;
    size_t first, end; /* shards of this rank */
    struct tokens own; /* theirs; borrowed */
    struct gatherer gatherer;
    struct pair_of_blocks blocks;
    size_t block;
    size_t expert;
    const struct site *site; /* where statistics are taken */
    struct failure *failure;
};

static const struct config *config_of(const struct walk *walk)
{
    return &walk->job->model.config;
}

/* Turn to a shard. The tokens of this rank begin with its first one. */
static void narrow(struct walk *walk, size_t shard)
{
    struct stretch_of_text part = job_shard(walk->job, shard);

    part.first -= job_shard(walk->job, walk->first).first;
    gather_narrow(&walk->gatherer, &part);
}

static bool pass(struct walk *walk, const struct site *site, const struct gathered *gathered)
{
    return gather_pass(&walk->gatherer, &walk->blocks, site, gathered, walk->failure);
}

/* All shards of this rank, with nothing to gather. */
static bool pass_own(struct walk *walk, const struct site *site)
{
    for (size_t shard = walk->first; shard < walk->end; shard++) {
        narrow(walk, shard);
        if (!pass(walk, site, NULL))
            return false;
    }
    return true;
}

static size_t columns_of(const struct walk *walk)
{
    const size_t slot = layers_slot(walk->site->first, walk->expert);

    return layers_in(config_of(walk), walk->block, slot).columns;
}

/* An expert that few tokens of a shard reach sees others there (routes.h), as many in all shards
 * together as its layer has inputs. */
static bool take_shard(void *self, size_t shard, wsic_stats **stats, struct failure *failure)
{
    struct walk *const walk = self;
    const size_t columns = columns_of(walk);
    const size_t shards = walk->job->shards;
    struct gathered gathered = {.stats = NULL};

    narrow(walk, shard);
    if (config_experts(config_of(walk), walk->block) > 0 && walk->site->first >= LINEAR_GATE)
        routes_turn(&walk->gatherer.routes, walk->expert, (columns + shards - 1) / shards);
    if (wsic_stats_create(walk->job->context, columns, &gathered.stats) < 0)
        return refuse(failure, "%s", wsic_context_message(walk->job->context));
    *stats = gathered.stats;
    if (pass(walk, walk->site, &gathered))
        return true;
    wsic_stats_destroy(gathered.stats);
    return false;
}

static bool gather_site(struct walk *walk, const struct site *site)
{
    const struct config *const config = config_of(walk);
    const size_t number =
        layers_before(config, walk->block) + layers_slot(site->first, walk->expert);
    char name[MODEL_NAME_SIZE];
    const struct sharded_input input = {
        .name = name, .shards = walk->job->shards, .take = take_shard, .self = walk};

    walk->site = site;
    layers_name(config, number, name);
    if (folder_has(&walk->job->folder, number))
        return !stream_moves(site, config, walk->block) || pass_own(walk, site);
    return reduce_input(&walk->job->folder, &input, number, walk->job->context, walk->failure);
}

static bool gather_experts(struct walk *walk)
{
    const size_t experts = config_experts(config_of(walk), walk->block);

    if (!pass_own(walk, &stream_router))
        return false;
    for (walk->expert = 0; walk->expert < experts; walk->expert++)
        if (!gather_site(walk, &stream_expert_sites[SITE_GATE_UP]) ||
            !gather_site(walk, &stream_expert_sites[SITE_DOWN]))
            return false;
    walk->expert = 0;
    return true;
}

static bool leave_block(struct walk *walk, bool experts)
{
    if (walk->block + 1 == config_of(walk)->blocks)
        return true;
    return pass_own(walk, experts ? &stream_mixture_end : &stream_end) &&
           (walk->own.count == 0 ||
            forward_check(config_of(walk), walk->block, stream_hidden(&walk->gatherer.live, 0),
                          walk->own.count, walk->failure));
}

static bool gather_block(struct walk *walk)
{
    const bool experts = config_experts(config_of(walk), walk->block) > 0;

    if (walk->job->folder.rank == 0)
        printf("statistics of block %zu of %zu\n", walk->block + 1, config_of(walk)->blocks);
    for (size_t i = 0; i < SITE_GATE_UP; i++)
        if (!gather_site(walk, &stream_sites[i]))
            return false;
    return (experts ? gather_experts(walk)
                    : gather_site(walk, &stream_sites[SITE_GATE_UP]) &&
                          gather_site(walk, &stream_sites[SITE_DOWN])) &&
           leave_block(walk, experts);
}

static bool walk_blocks(struct walk *walk)
{
    bool ok = true;

    for (walk->block = 0; ok && walk->block < config_of(walk)->blocks; walk->block++) {
        ok = model_load_block(&walk->job->model, walk->block, &walk->blocks.quantized,
                              walk->failure) &&
             gather_block(walk);
        block_free(&walk->blocks.quantized);
    }
    return ok;
}

/* Nobody has to look at the text again if all is there. */
static bool is_done(const struct job *job)
{
    bool done = true;

    for (size_t i = 0; done && i < layers_count(&job->model.config); i++)
        done = job_input(&job->model.config, i) != i || folder_has(&job->folder, i);
    return done;
}

static bool begin(struct walk *walk)
{
    const struct job *const job = walk->job;
    const struct folder *const folder = &job->folder;
    const struct stream_text text = {.tokens = &walk->own, .window = job->window, .keep = true};

    walk->first = tree_first(job->shards, (size_t)folder->ranks, (size_t)folder->rank);
    walk->end = tree_first(job->shards, (size_t)folder->ranks, (size_t)folder->rank + 1);
    if (walk->first == walk->end)
        return true;
    const struct stretch_of_text last = job_shard(job, walk->end - 1);
    const size_t begin = job_shard(job, walk->first).first;
    walk->own = job->tokens;
    walk->own.values += begin;
    walk->own.count = last.first + last.count - begin;
    return gather_begin(&walk->gatherer, &job->model, &text, &job->recipe, walk->failure);
}

bool gather_shards(struct job *job, struct failure *failure)
{
    struct walk walk = {.job = job, .failure = failure};

    if (is_done(job))
        return true;
    const bool ok = begin(&walk) && walk_blocks(&walk);
    if (walk.own.count > 0)
        gather_end(&walk.gatherer);
    /* Nobody reads statistics before they are all there. */
    if (ok)
        MPI_Barrier(MPI_COMM_WORLD);
    return ok;
}
