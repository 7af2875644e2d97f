/* SPDX-License-Identifier: MIT */
#include "mpi/reduce.h"

#include <unistd.h>

#include "mpi/transfer.h"
#include "mpi/tree.h"

struct reduction {
    const struct sharded_input *input;
    wsic_context *context;
    const char *scratch; /* the library saves and loads files */
};

static bool fail(const struct reduction *r, const char *what, struct failure *failure)
{
    return refuse(failure, "input %s: %s: %s", r->input->name, what,
                  wsic_context_message(r->context));
}

static bool take(void *self, size_t shard, void **sum, struct failure *failure)
{
    const struct reduction *const r = self;
    wsic_stats *stats;

    if (!r->input->take(r->input->self, shard, &stats, failure))
        return false;
    *sum = stats;
    return true;
}

static bool add(void *self, void *sum, const void *right, struct failure *failure)
{
    return wsic_stats_merge(sum, right) == WSIC_OK || fail(self, "sum of shards", failure);
}

static bool receive(void *self, size_t rank, void **sum, struct failure *failure)
{
    const struct reduction *const r = self;
    wsic_stats *stats;
    const bool ok = transfer_receive_file(r->scratch, (int)rank, failure) &&
                    (wsic_stats_load(r->context, r->scratch, &stats) == WSIC_OK ||
                     fail(r, "received statistics", failure));

    unlink(r->scratch);
    if (ok)
        *sum = stats;
    return ok;
}

static bool send(void *self, const void *sum, size_t rank, struct failure *failure)
{
    const struct reduction *const r = self;
    const bool ok = (wsic_stats_save(sum, r->scratch) == WSIC_OK ||
                     fail(r, "statistics to be sent", failure)) &&
                    transfer_send_file(r->scratch, (int)rank, failure);

    unlink(r->scratch);
    return ok;
}

static void release(void *sum)
{
    wsic_stats_destroy(sum);
}

static const struct tree_sums statistics = {take, add, send, receive, release};

bool reduce_input(const struct folder *folder, const struct sharded_input *input, size_t number,
                  wsic_context *context, struct failure *failure)
{
    struct reduction r = {.input = input, .context = context, .scratch = folder->scratch};
    const struct tree tree = {.sums = &statistics,
                              .self = &r,
                              .shards = input->shards,
                              .ranks = (size_t)folder->ranks,
                              .rank = (size_t)folder->rank};
    char path[FOLDER_PATH_SIZE];
    void *sum;

    if (!tree_add(&tree, &sum, failure))
        return false;
    folder_statistics(folder, number, path);
    const bool ok =
        !sum || wsic_stats_save(sum, path) == WSIC_OK || fail(&r, "all statistics", failure);
    wsic_stats_destroy(sum);
    return ok;
}
