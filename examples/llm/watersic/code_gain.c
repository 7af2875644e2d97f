/* SPDX-License-Identifier: MIT */
#include "llm/watersic/code_gain.h"

#include <math.h>
#include <stdlib.h>

#include "common/seeded.h"
#include "llm/watersic/draft.h"

/* Enough rows for a trellis to show what it can, and few weights. */
enum { ROWS = 1024, COLUMNS = 32 };

static const uint64_t seed = 7;

struct trial {
    wsic_context *context;
    wsic_stats *stats;
    wsic_matrix weights;
    float values[ROWS * COLUMNS];
    double identity[COLUMNS * COLUMNS];
};

/* Box and Muller; 1 - u is never 0. */
static float gaussian(uint64_t index)
{
    const double radius = sqrt(-2 * log(1 - seeded_uniform(seed, 2 * index)));

    return (float)(radius * cos(6.283185307179586 * seeded_uniform(seed, 2 * index + 1)));
}

static wsic_status fill(struct trial *trial)
{
    wsic_matrix covariance;

    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        trial->values[i] = gaussian(i);
    for (size_t i = 0; i < COLUMNS; i++)
        trial->identity[i * COLUMNS + i] = 1;
    wsic_matrix_init(&trial->weights, sizeof trial->weights, trial->values, WSIC_F32, ROWS, COLUMNS,
                     0);
    wsic_matrix_init(&covariance, sizeof covariance, trial->identity, WSIC_F64, COLUMNS, COLUMNS,
                     0);
    return wsic_stats_add_covariance(trial->stats, &covariance, 1e6);
}

/* The logarithm of the distortion that there would be at rate 0 if it fell as it does at high
 * rates: two encoders need not meet exactly the same rate to be compared. */
static bool measure(const struct trial *trial, wsic_encoder *encoder, double *level,
                    struct failure *failure)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer;

    if (wsic_encoder_run(encoder, trial->stats, &trial->weights, &layer) < 0)
        return refuse(failure, "plan: %s", wsic_encoder_message(encoder));
    wsic_layer_get_info(layer, &info);
    wsic_layer_destroy(layer);
    *level = log(fmax(info.distortion, 1e-300)) + 2 * log(2) * info.rate_codes;
    return true;
}

static bool compare(struct trial *trial, wsic_encoder *encoder, double rate, double *factor,
                    struct failure *failure)
{
    struct drafter drafter;
    double levels[2];

    if (fill(trial) < 0)
        return refuse(failure, "plan: %s", wsic_stats_message(trial->stats));
    if (!drafter_create(&drafter, trial->context, rate, true, failure))
        return false;
    const bool ok = measure(trial, encoder, &levels[0], failure) &&
                    measure(trial, drafter.encoder, &levels[1], failure);
    drafter_destroy(&drafter);
    if (ok)
        *factor = exp(levels[0] - levels[1]);
    return ok;
}

bool code_gain_measure(wsic_context *context, wsic_encoder *encoder, double rate, double *factor,
                       struct failure *failure)
{
    struct trial *const trial = calloc(1, sizeof *trial);

    if (!trial)
        return refuse(failure, "plan: out of memory");
    trial->context = context;
    const bool ok = wsic_stats_create(context, COLUMNS, &trial->stats) < 0
                        ? refuse(failure, "plan: %s", wsic_context_message(context))
                        : compare(trial, encoder, rate, factor, failure);
    wsic_stats_destroy(trial->stats);
    free(trial);
    return ok;
}
