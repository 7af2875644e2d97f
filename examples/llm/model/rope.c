/* SPDX-License-Identifier: MIT */
#include "llm/model/rope.h"

#include <math.h>
#include <string.h>

static const char *const kind_names[ROPE_KINDS] = {[ROPE_DEFAULT] = "default",
                                                   [ROPE_LINEAR] = "linear",
                                                   [ROPE_LLAMA3] = "llama3",
                                                   [ROPE_YARN] = "yarn",
                                                   [ROPE_LONG] = "longrope"};

const char *rope_kind_name(enum rope_kind kind)
{
    return kind_names[kind];
}

static double within_unit(double x)
{
    return fmin(fmax(x, 0), 1);
}

static double full_turn(void)
{
    return 2 * acos(-1);
}

/* The part that is left grows with the number of turns. */
static double llama3_part(const struct rope *rope, double frequency)
{
    const double turns = (double)rope->original * frequency / full_turn();

    return within_unit((turns - rope->low) / (rope->high - rope->low));
}

/* The number of the pair that turns so often in the original text, not a whole one. */
static double pair_of_turns(const struct rope *rope, double turns)
{
    return (double)rope->rotated * log((double)rope->original / (turns * full_turn())) /
           (2 * log(rope->theta));
}

/* The part that is left falls with the number of the pair. */
static double yarn_part(const struct rope *rope, size_t pair)
{
    double first = pair_of_turns(rope, rope->high);
    double last = pair_of_turns(rope, rope->low);

    if (!rope->exact) {
        first = floor(first);
        last = ceil(last);
    }
    first = fmax(first, 0);
    last = fmin(last, (double)rope->rotated - 1);
    if (first == last)
        last += 0.001;
    return 1 - within_unit(((double)pair - first) / (last - first));
}

double rope_frequency(const struct rope *rope, size_t pair, size_t window)
{
    const double plain = pow(rope->theta, -(double)(2 * pair) / (double)rope->rotated);
    double part = 1;

    switch (rope->kind) {
    case ROPE_DEFAULT:
        break;
    case ROPE_LINEAR:
        part = 0;
        break;
    case ROPE_LLAMA3:
        part = llama3_part(rope, plain);
        break;
    case ROPE_YARN:
        part = yarn_part(rope, pair);
        break;
    case ROPE_LONG:
        return plain /
               (window > rope->original ? rope->long_factors[pair] : rope->short_factors[pair]);
    }
    return part == 1 ? plain : part * plain + (1 - part) * plain / rope->factor;
}

/* What a kind does not use is 0. */
bool rope_is_same(const struct rope *a, const struct rope *b)
{
    return a->kind == b->kind && a->rotated == b->rotated && a->theta == b->theta &&
           a->factor == b->factor && a->low == b->low && a->high == b->high &&
           a->original == b->original && a->exact == b->exact && a->amplitude == b->amplitude &&
           memcmp(a->short_factors, b->short_factors, sizeof a->short_factors) == 0 &&
           memcmp(a->long_factors, b->long_factors, sizeof a->long_factors) == 0;
}
