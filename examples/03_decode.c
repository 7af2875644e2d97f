/* SPDX-License-Identifier: MIT */
/* The side of an inference engine: open an archive, and take either the codes and scales for
 * kernels of one's own, or finished weights, or products. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

enum { ROWS = 96, COLUMNS = 128, TOKENS = 300, FIRST = 40, COUNT = 24 };

static const char path[] = "03_decode.wsic";
static const char name[] = "model.layers.0.self_attn.q_proj.weight";

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

static wsic_layer *quantize(wsic_context *context)
{
    static float weights[ROWS * COLUMNS], activations[TOKENS * COLUMNS];
    wsic_stats *stats = NULL;
    wsic_encoder *encoder = NULL;
    wsic_layer *layer = NULL;
    wsic_matrix x, w;

    synthetic_weights(weights, ROWS, COLUMNS, 0.05F, 1);
    synthetic_activations(activations, TOKENS, COLUMNS, 2);
    wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, TOKENS, COLUMNS, 0);
    wsic_matrix_init(&w, sizeof w, weights, WSIC_F32, ROWS, COLUMNS, 0);
    const bool quantized = wsic_stats_create(context, COLUMNS, &stats) == WSIC_OK &&
                           wsic_stats_add_activations(stats, &x, NULL) == WSIC_OK &&
                           wsic_encoder_create(context, &encoder) == WSIC_OK &&
                           wsic_encoder_set_number(encoder, WSIC_RATE, 3.0) == WSIC_OK &&
                           wsic_encoder_run(encoder, stats, &w, &layer) >= 0;
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    return quantized ? layer : NULL;
}

/* Layers are appended one by one, so that a model never needs to be in memory as a whole.
 * The file appears under its name with finish(), complete or not at all. */
static int write_archive(wsic_context *context)
{
    wsic_archive_writer *writer = NULL;
    wsic_layer *const layer = quantize(context);
    int result = EXIT_SUCCESS;

    if (!layer)
        return fail("quantize", "failed; see 01_quantize_matrix.c for the checks");
    if (wsic_archive_writer_create(context, path, &writer) != WSIC_OK)
        result = fail(path, wsic_context_message(context));
    else if (wsic_archive_writer_set_metadata(writer, "model", "synthetic") != WSIC_OK ||
             wsic_archive_writer_add(writer, name, layer) != WSIC_OK ||
             wsic_archive_writer_finish(writer) != WSIC_OK)
        result = fail(path, wsic_archive_writer_message(writer));
    wsic_archive_writer_destroy(writer);
    wsic_layer_destroy(layer);
    return result;
}

static int open_layer(wsic_context *context, wsic_layer **layer)
{
    wsic_archive *archive;
    size_t index;
    int result = EXIT_SUCCESS;

    if (wsic_archive_open(context, path, &archive) != WSIC_OK)
        return fail(path, wsic_context_message(context));
    if (wsic_archive_find(archive, name, &index) != WSIC_OK ||
        wsic_archive_load_layer(archive, index, layer) != WSIC_OK)
        result = fail(path, wsic_archive_message(archive));
    wsic_archive_close(archive); /* the layer lives on */
    return result;
}

/* The reconstruction, in exactly this order of operations: row scale, times (column scale
 * times code). A kernel that keeps the codes small and applies the scales late computes
 * the same up to rounding. */
static int reconstruct(const wsic_layer *layer, float *out)
{
    static int32_t codes[COUNT * COLUMNS];
    const float *const row_scales = wsic_layer_row_scales(layer);
    const float *const column_scales = wsic_layer_column_scales(layer);
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, codes, WSIC_I32, COUNT, COLUMNS, 0);
    if (wsic_layer_get_codes(layer, FIRST, &view) != WSIC_OK)
        return fail("codes", wsic_layer_message(layer));
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            out[i * COLUMNS + j] =
                row_scales[FIRST + i] * (column_scales[j] * (float)codes[i * COLUMNS + j]);
    }
    return EXIT_SUCCESS;
}

/* Any range of rows can be had; ranges that begin and end at multiples of info.block_rows
 * waste nothing, which is how to share a layer out among threads. */
static int compare_rows(const wsic_layer *layer)
{
    static float by_hand[COUNT * COLUMNS], by_library[COUNT * COLUMNS];
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, by_library, WSIC_F32, COUNT, COLUMNS, 0);
    if (wsic_layer_dequantize(layer, FIRST, &view) != WSIC_OK)
        return fail("rows", wsic_layer_message(layer));
    if (reconstruct(layer, by_hand) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    for (size_t i = 0; i < COUNT * COLUMNS; i++) {
        if (by_hand[i] != by_library[i])
            return fail("rows", "codes and scales do not give the library's weights");
    }
    printf("rows %d to %d: codes and scales give the very same bits\n", FIRST, FIRST + COUNT - 1);
    return EXIT_SUCCESS;
}

static int multiply(const wsic_layer *layer)
{
    static float weights[ROWS * COLUMNS], x[COLUMNS], y[ROWS];
    wsic_matrix view;

    synthetic_activations(x, 1, COLUMNS, 7);
    wsic_matrix_init(&view, sizeof view, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (wsic_layer_matvec(layer, x, y) != WSIC_OK ||
        wsic_layer_dequantize(layer, 0, &view) != WSIC_OK)
        return fail("product", wsic_layer_message(layer));
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0, size = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            const double term = (double)weights[i * COLUMNS + j] * (double)x[j];
            sum += term;
            size += term < 0 ? -term : term;
        }
        const double difference = sum - (double)y[i];
        if (difference > 1e-5 * size || difference < -1e-5 * size)
            return fail("product", "differs from the one by hand");
    }
    printf("y = W x: %d products from the coded bytes, as by hand\n", ROWS);
    return EXIT_SUCCESS;
}

int main(void)
{
    wsic_context *context = NULL;
    wsic_layer *layer = NULL;

    if (wsic_context_create(NULL, &context) != WSIC_OK)
        return fail("context", "out of memory");
    int result = write_archive(context);
    if (result == EXIT_SUCCESS)
        result = open_layer(context, &layer);
    if (result == EXIT_SUCCESS)
        result = compare_rows(layer);
    if (result == EXIT_SUCCESS)
        result = multiply(layer);
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    remove(path);
    return result;
}
