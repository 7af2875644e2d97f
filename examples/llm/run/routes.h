/* SPDX-License-Identifier: MIT */
/* Which experts the tokens of a text go to in a block, and over which tokens the statistics of an
 * expert are taken.
 *
 * A token counts by the square of its weight p in the sum that the experts add to the state: an
 * error of the expert arrives there times p. The tokens of one expert count 1 in the mean.
 *
 * An expert that few tokens reach is known badly by these alone. Beside its n_e tokens it sees
 * others, which the router has sent elsewhere, spread evenly over the text, each of which counts 1:
 * as many as its layer has inputs, or all there are. So its statistics are
 *
 *     (n_e S_e + m S) / (n_e + m),
 *
 * with S those of the layer, as if the text went to this expert. One that no token reaches has S
 * alone. */
#ifndef EXAMPLES_LLM_RUN_ROUTES_H
#define EXAMPLES_LLM_RUN_ROUTES_H

#include "llm/model/mixture.h"

struct routes {
    struct routing routing; /* of all tokens */
    size_t first;           /* of the tokens that are looked at */
    size_t tokens;          /* how many */
    size_t expert;          /* the present one */
    size_t own;             /* tokens that go there */
    double square;          /* the mean of their squared weights */
    size_t witnesses;       /* of all others */
    size_t counted;         /* others before the token that is next, as far as they were counted */
    size_t next;
    size_t capacity; /* of a batch */
    uint32_t *visitors;
    double *weights;
};

/* Tokens of a batch that an expert sees, in ascending order, and what they count. */
struct visit {
    uint32_t *tokens;
    const double *weights;
    size_t count;
};

/* Nothing is needed where the model has no experts. */
bool routes_create(struct routes *routes, const struct config *config, size_t tokens,
                   size_t capacity, struct failure *failure);
void routes_free(struct routes *routes);
uint64_t routes_memory(const struct config *config, size_t tokens, size_t capacity);

/* Take over where the tokens of a batch go. */
void routes_take(struct routes *routes, const struct routing *routing, size_t first, size_t count);

/* Look at a part of the text alone, as if that were all of it, until another one is named. */
void routes_narrow(struct routes *routes, size_t first, size_t tokens);

/* Turn to an expert, for layers of so many inputs. */
void routes_turn(struct routes *routes, size_t expert, size_t inputs);

/* How many tokens go to an expert. */
size_t routes_count(const struct routes *routes, size_t expert);

/* What the present expert sees of a batch. */
struct visit routes_visit(struct routes *routes, size_t first, size_t count);

/* The sum of the weights of a token's experts. */
double routes_sum(const struct routes *routes, size_t token);

#endif
