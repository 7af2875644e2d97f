/* SPDX-License-Identifier: MIT */
#include "llm/train/adamw.h"

#include <math.h>
#include <stdlib.h>

static const double mean_memory = 0.9;
static const double square_memory = 0.999;
static const double epsilon = 1e-8;

bool adamw_create(struct adamw *adamw, size_t count, struct failure *failure)
{
    *adamw = (struct adamw){.count = count};
    adamw->mean = calloc(count, sizeof *adamw->mean);
    adamw->square = calloc(count, sizeof *adamw->square);
    if (adamw->mean && adamw->square)
        return true;
    adamw_free(adamw);
    return refuse(failure, "out of memory for the moments of %zu parameters", count);
}

void adamw_free(struct adamw *adamw)
{
    free(adamw->mean);
    free(adamw->square);
    *adamw = (struct adamw){.count = 0};
}

void adamw_step(struct adamw *adamw, double *parameters, const double *gradient, double rate)
{
    adamw->steps++;
    /* The moments start at 0: divided by the weights that they have gathered so far. */
    const double mean_weight = 1 - pow(mean_memory, (double)adamw->steps);
    const double square_weight = 1 - pow(square_memory, (double)adamw->steps);
    for (size_t i = 0; i < adamw->count; i++) {
        const double g = gradient[i];
        adamw->mean[i] = mean_memory * adamw->mean[i] + (1 - mean_memory) * g;
        adamw->square[i] = square_memory * adamw->square[i] + (1 - square_memory) * g * g;
        const double mean = adamw->mean[i] / mean_weight;
        const double size = sqrt(adamw->square[i] / square_weight);
        parameters[i] -= rate * (mean / (size + epsilon) + adamw->weight_decay * parameters[i]);
    }
}

double clip_gradient(double *gradient, size_t count, double longest)
{
    double square = 0;

    for (size_t i = 0; i < count; i++)
        square += gradient[i] * gradient[i];
    const double length = sqrt(square);
    for (size_t i = 0; length > longest && i < count; i++)
        gradient[i] *= longest / length;
    return length;
}

double cosine_rate(double first, double last, size_t step, size_t steps)
{
    if (steps < 2)
        return first;
    const double turn = acos(-1) * (double)step / (double)(steps - 1);
    return last + (first - last) * (1 + cos(turn)) / 2;
}
