/* SPDX-License-Identifier: MIT */
/* What large models take on many machines: memory of a rank, time and traffic.
 *
 *     estimate
 *
 * Prints Markdown. Small runs on this machine give the constants of two laws, with a = rows, n =
 * columns and T = tokens, on one thread:
 *
 *     statistics    s T n²
 *     a layer       (p + q n) a n + r n³        trellis and coder; recursion; factor
 *
 * A pass of the recursion multiplies as much as the statistics of a tokens, and three passes are
 * usual: q = 3 s. A further run tells how far the second law is off. The small runs search the rate
 * on all rows, and large layers on a part of them, so that p is rather too large. Memory is what
 * the library promises (wsic_encoder_estimate_memory()), and sizes of files follow from
 * docs/format.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <watersic/watersic.h>

struct laws {
    double statistics;
    double p, q, r;
};

struct shape {
    size_t rows, columns;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void fail(const wsic_context *context)
{
    fprintf(stderr, "estimate: %s\n", wsic_context_message(context));
    exit(EXIT_FAILURE);
}

static float *noise(size_t count, size_t columns, float memory)
{
    static uint32_t state = 1;
    float *const values = malloc(count * sizeof *values);
    float previous = 0;

    if (!values)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        previous = memory * (i % columns ? previous : 0) + (float)(int32_t)state / 2147483648.0F;
        values[i] = previous;
    }
    return values;
}

/* Seconds of the statistics of some tokens, which are kept for a layer. */
static double time_statistics(wsic_context *context, size_t columns, size_t tokens,
                              wsic_stats **stats)
{
    float *const x = noise(tokens * columns, columns, 0.9F);
    const double begin = now();

    if (wsic_stats_create(context, columns, stats) != WSIC_OK ||
        wsic_stats_add_activations_flat(*stats, x, WSIC_F32, tokens, 0, NULL) != WSIC_OK)
        fail(context);
    free(x);
    return now() - begin;
}

/* Seconds of a layer at 2 bits. */
struct times {
    double all;
    double factor;     /* part of all */
    double statistics; /* by tokens and columns² */
};

static struct times time_layer(wsic_context *context, struct shape shape)
{
    const size_t tokens = 2 * shape.columns;
    float *const w = noise(shape.rows * shape.columns, shape.columns, 0);
    wsic_encoder_report report = {.size = sizeof report};
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_stats *stats;

    const double seconds = time_statistics(context, shape.columns, tokens, &stats);
    if (wsic_encoder_create(context, &encoder) != WSIC_OK ||
        wsic_encoder_set_number(encoder, WSIC_RATE, 2) != WSIC_OK ||
        wsic_encoder_run_flat(encoder, stats, w, WSIC_F32, shape.rows, 0, &layer) < 0 ||
        wsic_encoder_get_report(encoder, &report) != WSIC_OK)
        fail(context);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(w);
    return (struct times){
        .all = report.seconds,
        .factor = report.seconds_prepare,
        .statistics = seconds / ((double)tokens * (double)shape.columns * (double)shape.columns)};
}

static double law(const struct laws *laws, struct shape shape)
{
    const double a = (double)shape.rows, n = (double)shape.columns;

    return (laws->p + laws->q * n) * a * n + laws->r * n * n * n;
}

static struct laws measure(wsic_context *context)
{
    static const struct shape shape = {512, 2048}, check = {512, 1024};
    const double a = (double)shape.rows, n = (double)shape.columns;
    const struct times times = time_layer(context, shape);
    struct laws laws = {
        .statistics = times.statistics, .q = 3 * times.statistics, .r = times.factor / (n * n * n)};

    laws.p = (times.all - times.factor) / (a * n) - laws.q * n;
    const double seconds = time_layer(context, check).all;
    printf("Measured on one thread: s = %.2g, p = %.2g, q = %.2g, r = %.2g seconds. A layer of\n"
           "%zu x %zu took %.2f seconds, and the law says %.2f.\n\n",
           laws.statistics, laws.p, laws.q, laws.r, check.rows, check.columns, seconds,
           law(&laws, check));
    return laws;
}

/* Layers of the same shape, and inputs of the same length. */
struct group {
    struct shape shape;
    size_t layers;
    size_t inputs;        /* that these layers have, and no group before */
    double tokens_of_all; /* part of the tokens that reach such an input */
};

struct model {
    const char *name;
    const struct group *groups;
    size_t count;
    size_t most; /* ranks in the last line */
};

struct sums {
    double statistics, layers; /* seconds of one thread */
    double files;              /* bytes of all statistics */
    double weights;
    size_t widest;
    uint64_t memory;
};

static struct sums add_up(wsic_context *context, const struct laws *laws, const struct model *model,
                          double tokens)
{
    struct sums sums = {.memory = 0};
    wsic_encoder *encoder;

    if (wsic_encoder_create(context, &encoder) != WSIC_OK)
        fail(context);
    for (size_t i = 0; i < model->count; i++) {
        const struct group *const g = &model->groups[i];
        const double a = (double)g->shape.rows, n = (double)g->shape.columns;
        uint64_t bytes;
        if (wsic_encoder_estimate_memory(encoder, g->shape.rows, g->shape.columns, &bytes) !=
            WSIC_OK)
            fail(context);
        /* Beside the run: its statistics, and weights in half precision. */
        bytes += (uint64_t)(8 * n * n + 2 * a * n);
        sums.memory = bytes > sums.memory ? bytes : sums.memory;
        sums.widest = g->shape.columns > sums.widest ? g->shape.columns : sums.widest;
        sums.statistics += (double)g->inputs * laws->statistics * g->tokens_of_all * tokens * n * n;
        sums.layers += (double)g->layers * law(laws, g->shape);
        sums.files += (double)g->inputs * 4 * n * (n + 1);
        sums.weights += (double)g->layers * a * n;
    }
    wsic_encoder_destroy(encoder);
    return sums;
}

/* Statistics that a rank has at a time: a left half at each depth of the tree over its shards, and
 * the right half that is added to the last one. */
static double statistics_memory(size_t widest, size_t shards, size_t ranks)
{
    const double depth = ceil(log2(ceil((double)shards / (double)ranks)));

    return (1 + fmax(1, depth)) * 8 * (double)widest * (double)widest;
}

static void print_model(wsic_context *context, const struct laws *laws, const struct model *model)
{
    enum { shards = 256, threads = 32 };
    const double tokens = 1 << 18, hour = 3600, giga = 1e9;
    const struct sums s = add_up(context, laws, model, tokens);

    printf("### %s\n\n", model->name);
    printf("%.0f billion weights, %.0f tokens in %d shards. Statistics: %.1f hours of one thread; "
           "their\nfiles have %.0f GB. Layers: %.0f hours of one thread; at 2 bits they have %.0f "
           "GB.\n\n",
           s.weights / 1e9, tokens, shards, s.statistics / hour, s.files / giga, s.layers / hour,
           s.weights / 4 / giga);
    printf("| ranks of %d threads | statistics in memory, GB | layer in memory, GB | statistics, "
           "hours | layers, hours | statistics sent, GB | layers sent, GB |\n"
           "|---|---|---|---|---|---|---|\n",
           threads);
    for (size_t ranks = 2; ranks <= model->most; ranks *= 4)
        printf("| %zu | %.1f | %.1f | %.2f | %.2f | %.0f | %.0f |\n", ranks,
               statistics_memory(s.widest, shards, ranks) / giga, (double)s.memory / giga,
               s.statistics / hour / (double)ranks / threads,
               s.layers / hour / (double)(ranks - 1) / threads,
               s.files * (double)(ranks - 1) / giga, s.weights / 4 / giga);
    printf("\n");
}

int main(void)
{
    static const struct group dense[] = {
        {{8192, 8192}, 2 * 80, 2 * 80, 1}, /* query and output */
        {{1024, 8192}, 2 * 80, 0, 1},      /* key and value share the input of query */
        {{28672, 8192}, 2 * 80, 80, 1},    /* gate and up */
        {{8192, 28672}, 80, 80, 1},        /* down */
    };
    /* Gate and up of all experts of a block share the statistics of all its tokens; down has those
     * of the tokens that were routed to its expert. */
    static const struct group mixture[] = {
        {{7168, 7168}, 4 * 61, 2 * 61, 1},
        {{2048, 7168}, 2 * 60 * 384, 60, 1},
        {{7168, 2048}, 60 * 384, 60 * 384, 8.0 / 384},
    };
    static const struct model models[] = {
        {"A dense model of 70 billion weights", dense, sizeof dense / sizeof *dense, 32},
        {"A mixture of 384 experts, a trillion weights", mixture, sizeof mixture / sizeof *mixture,
         128},
    };
    wsic_context *context;

    if (wsic_context_create(NULL, &context) != WSIC_OK)
        return EXIT_FAILURE;
    const struct laws laws = measure(context);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        print_model(context, &laws, &models[i]);
    wsic_context_destroy(context);
    return EXIT_SUCCESS;
}
