/* SPDX-License-Identifier: MIT */
/* Quantize one matrix to 2 bits per weight, store it, and get it back.
 *
 *     cc 01_quantize_matrix.c $(pkg-config --cflags --libs watersic) -o 01_quantize_matrix
 *
 * The way is always the same: statistics of the layer's input, an encoder with a target,
 * a layer, its bytes. Every call that can fail returns a status, and the handle it was
 * made on holds a message that says what was found. */
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

/* W is ROWS x COLUMNS: a row for every output, a column for every input. The layer
 * computes y = W x, and X holds TOKENS inputs x as they occur, one a row. */
enum { ROWS = 256, COLUMNS = 256, TOKENS = 1024 };

static float weights[ROWS * COLUMNS];
static float activations[TOKENS * COLUMNS];
static float restored[ROWS * COLUMNS];

/* Numbers between -1 and 1 that look random. */
static float noise(void)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (float)(int32_t)state / 2147483648.0F;
}

/* Where a real program would read a checkpoint and run the model. The inputs of real
 * layers are strongly correlated, and that is what WaterSIC lives on. */
static void make_data(void)
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        weights[i] = 0.02F * noise();
    for (size_t t = 0; t < TOKENS; t++) {
        float previous = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            previous = 0.9F * previous + noise();
            activations[t * COLUMNS + j] = previous;
        }
    }
}

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

/* The handles of this example. All of them are NULL until they are created, and stay NULL
 * where that fails; destroying NULL does nothing. So one function cleans up after success
 * and after any failure. */
typedef struct handles {
    wsic_context *context;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_layer *reread;
} handles;

static void destroy(handles *h)
{
    wsic_layer_destroy(h->reread);
    wsic_layer_destroy(h->layer);
    wsic_encoder_destroy(h->encoder);
    wsic_stats_destroy(h->stats);
    wsic_context_destroy(h->context);
}

/* The statistics are the covariance of the input. A model's calibration tokens come in
 * batches: add as many as there are. */
static int collect(handles *h)
{
    wsic_matrix batch;

    if (wsic_stats_create(h->context, COLUMNS, &h->stats) != WSIC_OK)
        return fail("statistics", wsic_context_message(h->context));
    wsic_matrix_init(&batch, sizeof batch, activations, WSIC_F32, TOKENS, COLUMNS, 0);
    if (wsic_stats_add_activations(h->stats, &batch, NULL) != WSIC_OK)
        return fail("activations", wsic_stats_message(h->stats));
    return EXIT_SUCCESS;
}

static int quantize(handles *h)
{
    wsic_matrix matrix;

    if (wsic_encoder_create(h->context, &h->encoder) != WSIC_OK)
        return fail("encoder", wsic_context_message(h->context));
    /* Bits per weight of the finished bytes: codes, scales, headers, everything. */
    if (wsic_encoder_set_number(h->encoder, WSIC_RATE, 2.0) != WSIC_OK)
        return fail("rate", wsic_encoder_message(h->encoder));
    /* Only to print how far the result is from what is possible: it takes time. */
    if (wsic_encoder_set_integer(h->encoder, WSIC_LIMIT, 1) != WSIC_OK)
        return fail("limit", wsic_encoder_message(h->encoder));

    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, ROWS, COLUMNS, 0);
    const wsic_status status = wsic_encoder_run(h->encoder, h->stats, &matrix, &h->layer);
    /* Negative is failure. Positive is a notice: the layer is there, but its rate is only the
     * nearest that this matrix allows. */
    if (status < 0)
        return fail(wsic_status_name(status), wsic_encoder_message(h->encoder));
    if (status == WSIC_NOTICE_RATE)
        fprintf(stderr, "note: %s\n", wsic_encoder_message(h->encoder));
    return EXIT_SUCCESS;
}

/* A layer is its bytes: store them anywhere. (Archives, see 03_decode.c, hold many layers
 * with their names in one file.) */
static int store_and_load(handles *h)
{
    const void *bytes;
    size_t size;

    if (wsic_layer_get_bytes(h->layer, &bytes, &size) != WSIC_OK)
        return fail("layer", wsic_layer_message(h->layer));
    if (wsic_layer_create(h->context, bytes, size, &h->reread) != WSIC_OK)
        return fail("bytes", wsic_context_message(h->context));
    return EXIT_SUCCESS;
}

static int restore(handles *h)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, restored, WSIC_F32, ROWS, COLUMNS, 0);
    if (wsic_layer_dequantize(h->reread, 0, &matrix) != WSIC_OK)
        return fail("layer", wsic_layer_message(h->reread));
    return EXIT_SUCCESS;
}

static int report(const handles *h)
{
    /* Structs carry their size, so that they can grow without breaking programs. */
    wsic_layer_info info = {.size = sizeof info};

    if (wsic_layer_get_info(h->reread, &info) != WSIC_OK)
        return fail("layer", wsic_layer_message(h->reread));
    printf("%d x %d weights in %lu bytes: %.3f bits per weight\n", ROWS, COLUMNS,
           (unsigned long)info.bytes, info.rate);
    printf("error of the outputs: %.4f of their energy\n", info.relative_distortion);
    printf("%.3f bits per weight above the limit of any quantizer\n", info.gap);
    printf("first weights: %.4f %.4f %.4f, restored %.4f %.4f %.4f\n", (double)weights[0],
           (double)weights[1], (double)weights[2], (double)restored[0], (double)restored[1],
           (double)restored[2]);
    /* Outside of examples nobody would check this: a rate that was not met is a notice. */
    return info.rate > 1.98 && info.rate < 2.02 && info.relative_distortion < 0.1
               ? EXIT_SUCCESS
               : fail("report", "not what this example is known to give");
}

int main(void)
{
    handles h = {.context = NULL};
    int result = EXIT_SUCCESS;

    make_data();
    const wsic_status status = wsic_context_create(NULL, &h.context);
    if (status != WSIC_OK)
        return fail("context", wsic_status_text(status));
    if (result == EXIT_SUCCESS)
        result = collect(&h);
    if (result == EXIT_SUCCESS)
        result = quantize(&h);
    if (result == EXIT_SUCCESS)
        result = store_and_load(&h);
    if (result == EXIT_SUCCESS)
        result = restore(&h);
    if (result == EXIT_SUCCESS)
        result = report(&h);
    destroy(&h);
    return result;
}
