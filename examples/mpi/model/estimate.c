/* SPDX-License-Identifier: MIT */
/* What watersic-llm-mpi takes for a large model: memory of a rank, time and traffic.
 *
 *     estimate MODEL RANKS [RANKS...]
 *
 * MODEL is a folder with a config.json; no weights are needed. Prints Markdown. Times follow from
 * small runs on this machine (laws.h), on one thread; a rank is taken to have 32 threads that share
 * all work evenly, and the network to cost nothing. Memory is what the programs and the library
 * say that they need. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "llm/run/routes.h"
#include "llm/watersic/outputs_estimate.h"
#include "mpi/model/laws.h"

enum { SHARDS = 64, THREADS = 32, WINDOW = 2048, TOKENS = 1 << 18, OUTPUTS_TOKENS = 1 << 16 };

static const double hour = 3600, giga = 1e9;

/* Of all layers; times in seconds of one thread. */
struct sums {
    double text;      /* the forward pass and its statistics */
    double gradients; /* the pass forward and back */
    double drafts;
    double plan; /* rank 0 alone */
    double layers;
    double files; /* bytes of all statistics */
    double weights;
    double outputs;
    double widest;
    uint64_t layer_memory;
};

static bool has_input(enum linear_kind kind)
{
    return kind == LINEAR_Q || kind == LINEAR_O || kind == LINEAR_GATE || kind == LINEAR_DOWN;
}

/* Tokens that a layer computes, and that its statistics are over: experts see others as well
 * (routes.h). */
struct seen {
    double computed, counted;
};

static struct seen seen_by(const struct config *config, const struct layer_place *place)
{
    const size_t experts = place->kind >= LINEAR_GATE ? config_experts(config, place->block) : 0;
    const double own =
        experts > 0 ? (double)TOKENS * (double)config->mixture.chosen / (double)experts : TOKENS;
    const double others = fmin((double)place->columns, TOKENS - own);

    return (struct seen){.computed = own, .counted = experts > 0 ? own + others : own};
}

/* Gate and up of an expert are computed for its statistics, and again where the block ends. */
static double forward_seconds(const struct config *config, const struct laws *laws,
                              const struct layer_place *place, const struct seen *seen)
{
    const double product = laws->g.median * (double)place->rows * (double)place->columns;
    const bool again = (place->kind == LINEAR_GATE || place->kind == LINEAR_UP) &&
                       config_experts(config, place->block) > 0;

    return product * (seen->computed + (again ? seen->counted : 0));
}

static void add_layer(struct sums *sums, const struct config *config, const struct laws *laws,
                      const struct layer_place *place)
{
    const double a = (double)place->rows, n = (double)place->columns;
    const struct seen seen = seen_by(config, place);

    sums->text += forward_seconds(config, laws, place, &seen);
    if (has_input(place->kind)) {
        sums->text += laws->s.median * seen.counted * n * n;
        sums->files += 4 * n * (n + 1);
    }
    /* Forward, again within its block, and back */
    sums->gradients += 3 * laws->g.median * seen.computed * OUTPUTS_TOKENS / TOKENS * a * n;
    sums->drafts += 4 * laws_draft(laws, a, n) + 2 * laws->r.median * n * n * n;
    sums->plan += laws->r.median * n * n * n;
    sums->layers += laws_layer(laws, a, n);
    sums->weights += a * n;
    sums->outputs += a;
    sums->widest = fmax(sums->widest, n);
}

/* Of the largest layer that is quantized, with its statistics and its weights. */
static bool find_layer_memory(struct sums *sums, const struct config *config, wsic_context *context)
{
    size_t blocks[LAYERS_SHAPES];
    const size_t shapes = layers_shapes(config, blocks);
    wsic_encoder *encoder;
    uint64_t bytes;

    if (wsic_encoder_create(context, &encoder) != WSIC_OK)
        return false;
    for (size_t i = 0; i < shapes; i++)
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            const struct layer_place place = layers_in(config, blocks[i], kind);
            if (wsic_encoder_estimate_memory(encoder, place.rows, place.columns, &bytes) < 0)
                continue;
            bytes += 8 * place.columns * place.columns + 4 * place.rows * place.columns;
            sums->layer_memory = bytes > sums->layer_memory ? bytes : sums->layer_memory;
        }
    wsic_encoder_destroy(encoder);
    return true;
}

/* The block, states of the rank's tokens, and statistics: a left half at each depth of the tree
 * over the rank's shards, and the right half that is added to the last one. */
static double text_memory(const struct sums *sums, const struct config *config, size_t ranks)
{
    const double shards = ceil(SHARDS / (double)ranks);
    const struct tokens own = {.count = (size_t)(shards * TOKENS / SHARDS)};
    const struct stream_text text = {.tokens = &own, .window = WINDOW, .keep = true};

    return (double)(block_memory(config) + stream_memory(config, &text) +
                    forward_memory(config, WINDOW, own.count)) +
           (1 + fmax(1, ceil(log2(shards)))) * 8 * sums->widest * sums->widest;
}

/* The block, what its backward pass needs beside the forward pass, taken to be as much, and the
 * states of one shard's sample where every block begins. */
static double gradients_memory(const struct sums *sums, const struct config *config)
{
    const size_t tokens = OUTPUTS_TOKENS / SHARDS < WINDOW ? WINDOW : OUTPUTS_TOKENS / SHARDS;

    return (double)block_memory(config) + 2 * (double)forward_memory(config, WINDOW, tokens) +
           (double)tokens * (double)config->hidden * (double)(config->blocks + 3) * sizeof(float) +
           4 * 8 * sums->outputs;
}

static void print_laws(const struct laws *laws)
{
    const struct {
        const char *name;
        struct law law;
    } lines[] = {{"s", laws->s}, {"g", laws->g}, {"r", laws->r}, {"p", laws->p}, {"d", laws->d}};

    printf("| constant (laws.h) | median of five runs, seconds | least to most |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        printf("| %s | %.2g | %+.0f to %+.0f %% |\n", lines[i].name, lines[i].law.median,
               100 * (lines[i].law.least / lines[i].law.median - 1),
               100 * (lines[i].law.most / lines[i].law.median - 1));
    printf("\nA layer of 512 x 1024 took %.2f seconds, and the law says %.2f.\n\n", laws->checked,
           laws->expected);
}

static void print_rank(const struct sums *sums, const struct config *config, size_t ranks)
{
    const double shared = THREADS * (double)(ranks < SHARDS ? ranks : SHARDS);
    const double makers = THREADS * (double)(ranks > 1 ? ranks - 1 : 1);
    /* Checkpoints have 2 bytes a weight. Every shard reads it twice for gradients. */
    const double read = 2 * sums->weights * (1 + 2 * ceil(SHARDS / (double)ranks));
    const double sent = (double)((ranks < SHARDS ? ranks : SHARDS) - 1);

    printf("| %zu | %.0f | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f |\n", ranks,
           text_memory(sums, config, ranks) / giga, gradients_memory(sums, config) / giga,
           (double)sums->layer_memory / giga, sums->text / hour / shared,
           sums->gradients / hour / shared, sums->drafts / hour / makers,
           sums->plan / hour / THREADS, sums->layers / hour / makers,
           (sums->files * sent + 8 * sums->outputs * sent + sums->weights / 4) / giga, read / giga);
}

static void print_table(const struct sums *sums, const struct config *config, int count,
                        char **ranks)
{
    printf("%.0f billion weights in %zu layers, %d tokens in windows of %d and %d shards, of which "
           "%d for gradients. Statistics take %.0f GB on the disk; layers at 2 bits %.0f GB.\n\n",
           sums->weights / 1e9, layers_count(config), (int)TOKENS, (int)WINDOW, (int)SHARDS,
           (int)OUTPUTS_TOKENS, sums->files / giga, sums->weights / 4 / giga);
    printf("| ranks of %d threads | GB in memory: text | gradients | a layer | hours: text | "
           "gradients | drafts | plan | layers | GB sent, all | GB read by a rank |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n",
           (int)THREADS);
    for (int i = 0; i < count; i++)
        print_rank(sums, config, (size_t)strtoul(ranks[i], NULL, 10));
}

static bool estimate(wsic_context *context, const struct config *config, int count, char **ranks)
{
    struct sums sums = {.text = 0};
    struct laws laws;

    if (!laws_measure(&laws, context) || !find_layer_memory(&sums, config, context))
        return false;
    for (size_t block = 0; block < config->blocks; block++)
        for (size_t slot = 0; slot < layers_of_block(config, block); slot++) {
            const struct layer_place place = layers_in(config, block, slot);
            add_layer(&sums, config, &laws, &place);
        }
    print_laws(&laws);
    print_table(&sums, config, count, ranks);
    return true;
}

int main(int argc, char **argv)
{
    struct failure failure;
    struct config config;
    wsic_context *context;

    if (argc < 3) {
        fprintf(stderr, "usage: estimate MODEL RANKS [RANKS...]\n");
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++)
        if (strtoul(argv[i], NULL, 10) == 0) {
            fprintf(stderr, "estimate: '%s' is no number of ranks\n", argv[i]);
            return EXIT_FAILURE;
        }
    if (!config_load(&config, argv[1], &failure)) {
        fprintf(stderr, "estimate: %s\n", failure.text);
        return EXIT_FAILURE;
    }
    if (wsic_context_create(NULL, &context) != WSIC_OK)
        return EXIT_FAILURE;
    const bool ok = estimate(context, &config, argc - 2, argv + 2);
    if (!ok)
        fprintf(stderr, "estimate: %s\n", wsic_context_message(context));
    wsic_context_destroy(context);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
