/* SPDX-License-Identifier: MIT */
#include "llm/generate/sample.h"

#include <stdlib.h>

#include "llm/model/vector.h"

bool sampler_create(struct sampler *sampler, const struct sampling *settings, uint64_t seed,
                    size_t vocabulary, struct failure *failure)
{
    *sampler = (struct sampler){.settings = *settings, .state = seed, .vocabulary = vocabulary};
    sampler->weights = malloc(vocabulary * sizeof *sampler->weights);
    sampler->order = malloc(vocabulary * sizeof *sampler->order);
    if (sampler->weights && sampler->order)
        return true;
    sampler_free(sampler);
    return refuse(failure, "out of memory for %zu tokens", vocabulary);
}

void sampler_free(struct sampler *sampler)
{
    free(sampler->weights);
    free(sampler->order);
    *sampler = (struct sampler){.vocabulary = 0};
}

static uint32_t likeliest(const float *logits, size_t count)
{
    size_t best = 0;

    for (size_t i = 1; i < count; i++)
        if (logits[i] > logits[best])
            best = i;
    return (uint32_t)best;
}

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators"). */
static double next_random(struct sampler *sampler)
{
    uint64_t bits = sampler->state += UINT64_C(0x9E3779B97F4A7C15);

    bits = (bits ^ bits >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94D049BB133111EB);
    return (double)((bits ^ bits >> 31) >> 11) * 0x1p-53;
}

/* Whether token a comes before token b. */
static bool is_before(const float *weights, uint32_t a, uint32_t b)
{
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
}

static void sift_down(const struct sampler *sampler, size_t place, size_t count)
{
    uint32_t *const heap = sampler->order;
    const uint32_t token = heap[place];

    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && is_before(sampler->weights, heap[child + 1], heap[child]))
            child++;
        if (!is_before(sampler->weights, heap[child], token))
            break;
        heap[place] = heap[child];
    }
    heap[place] = token;
}

/* Tokens one after the other from the likeliest on: mostly few of them are needed, for which a heap
 * is quicker than sorting. What was taken lies at the end of the order, the first at the last
 * place.
 */
static void start_order(const struct sampler *sampler)
{
    for (size_t i = 0; i < sampler->vocabulary; i++)
        sampler->order[i] = (uint32_t)i;
    for (size_t i = sampler->vocabulary / 2; i-- > 0;)
        sift_down(sampler, i, sampler->vocabulary);
}

static uint32_t take_next(const struct sampler *sampler, size_t taken)
{
    uint32_t *const heap = sampler->order;
    const size_t last = sampler->vocabulary - 1 - taken;
    const uint32_t token = heap[0];

    heap[0] = heap[last];
    heap[last] = token;
    sift_down(sampler, 0, last);
    return token;
}

/* How many of the likeliest tokens may be chosen, and the sum of their weights. */
static size_t count_choices(const struct sampler *sampler, double *sum)
{
    const struct sampling *const settings = &sampler->settings;
    const size_t most = settings->top_k > 0 && settings->top_k < sampler->vocabulary
                            ? settings->top_k
                            : sampler->vocabulary;
    double all = 0;
    size_t taken = 0;

    for (size_t i = 0; i < sampler->vocabulary; i++)
        all += (double)sampler->weights[i];
    *sum = 0;
    start_order(sampler);
    while (taken < most && (taken == 0 || *sum < settings->top_p * all))
        *sum += (double)sampler->weights[take_next(sampler, taken++)];
    return taken;
}

static uint32_t choose_random(struct sampler *sampler)
{
    double sum;
    const size_t choices = count_choices(sampler, &sum);
    const uint32_t *const last = sampler->order + sampler->vocabulary - 1;
    double left = next_random(sampler) * sum;

    for (size_t i = 0; i + 1 < choices; i++) {
        left -= (double)sampler->weights[last[-(ptrdiff_t)i]];
        if (left < 0)
            return last[-(ptrdiff_t)i];
    }
    return last[-(ptrdiff_t)(choices - 1)];
}

uint32_t sampler_choose(struct sampler *sampler, const float *logits)
{
    const size_t count = sampler->vocabulary;
    const double temperature = sampler->settings.temperature;
    const uint32_t best = likeliest(logits, count);

    if (!(temperature > 0))
        return best;
    for (size_t i = 0; i < count; i++)
        sampler->weights[i] = (float)((double)(logits[i] - logits[best]) / temperature);
    vector_exponentials(sampler->weights, 0, count);
    return choose_random(sampler);
}
