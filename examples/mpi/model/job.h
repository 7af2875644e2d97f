/* SPDX-License-Identifier: MIT */
/* Quantizing a whole model on many ranks: what all of them know. */
#ifndef EXAMPLES_MPI_MODEL_JOB_H
#define EXAMPLES_MPI_MODEL_JOB_H

#include "llm/run/stream.h"
#include "llm/watersic/watersic_method.h"
#include "mpi/input_stats.h"

struct job {
    struct folder folder;
    wsic_context *context;
    struct model model;
    struct recipe recipe;
    struct method_settings settings; /* of the encoder */
    struct tokens tokens;            /* all of the text */
    size_t window;
    size_t shards;                /* of the text, whole windows each */
    struct outputs outputs;       /* only diagonals, which are in files of the folder */
    double *rates;                /* of all layers, by number, once there is a plan */
    struct allocation allocation; /* rank 0: the plan */
};

/* The tokens of a shard. */
struct stretch_of_text job_shard(const struct job *job, size_t shard);

/* A layer with all that it takes to quantize it. */
struct job_layer {
    struct block block; /* with the weights of this layer alone */
    char name[MODEL_NAME_SIZE];
    struct layer_task task;
    wsic_problem *problem;
    struct input_stats inputs;
};

/* The first layer that has the same input as this one: statistics are named after it. */
size_t job_input(const struct config *config, size_t number);

/* Set up a layer; begins with zeros. What it holds is replaced by the next one, and released by
 * job_layer_free(). */
bool job_layer_open(struct job *job, size_t number, struct job_layer *layer,
                    struct failure *failure);
void job_layer_close(struct job *job, struct job_layer *layer);
void job_layer_free(struct job_layer *layer);

#endif
