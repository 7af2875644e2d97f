/* SPDX-License-Identifier: MIT */
#include "common/rotation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/seeded.h"

static size_t odd_part(size_t length)
{
    while (length % 2 == 0)
        length /= 2;
    return length;
}

static void fill_hartley(double *matrix, size_t size)
{
    static const double turn = 6.283185307179586;

    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) {
            const double angle = turn * (double)(i * j % size) / (double)size;
            matrix[i * size + j] = (cos(angle) + sin(angle)) / sqrt((double)size);
        }
}

bool rotation_create(struct rotation *rotation, size_t length, uint64_t seed)
{
    const size_t odd = odd_part(length);

    *rotation = (struct rotation){.length = length, .odd = odd};
    rotation->signs = malloc(length * sizeof *rotation->signs);
    rotation->room = malloc(2 * length * sizeof *rotation->room);
    if (odd > 1)
        rotation->cosine = malloc(odd * odd * sizeof *rotation->cosine);
    if (!rotation->signs || !rotation->room || (odd > 1 && !rotation->cosine)) {
        rotation_free(rotation);
        return false;
    }
    for (size_t i = 0; i < length; i++)
        rotation->signs[i] = seeded_uniform(seed, i) < 0.5 ? -1 : 1;
    if (odd > 1)
        fill_hartley(rotation->cosine, odd);
    return true;
}

void rotation_free(struct rotation *rotation)
{
    free(rotation->signs);
    free(rotation->cosine);
    free(rotation->room);
    *rotation = (struct rotation){.length = 0};
}

/* Sums and differences of halves, of quarters, ... of every part of the vector. */
static void apply_hadamard(double *vector, size_t length, size_t size)
{
    const double scale = 1 / sqrt((double)size);

    for (size_t step = 1; step < size; step *= 2)
        for (size_t i = 0; i < length; i++) {
            if (i / step % 2 != 0)
                continue;
            const double a = vector[i];
            const double b = vector[i + step];
            vector[i] = a + b;
            vector[i + step] = a - b;
        }
    for (size_t i = 0; i < length; i++)
        vector[i] *= scale;
}

static void apply_hartley(const struct rotation *rotation, double *vector)
{
    const size_t odd = rotation->odd;
    const size_t size = rotation->length / odd;

    if (odd == 1)
        return;
    memset(rotation->room, 0, rotation->length * sizeof *rotation->room);
    for (size_t i = 0; i < odd; i++)
        for (size_t j = 0; j < odd; j++)
            for (size_t k = 0; k < size; k++)
                rotation->room[i * size + k] +=
                    rotation->cosine[i * odd + j] * vector[j * size + k];
    memcpy(vector, rotation->room, rotation->length * sizeof *vector);
}

static void change_signs(const struct rotation *rotation, double *vector)
{
    for (size_t i = 0; i < rotation->length; i++)
        vector[i] *= rotation->signs[i];
}

/* Both factors are symmetric, and their own inverses. */
static void apply_factors(const struct rotation *rotation, double *vector)
{
    apply_hadamard(vector, rotation->length, rotation->length / rotation->odd);
    apply_hartley(rotation, vector);
}

void rotation_apply(const struct rotation *rotation, double *vector)
{
    change_signs(rotation, vector);
    apply_factors(rotation, vector);
}

void rotation_undo(const struct rotation *rotation, double *vector)
{
    apply_factors(rotation, vector);
    change_signs(rotation, vector);
}

typedef void vector_function(const struct rotation *rotation, double *vector);

static void change_rows(const struct rotation *rotation, vector_function *change, float *rows,
                        size_t count)
{
    const size_t length = rotation->length;
    double *const vector = rotation->room + length;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < length; j++)
            vector[j] = (double)rows[i * length + j];
        change(rotation, vector);
        for (size_t j = 0; j < length; j++)
            rows[i * length + j] = (float)vector[j];
    }
}

void rotation_apply_rows(const struct rotation *rotation, float *rows, size_t count)
{
    change_rows(rotation, rotation_apply, rows, count);
}

void rotation_undo_rows(const struct rotation *rotation, float *rows, size_t count)
{
    change_rows(rotation, rotation_undo, rows, count);
}

static void transpose(double *matrix, size_t size)
{
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++) {
            const double kept = matrix[i * size + j];
            matrix[i * size + j] = matrix[j * size + i];
            matrix[j * size + i] = kept;
        }
}

/* Rounding must leave it symmetric. */
static void symmetrise(double *matrix, size_t size)
{
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++) {
            const double mean = 0.5 * (matrix[i * size + j] + matrix[j * size + i]);
            matrix[i * size + j] = matrix[j * size + i] = mean;
        }
}

void rotation_apply_both(const struct rotation *rotation, double *covariance)
{
    const size_t length = rotation->length;

    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < length; i++)
            rotation_apply(rotation, covariance + i * length);
        transpose(covariance, length);
    }
    symmetrise(covariance, length);
}
