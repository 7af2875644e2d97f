/* SPDX-License-Identifier: MIT */
#include "mpi/model/encode_layers.h"

#include <stdio.h>

#include "mpi/model/plan_layers.h"

struct workbench {
    struct job *job;
    wsic_encoder *encoder;
    struct job_layer layer;
};

static bool run_encoder(struct workbench *bench, double rate, struct made_piece *made,
                        struct failure *failure)
{
    wsic_encoder *const encoder = bench->encoder;
    wsic_status status = wsic_encoder_set_number(encoder, WSIC_RATE, rate);
    wsic_layer *layer;

    if (status >= 0)
        status = wsic_encoder_run_problem(encoder, bench->layer.problem, &layer);
    if (status < 0)
        return refuse(failure, "%s: %s", bench->layer.name, wsic_encoder_message(encoder));
    if (status > 0)
        snprintf(made->notice, sizeof made->notice, "%s", wsic_encoder_message(encoder));
    const bool ok = output_copy(layer, made, failure);
    wsic_layer_destroy(layer);
    return ok;
}

static bool encode(void *self, size_t number, struct made_piece *made, struct failure *failure)
{
    struct workbench *const bench = self;

    if (!job_layer_open(bench->job, number, &bench->layer, failure))
        return false;
    const bool ok = run_encoder(bench, bench->job->rates[number], made, failure);
    job_layer_close(bench->job, &bench->layer);
    return ok;
}

static bool encode_up_to(struct workbench *bench, size_t end, struct output *output,
                         struct failure *failure)
{
    const struct folder *const folder = &bench->job->folder;
    const struct dealing dealing = {.first = output->next,
                                    .count = end,
                                    .make = encode,
                                    .maker = bench,
                                    .take = output_take,
                                    .taker = output};

    return deal(&dealing, folder->rank, folder->ranks, failure);
}

bool encode_layers(struct job *job, wsic_encoder *encoder, struct output *output,
                   struct failure *failure)
{
    const struct config *const config = &job->model.config;
    const size_t last = layers_before(config, config->blocks - 1);
    struct workbench bench = {.job = job, .encoder = encoder};
    const bool ok = encode_up_to(&bench, last, output, failure) &&
                    plan_rest(job, last, output->writer, failure) &&
                    encode_up_to(&bench, layers_count(config), output, failure);

    job_layer_free(&bench.layer);
    return ok;
}
