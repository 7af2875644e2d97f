/* SPDX-License-Identifier: MIT */
#include "llm/watersic/rotated_method.h"

#include <stdlib.h>

#include "common/rotation.h"
#include "llm/watersic/watersic_method.h"

static const uint64_t seed = 42;

/* Statistics of rotated inputs. */
static bool rotate_stats(const struct layer_task *task, const struct rotation *rotation,
                         wsic_stats *out, struct failure *failure)
{
    const size_t n = rotation->length;
    double *const covariance = malloc(n * n * sizeof *covariance);
    wsic_matrix matrix;

    if (!covariance)
        return refuse(failure, "%s: out of memory", task->name);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, n, n, 0);
    bool ok = wsic_stats_get_covariance(task->stats, &matrix) >= 0;
    rotation_apply_both(rotation, covariance);
    ok = ok && wsic_stats_add_covariance(out, &matrix, wsic_stats_samples(task->stats)) >= 0;
    free(covariance);
    return ok || refuse(failure, "%s: %s", task->name, wsic_stats_message(out));
}

static bool encode(struct rotated *rotated, const struct layer_task *task, const wsic_stats *stats,
                   struct failure *failure)
{
    wsic_layer_info info;
    wsic_matrix weights;
    wsic_layer *layer;

    wsic_matrix_init(&weights, sizeof weights, task->linear->weights, WSIC_F32, task->linear->rows,
                     task->linear->columns, 0);
    if (wsic_encoder_run(rotated->encoder, stats, &weights, &layer) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_encoder_message(rotated->encoder));
    const bool ok = watersic_restore(task, layer, &info, failure);
    wsic_layer_destroy(layer);
    rotated->bytes += info.bytes;
    return ok;
}

static bool quantize_rotated(struct rotated *rotated, const struct layer_task *task,
                             const struct rotation *rotation, struct failure *failure)
{
    wsic_stats *stats;

    if (wsic_stats_create(rotated->context, rotation->length, &stats) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_context_message(rotated->context));
    rotation_apply_rows(rotation, task->linear->weights, task->linear->rows);
    const bool ok =
        rotate_stats(task, rotation, stats, failure) && encode(rotated, task, stats, failure);
    rotation_undo_rows(rotation, task->linear->weights, task->linear->rows);
    wsic_stats_destroy(stats);
    return ok;
}

bool rotated_quantize(void *self, const struct layer_task *task, struct failure *failure)
{
    struct rotation rotation;

    if (!rotation_create(&rotation, task->linear->columns, seed))
        return refuse(failure, "%s: out of memory", task->name);
    const bool ok = quantize_rotated(self, task, &rotation, failure);
    rotation_free(&rotation);
    return ok;
}
