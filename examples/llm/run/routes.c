/* SPDX-License-Identifier: MIT */
#include "llm/run/routes.h"

#include <stdlib.h>
#include <string.h>

bool routes_create(struct routes *routes, const struct config *config, size_t tokens,
                   size_t capacity, struct failure *failure)
{
    *routes = (struct routes){.tokens = tokens, .capacity = capacity};
    if (config->mixture.experts == 0)
        return true;
    routes->visitors = calloc(capacity, sizeof *routes->visitors);
    routes->weights = calloc(capacity, sizeof *routes->weights);
    return routing_create(&routes->routing, config, tokens, failure) &&
           ((routes->visitors && routes->weights) ||
            refuse(failure, "out of memory for the experts of %zu tokens", tokens));
}

void routes_free(struct routes *routes)
{
    routing_free(&routes->routing);
    free(routes->visitors);
    free(routes->weights);
    *routes = (struct routes){.tokens = 0};
}

uint64_t routes_memory(const struct config *config, size_t tokens, size_t capacity)
{
    const uint64_t of_token = config->mixture.chosen * (sizeof(uint32_t) + sizeof(float));

    return config->mixture.experts == 0
               ? 0
               : tokens * of_token + capacity * (sizeof(uint32_t) + sizeof(double));
}

void routes_take(struct routes *routes, const struct routing *routing, size_t first, size_t count)
{
    const struct routing to = routing_from(&routes->routing, first);

    memcpy(to.experts, routing->experts, count * to.chosen * sizeof *to.experts);
    memcpy(to.weights, routing->weights, count * to.chosen * sizeof *to.weights);
}

/* The weight of the present expert for a token; 0 if the token does not go there. */
static double weight_of(const struct routes *routes, size_t token)
{
    const struct routing routing = routing_from(&routes->routing, token);

    for (size_t i = 0; i < routing.chosen; i++)
        if (routing.experts[i] == routes->expert)
            return (double)routing.weights[i];
    return 0;
}

static bool is_own(const struct routes *routes, size_t expert, size_t token)
{
    const struct routing routing = routing_from(&routes->routing, token);
    bool own = false;

    for (size_t i = 0; i < routing.chosen; i++)
        own = own || routing.experts[i] == expert;
    return own;
}

void routes_narrow(struct routes *routes, size_t first, size_t tokens)
{
    routes->first = first;
    routes->tokens = tokens;
}

size_t routes_count(const struct routes *routes, size_t expert)
{
    size_t count = 0;

    for (size_t i = routes->first; i < routes->first + routes->tokens; i++)
        count += is_own(routes, expert, i);
    return count;
}

void routes_turn(struct routes *routes, size_t expert, size_t inputs)
{
    double squares = 0;

    routes->expert = expert;
    routes->next = routes->first;
    routes->counted = 0;
    routes->own = routes_count(routes, expert);
    for (size_t i = routes->first; i < routes->first + routes->tokens; i++) {
        const double weight = weight_of(routes, i);
        squares += weight * weight;
    }
    routes->square = routes->own > 0 ? squares / (double)routes->own : 0;
    routes->witnesses = routes->tokens - routes->own;
    if (routes->witnesses > inputs)
        routes->witnesses = inputs;
}

/* A weight of 0, below what a float holds, counts nothing. */
static void add_own(struct routes *routes, struct visit *visit, size_t place, size_t token)
{
    const double weight = weight_of(routes, token);

    routes->visitors[visit->count] = (uint32_t)place;
    routes->weights[visit->count++] = routes->square > 0 ? weight * weight / routes->square : 1;
}

/* Others before a token. Batches come one after the other. */
static size_t count_others(struct routes *routes, size_t token)
{
    if (routes->next > token) {
        routes->next = routes->first;
        routes->counted = 0;
    }
    for (; routes->next < token; routes->next++)
        routes->counted += !is_own(routes, routes->expert, routes->next);
    return routes->counted;
}

struct visit routes_visit(struct routes *routes, size_t first, size_t count)
{
    const size_t others = routes->tokens - routes->own;
    const size_t wanted = routes->witnesses;
    size_t seen = wanted > 0 ? count_others(routes, first) : 0;
    struct visit visit = {.tokens = routes->visitors, .weights = routes->weights};

    for (size_t i = 0; i < count; i++) {
        if (is_own(routes, routes->expert, first + i)) {
            add_own(routes, &visit, i, first + i);
            continue;
        }
        if (mixture_is_witness(seen, wanted, others)) {
            routes->visitors[visit.count] = (uint32_t)i;
            routes->weights[visit.count++] = 1;
        }
        seen++;
    }
    return visit;
}

double routes_sum(const struct routes *routes, size_t token)
{
    const struct routing routing = routing_from(&routes->routing, token);
    double sum = 0;

    for (size_t i = 0; i < routing.chosen; i++)
        sum += (double)routing.weights[i];
    return sum;
}
