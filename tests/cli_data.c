/* SPDX-License-Identifier: MIT */
/* Files for test_cli.sh, and a comparison of .npy files.
 * Usage: cli_data make | cli_data error W.npy WHAT.npy */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <watersic/base.h>

#include "common/npy.h"
#include "common/synthetic.h"

enum { ROWS = 256, COLUMNS = 256, TOKENS = 512 };

static float weights[ROWS * COLUMNS];
static float activations[2 * TOKENS * COLUMNS];
static float covariance[COLUMNS * COLUMNS];
static uint16_t upper_halves[ROWS * COLUMNS];

static int fail(const char *message)
{
    fprintf(stderr, "cli_data: %s\n", message);
    return EXIT_FAILURE;
}

/* Of the activations that are in both files. */
static void fill_covariance(void)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (size_t t = 0; t < 2 * (size_t)TOKENS; t++)
                sum += (double)activations[t * COLUMNS + i] * (double)activations[t * COLUMNS + j];
            covariance[i * COLUMNS + j] = (float)(sum / (2 * TOKENS));
        }
    }
}

/* One tensor in BF16, "layer:0.weight", behind a header of an odd length, so that it lies
 * unaligned. */
static bool make_safetensors(const char *path)
{
    static const char header[] = "{\"layer:0.weight\":{\"dtype\":\"BF16\",\"shape\":[256,256],"
                                 "\"data_offsets\":[0,131072]}}";
    const size_t length = (sizeof header - 1) | 1;
    uint8_t size[8] = {(uint8_t)length};
    FILE *const file = fopen(path, "wb");

    if (!file)
        return false;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        uint32_t bits;
        memcpy(&bits, &weights[i], sizeof bits);
        upper_halves[i] = (uint16_t)(bits >> 16);
    }
    fwrite(size, 1, sizeof size, file);
    fprintf(file, "%-*s", (int)length, header);
    fwrite(upper_halves, 1, sizeof upper_halves, file);
    return fclose(file) == 0;
}

static int make(void)
{
    const size_t batch = TOKENS * COLUMNS;
    struct failure failure;

    synthetic_weights(weights, ROWS, COLUMNS, 0.05F, 1);
    synthetic_activations(activations, 2 * TOKENS, COLUMNS, 2);
    fill_covariance();
    bool good = npy_write("w.npy", weights, WSIC_F32, ROWS, COLUMNS, &failure) &&
                npy_write("x1.npy", activations, WSIC_F32, TOKENS, COLUMNS, &failure) &&
                npy_write("x2.npy", activations + batch, WSIC_F32, TOKENS, COLUMNS, &failure) &&
                npy_write("s.npy", covariance, WSIC_F32, COLUMNS, COLUMNS, &failure) &&
                npy_write("narrow.npy", weights, WSIC_F32, 512, 128, &failure) &&
                npy_write("tiny.npy", weights, WSIC_F32, 1, COLUMNS, &failure);
    weights[300] = NAN;
    good = good && npy_write("nan.npy", weights, WSIC_F32, ROWS, COLUMNS, &failure);
    weights[300] = 1e6F;
    good = good && npy_write("large.npy", weights, WSIC_F32, ROWS, COLUMNS, &failure);
    weights[300] = 0.01F;
    if (!good)
        return fail(failure.text);
    return make_safetensors("w.safetensors") ? EXIT_SUCCESS : fail("w.safetensors");
}

/* Mean square of the difference over the mean square of the first. */
static int print_error(const char *first, const char *second)
{
    struct failure failure;
    npy_array a, b;
    double difference = 0, energy = 0;

    if (!npy_read(first, &a, &failure) || !npy_read(second, &b, &failure) ||
        !npy_widen(&a, &failure) || !npy_widen(&b, &failure))
        return fail(failure.text);
    if (a.rows != b.rows || a.columns != b.columns)
        return fail("different shapes");
    for (size_t i = 0; i < a.rows * a.columns; i++) {
        const double x = ((const double *)a.data)[i], y = ((const double *)b.data)[i];
        difference += (x - y) * (x - y);
        energy += x * x;
    }
    printf("%.9f\n", difference / energy);
    npy_release(&a);
    npy_release(&b);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "make") == 0)
        return make();
    if (argc == 4 && strcmp(argv[1], "error") == 0)
        return print_error(argv[2], argv[3]);
    return fail("wrong usage");
}
