/* SPDX-License-Identifier: MIT */
/* Makes a manifest and its files, for the tests of watersic-mpi.
 *
 *     sample FOLDER INPUTS SIZE
 *
 * Every input has five shards of different lengths, and two layers; the last input has one shard
 * that holds statistics. */
#include <stdio.h>
#include <stdlib.h>
#include <watersic/watersic.h>

#include "common/npy.h"

enum { shards = 5 };

struct sample {
    const char *folder;
    size_t size;
    FILE *manifest;
    struct failure failure;
};

/* Numbers between -1/3 and 1/3 that look random, with all bits of a double. */
static double noise(void)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (double)(int32_t)state / 2147483648.0 / 3;
}

/* In double precision, so that the order in which sums are added shows in their last bits. */
static bool write_array(struct sample *s, const char *name, size_t rows, double memory)
{
    double *const values = malloc(rows * s->size * sizeof *values);
    char path[1024];
    double previous = 0;

    if (!values)
        return refuse(&s->failure, "out of memory");
    for (size_t i = 0; i < rows * s->size; i++)
        values[i] = previous = memory * (i % s->size ? previous : 0) + noise();
    snprintf(path, sizeof path, "%s/%s.npy", s->folder, name);
    const bool ok = npy_write(path, values, WSIC_F64, rows, s->size, &s->failure);
    free(values);
    return ok;
}

static bool write_shards(struct sample *s, size_t input)
{
    char name[64];

    fprintf(s->manifest, "input hidden%zu", input);
    for (size_t i = 0; i < shards; i++) {
        snprintf(name, sizeof name, "hidden%zu.shard%zu", input, i);
        if (!write_array(s, name, 2 * s->size + 7 * i + 1, 0.9))
            return false;
        fprintf(s->manifest, " %s/%s.npy", s->folder, name);
    }
    fprintf(s->manifest, "\n");
    return true;
}

static bool write_layers(struct sample *s, size_t input)
{
    char name[64];

    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "expert%zu.weights%zu", input, i);
        if (!write_array(s, name, s->size / 2 + 8 * (input % 3), 0))
            return false;
        fprintf(s->manifest, "layer %s %s/%s.npy hidden%zu\n", name, s->folder, name, input);
    }
    return true;
}

/* Statistics in place of activations. */
static bool write_statistics(struct sample *s, size_t input)
{
    double *const covariance = calloc(s->size * s->size, sizeof *covariance);
    wsic_context *context = NULL;
    wsic_stats *stats = NULL;
    char path[1024];

    snprintf(path, sizeof path, "%s/hidden%zu.stats", s->folder, input);
    for (size_t i = 0; covariance && i < s->size; i++)
        covariance[i * s->size + i] = 1 + (double)i;
    const bool ok =
        covariance && wsic_context_create(NULL, &context) == WSIC_OK &&
        wsic_stats_create(context, s->size, &stats) == WSIC_OK &&
        wsic_stats_add_covariance_flat(stats, covariance, WSIC_F64, 0, 100) == WSIC_OK &&
        wsic_stats_save(stats, path) == WSIC_OK;
    fprintf(s->manifest, "input hidden%zu %s\n", input, path);
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
    free(covariance);
    return ok || refuse(&s->failure, "%s: statistics could not be written", path);
}

static bool write_all(struct sample *s, size_t inputs)
{
    fprintf(s->manifest, "# Made by sample.c\n\n");
    for (size_t i = 0; i < inputs; i++)
        if (!(i + 1 == inputs ? write_statistics(s, i) : write_shards(s, i)) || !write_layers(s, i))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct sample s = {.folder = argc == 4 ? argv[1] : ""};
    char path[1024];

    if (argc != 4) {
        fprintf(stderr, "usage: sample FOLDER INPUTS SIZE\n");
        return EXIT_FAILURE;
    }
    s.size = strtoul(argv[3], NULL, 10);
    snprintf(path, sizeof path, "%s/manifest", s.folder);
    s.manifest = fopen(path, "w");
    if (!s.manifest || !write_all(&s, strtoul(argv[2], NULL, 10)) || fclose(s.manifest) != 0) {
        fprintf(stderr, "sample: %s: %s\n", path, s.failure.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
