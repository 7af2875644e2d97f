/* SPDX-License-Identifier: MIT */
#include "mpi/tree.h"

size_t tree_first(size_t shards, size_t ranks, size_t rank)
{
    return (size_t)((unsigned long long)shards * rank / ranks);
}

size_t tree_owner(size_t shards, size_t ranks, size_t shard)
{
    size_t rank = 0;

    while (tree_first(shards, ranks, rank + 1) <= shard)
        rank++;
    return rank;
}

/* Width of the largest node that begins with a shard: of shard 0 it is the whole tree. */
static size_t width_at(size_t shards, size_t shard)
{
    size_t width = 1;

    if (shard > 0)
        return shard & (~shard + 1);
    while (width < shards)
        width *= 2;
    return width;
}

static size_t owner(const struct tree *tree, size_t shard)
{
    return tree_owner(tree->shards, tree->ranks, shard);
}

/* A node that begins with a shard of this rank. */
static bool add_node(const struct tree *tree, size_t first, size_t width, void **sum,
                     struct failure *failure)
{
    const struct tree_sums *const sums = tree->sums;
    const size_t half = width / 2, middle = first + half;
    void *right = NULL;

    if (width == 1)
        return sums->take(tree->self, first, sum, failure);
    if (!add_node(tree, first, half, sum, failure))
        return false;
    if (middle >= tree->shards)
        return true;
    bool ok = owner(tree, middle) == tree->rank
                  ? add_node(tree, middle, half, &right, failure)
                  : sums->receive(tree->self, owner(tree, middle), &right, failure);
    if (ok) {
        ok = sums->add(tree->self, *sum, right, failure);
        sums->release(right);
    }
    if (!ok)
        sums->release(*sum);
    return ok;
}

/* A node whose left neighbour is on another rank, which receives it. */
static bool give_node(const struct tree *tree, size_t first, size_t width, struct failure *failure)
{
    void *sum;

    if (!add_node(tree, first, width, &sum, failure))
        return false;
    const bool ok = tree->sums->send(tree->self, sum, owner(tree, first - width), failure);
    tree->sums->release(sum);
    return ok;
}

bool tree_add(const struct tree *tree, void **sum, struct failure *failure)
{
    const size_t end = tree_first(tree->shards, tree->ranks, tree->rank + 1);

    *sum = NULL;
    for (size_t i = tree_first(tree->shards, tree->ranks, tree->rank); i < end; i++) {
        const size_t width = width_at(tree->shards, i);
        if (i > 0 && owner(tree, i - width) != tree->rank && !give_node(tree, i, width, failure))
            return false;
    }
    return owner(tree, 0) != tree->rank ||
           add_node(tree, 0, width_at(tree->shards, 0), sum, failure);
}
