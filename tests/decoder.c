/* SPDX-License-Identifier: MIT */
/* All that a program which only reads archives can call, for test_decoder.sh: write the weights of
 * every layer to standard output as floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <watersic/watersic.h>

static int same_bytes(wsic_context *context, const wsic_layer *layer)
{
    const void *bytes, *again;
    size_t size, size_again;
    wsic_layer *copy;

    if (wsic_layer_get_bytes(layer, &bytes, &size) < 0 ||
        wsic_layer_create(context, bytes, size, &copy) < 0)
        return 0;
    const int same = wsic_layer_get_bytes(copy, &again, &size_again) == WSIC_OK &&
                     size_again == size && memcmp(bytes, again, size) == 0;
    wsic_layer_destroy(copy);
    return same;
}

/* Codes and scales give the weights that the library gives. */
static int same_weights(const wsic_layer *layer, const wsic_layer_info *info, const float *weights)
{
    int32_t *const codes = malloc(info->rows * info->columns * sizeof *codes);
    wsic_matrix matrix;
    int same = codes != NULL;

    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, info->rows, info->columns, 0);
    same = same && wsic_layer_get_codes(layer, 0, &matrix) == WSIC_OK;
    for (size_t i = 0; same && i < info->rows * info->columns; i++) {
        const float column_scale = wsic_layer_column_scales(layer)[i % info->columns];
        same = weights[i] ==
               wsic_layer_row_scales(layer)[i / info->columns] * (column_scale * (float)codes[i]);
    }
    free(codes);
    return same;
}

/* The first column is what the layer makes of the first unit vector. */
static int same_product(const wsic_layer *layer, const wsic_layer_info *info, const float *weights)
{
    float *const x = calloc(info->columns, sizeof *x);
    float *const y = calloc(info->rows, sizeof *y);
    int same = 0;

    if (x && y) {
        x[0] = 1;
        same = wsic_layer_matvec(layer, x, y) == WSIC_OK;
        for (size_t i = 0; same && i < info->rows; i++)
            same = y[i] == weights[i * info->columns];
    }
    free(x);
    free(y);
    return same;
}

static int write_layer(wsic_context *context, wsic_archive *archive, size_t index)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer;
    wsic_matrix matrix;

    if (wsic_archive_load_layer(archive, index, &layer) < 0)
        return 0;
    int done = wsic_layer_get_info(layer, &info) == WSIC_OK && same_bytes(context, layer);
    float *const weights = malloc(info.rows * info.columns * sizeof *weights);
    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, info.rows, info.columns, 0);
    done = done && weights && wsic_layer_dequantize(layer, 0, &matrix) == WSIC_OK &&
           same_weights(layer, &info, weights) && same_product(layer, &info, weights) &&
           fwrite(weights, sizeof *weights, info.rows * info.columns, stdout) ==
               info.rows * info.columns;
    free(weights);
    wsic_layer_destroy(layer);
    return done;
}

int main(int argc, char **argv)
{
    wsic_context *context;
    wsic_archive *archive;

    if (argc != 2 || wsic_context_create(NULL, &context) < 0)
        return EXIT_FAILURE;
    if (wsic_archive_open(context, argv[1], &archive) < 0) {
        fprintf(stderr, "%s\n", wsic_context_message(context));
        wsic_context_destroy(context);
        return EXIT_FAILURE;
    }
    int done = 1;
    for (size_t i = 0; done && i < wsic_archive_count(archive); i++)
        done = write_layer(context, archive, i);
    if (!done)
        fprintf(stderr, "%s\n", wsic_archive_message(archive));
    wsic_archive_close(archive);
    wsic_context_destroy(context);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
