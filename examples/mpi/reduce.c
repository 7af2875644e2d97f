/* SPDX-License-Identifier: MIT */
#include "mpi/reduce.h"

#include <unistd.h>

#include "common/npy.h"
#include "mpi/transfer.h"
#include "mpi/tree.h"

struct adding {
    const struct reduction *on;
    const struct manifest_input *input;
    struct failure *failure;
};

static size_t owner(const struct adding *a, size_t shard)
{
    return tree_owner(a->input->count, a->on->ranks, shard);
}

static bool fail(const struct adding *a, const char *what)
{
    return refuse(a->failure, "input %s: %s: %s", a->input->name, what,
                  wsic_context_message(a->on->context));
}

static bool add_array(const struct adding *a, const char *path, wsic_stats **stats)
{
    npy_array array;

    if (!npy_read(path, &array, a->failure))
        return false;
    const bool ok = npy_is_real(&array, a->failure)
                        ? (wsic_stats_create(a->on->context, array.columns, stats) == WSIC_OK &&
                           wsic_stats_add_activations_flat(*stats, array.data, array.dtype,
                                                           array.rows, 0, NULL) == WSIC_OK) ||
                              fail(a, path)
                        : refuse(a->failure, "%s: activations are not integers", path);
    npy_release(&array);
    return ok;
}

/* Activations, or statistics that somebody else has saved. */
static bool take_shard(const struct adding *a, size_t shard, wsic_stats **stats)
{
    const char *const path = a->input->shards[shard];

    *stats = NULL;
    if (npy_recognize(path)
            ? add_array(a, path, stats)
            : wsic_stats_load(a->on->context, path, stats) == WSIC_OK || fail(a, "shard"))
        return true;
    wsic_stats_destroy(*stats);
    return false;
}

static bool receive(const struct adding *a, size_t rank, wsic_stats **stats)
{
    const char *const scratch = a->on->scratch;
    const bool ok = transfer_receive_file(scratch, (int)rank, a->failure) &&
                    (wsic_stats_load(a->on->context, scratch, stats) == WSIC_OK ||
                     fail(a, "received statistics"));

    unlink(scratch);
    return ok;
}

static bool send(const struct adding *a, size_t rank, const wsic_stats *stats)
{
    const char *const scratch = a->on->scratch;
    const bool ok =
        (wsic_stats_save(stats, scratch) == WSIC_OK || fail(a, "statistics to be sent")) &&
        transfer_send_file(scratch, (int)rank, a->failure);

    unlink(scratch);
    return ok;
}

/* A node of the tree that begins with a shard of this rank. */
static bool add_node(const struct adding *a, size_t first, size_t width, wsic_stats **sum)
{
    const size_t half = width / 2, middle = first + half;
    wsic_stats *right = NULL;

    if (width == 1)
        return take_shard(a, first, sum);
    if (!add_node(a, first, half, sum))
        return false;
    if (middle >= a->input->count)
        return true;
    const bool ok = (owner(a, middle) == a->on->rank ? add_node(a, middle, half, &right)
                                                     : receive(a, owner(a, middle), &right)) &&
                    (wsic_stats_merge(*sum, right) == WSIC_OK || fail(a, "sum of shards"));
    wsic_stats_destroy(right);
    if (!ok)
        wsic_stats_destroy(*sum);
    return ok;
}

/* A node whose left neighbour is on another rank, which receives it. */
static bool give_node(const struct adding *a, size_t first, size_t width)
{
    wsic_stats *sum;

    if (!add_node(a, first, width, &sum))
        return false;
    const bool ok = send(a, owner(a, first - width), sum);
    wsic_stats_destroy(sum);
    return ok;
}

static bool keep_root(const struct adding *a, const char *path)
{
    wsic_stats *sum;

    if (!add_node(a, 0, tree_width(a->input->count, 0), &sum))
        return false;
    const bool ok = wsic_stats_save(sum, path) == WSIC_OK || fail(a, "all statistics");
    wsic_stats_destroy(sum);
    return ok;
}

bool reduce_input(const struct reduction *reduction, const struct manifest_input *input,
                  const char *path, struct failure *failure)
{
    const struct adding a = {.on = reduction, .input = input, .failure = failure};
    const size_t end = tree_first(input->count, reduction->ranks, reduction->rank + 1);

    for (size_t i = tree_first(input->count, reduction->ranks, reduction->rank); i < end; i++) {
        const size_t width = tree_width(input->count, i);
        if (i > 0 && owner(&a, i - width) != reduction->rank && !give_node(&a, i, width))
            return false;
    }
    return owner(&a, 0) != reduction->rank || keep_root(&a, path);
}
