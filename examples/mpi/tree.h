/* SPDX-License-Identifier: MIT */
/* How sums over shards are divided over ranks, and in which order they are added: a binary tree
 * over the shards, which their number alone determines: node (first, width) adds its left half,
 * (first, width / 2), and its right half. Ranks have consecutive shards. A rank computes the nodes
 * that begin with a shard of its own, and receives the right halves that begin with a shard of
 * another rank. Hence the sums are the same at any number of ranks, and a rank holds as many sums
 * as the tree is deep. */
#ifndef EXAMPLES_MPI_TREE_H
#define EXAMPLES_MPI_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

/* What is added up. A sum that a function makes belongs to the tree, which releases it. */
struct tree_sums {
    bool (*take)(void *self, size_t shard, void **sum, struct failure *failure);
    bool (*add)(void *self, void *sum, const void *right, struct failure *failure);
    bool (*send)(void *self, const void *sum, size_t rank, struct failure *failure);
    bool (*receive)(void *self, size_t rank, void **sum, struct failure *failure);
    void (*release)(void *sum);
};

struct tree {
    const struct tree_sums *sums;
    void *self; /* for these functions */
    size_t shards;
    size_t ranks;
    size_t rank;
};

/* Shards first to first of the next rank - 1 are those of a rank. */
size_t tree_first(size_t shards, size_t ranks, size_t rank);

/* The rank that has a shard. */
size_t tree_owner(size_t shards, size_t ranks, size_t shard);

/* All ranks call it. The rank with the first shard receives the sum over all of them, which it has
 * to release; the others NULL. There is a shard. */
bool tree_add(const struct tree *tree, void **sum, struct failure *failure);

#endif
