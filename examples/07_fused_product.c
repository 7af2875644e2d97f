/* SPDX-License-Identifier: MIT */
/* An engine that keeps its weights coded: products of several layers with a batch of tokens,
 * straight from the coded bytes, on all threads, without an allocation after the start. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

enum { LAYERS = 3, ROWS = 192, COLUMNS = 256, CALIBRATION = 400, TOKENS = 5 };

static const char *const names[LAYERS] = {"query", "key", "value"};

typedef struct engine {
    wsic_context *context;
    wsic_layer *layers[LAYERS];
    float x[TOKENS * COLUMNS];
    float y[LAYERS][TOKENS * ROWS];
    wsic_matrix input, outputs[LAYERS];
    wsic_layer_job jobs[LAYERS];
    void *workspace;
    size_t bytes;
} engine;

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

static wsic_layer *quantize(wsic_context *context, unsigned seed)
{
    static float weights[ROWS * COLUMNS], activations[CALIBRATION * COLUMNS];
    wsic_stats *stats = NULL;
    wsic_encoder *encoder = NULL;
    wsic_layer *layer = NULL;
    wsic_matrix x, w;

    synthetic_weights(weights, ROWS, COLUMNS, 0.05F, seed);
    synthetic_activations(activations, CALIBRATION, COLUMNS, 20);
    wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, CALIBRATION, COLUMNS, 0);
    wsic_matrix_init(&w, sizeof w, weights, WSIC_F32, ROWS, COLUMNS, 0);
    const bool quantized = wsic_stats_create(context, COLUMNS, &stats) == WSIC_OK &&
                           wsic_stats_add_activations(stats, &x, NULL) == WSIC_OK &&
                           wsic_encoder_create(context, &encoder) == WSIC_OK &&
                           wsic_encoder_set_number(encoder, WSIC_RATE, 2.5) == WSIC_OK &&
                           wsic_encoder_run(encoder, stats, &w, &layer) >= 0;
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    return quantized ? layer : NULL;
}

/* What is wanted is described once; tokens change, the description stays. */
static int describe(engine *e)
{
    wsic_matrix_init(&e->input, sizeof e->input, e->x, WSIC_F32, TOKENS, COLUMNS, 0);
    for (int k = 0; k < LAYERS; k++) {
        e->layers[k] = quantize(e->context, 1 + (unsigned)k);
        if (!e->layers[k])
            return fail("quantize", "failed; see 01_quantize_matrix.c for the checks");
        wsic_matrix_init(&e->outputs[k], sizeof e->outputs[k], e->y[k], WSIC_F32, TOKENS, ROWS, 0);
        e->jobs[k] = (wsic_layer_job){.size = sizeof e->jobs[k],
                                      .layer = e->layers[k],
                                      .kind = WSIC_JOB_PRODUCT,
                                      .input = &e->input,
                                      .output = &e->outputs[k]};
    }
    if (wsic_layers_get_workspace_size(e->context, e->jobs, LAYERS, 0, &e->bytes) != WSIC_OK)
        return fail("workspace", wsic_context_message(e->context));
    e->workspace = aligned_alloc(WSIC_WORKSPACE_ALIGNMENT, e->bytes);
    return e->workspace ? EXIT_SUCCESS : fail("workspace", "no memory");
}

/* The same from finished weights, in double precision: sums differ by their rounding alone. */
static int compare(const engine *e, int k)
{
    static float weights[ROWS * COLUMNS];
    double error = 0, energy = 0;
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (wsic_layer_dequantize(e->layers[k], 0, &view) != WSIC_OK)
        return fail(names[k], wsic_layer_message(e->layers[k]));
    for (int t = 0; t < TOKENS; t++) {
        for (int i = 0; i < ROWS; i++) {
            double sum = 0;
            for (int j = 0; j < COLUMNS; j++)
                sum += (double)weights[i * COLUMNS + j] * (double)e->x[t * COLUMNS + j];
            const double difference = (double)e->y[k][t * ROWS + i] - sum;
            error += difference * difference;
            energy += sum * sum;
        }
    }
    if (!(error <= 1e-12 * energy))
        return fail(names[k], "the product is not that of the weights");
    return EXIT_SUCCESS;
}

static int multiply(engine *e)
{
    const uint64_t before = wsic_context_memory(e->context, NULL);

    wsic_context_reset_peak(e->context);
    if (wsic_layers_run(e->context, e->jobs, LAYERS, 0, e->workspace, e->bytes) != WSIC_OK)
        return fail("products", wsic_context_message(e->context));
    uint64_t peak;
    wsic_context_memory(e->context, &peak);
    if (peak != before)
        return fail("products", "memory was allocated");
    for (int k = 0; k < LAYERS; k++) {
        wsic_layer_info info = {.size = sizeof info};
        if (compare(e, k) != EXIT_SUCCESS || wsic_layer_get_info(e->layers[k], &info) != WSIC_OK)
            return EXIT_FAILURE;
        printf("%s: %d tokens, %llu bytes of memory, where bfloat16 takes %d\n", names[k], TOKENS,
               (unsigned long long)info.memory, 2 * ROWS * COLUMNS);
    }
    printf("workspace for all of them: %zu bytes; kernels: %s\n", e->bytes,
           wsic_kernels_name(wsic_context_kernels(e->context)));
    return EXIT_SUCCESS;
}

int main(void)
{
    static engine e;
    int result = EXIT_FAILURE;

    if (wsic_context_create(NULL, &e.context) != WSIC_OK)
        return fail("context", "failed");
    if (wsic_context_set_threads(e.context, 2) != WSIC_OK)
        fail("threads", wsic_context_message(e.context));
    else if (describe(&e) == EXIT_SUCCESS) {
        synthetic_activations(e.x, TOKENS, COLUMNS, 30);
        result = multiply(&e);
    }
    free(e.workspace);
    for (int k = 0; k < LAYERS; k++)
        wsic_layer_destroy(e.layers[k]);
    wsic_context_destroy(e.context);
    return result;
}
