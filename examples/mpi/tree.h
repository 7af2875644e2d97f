/* SPDX-License-Identifier: MIT */
/* The order in which the statistics of shards are added.
 *
 * Sums of floating-point numbers depend on their order. The order is therefore a binary tree over
 * the shards, which their number alone determines: node (first, width) adds its left half, (first,
 * width / 2), and its right half. Ranks have consecutive shards. A rank computes the nodes that
 * begin with a shard of its own, and receives the right halves that begin with a shard of another
 * rank. Hence the sums are the same at any number of ranks, and a rank holds as many statistics as
 * the tree is deep. */
#ifndef EXAMPLES_MPI_TREE_H
#define EXAMPLES_MPI_TREE_H

#include <stddef.h>

/* Shards first to first of the next rank - 1 are those of a rank. */
static inline size_t tree_first(size_t shards, size_t ranks, size_t rank)
{
    return (size_t)((unsigned long long)shards * rank / ranks);
}

/* The rank that has a shard. */
static inline size_t tree_owner(size_t shards, size_t ranks, size_t shard)
{
    size_t rank = 0;

    while (tree_first(shards, ranks, rank + 1) <= shard)
        rank++;
    return rank;
}

/* Width of the largest node that begins with a shard: of shard 0 it is the whole tree. */
static inline size_t tree_width(size_t shards, size_t shard)
{
    size_t width = 1;

    if (shard > 0)
        return shard & (~shard + 1);
    while (width < shards)
        width *= 2;
    return width;
}

#endif
