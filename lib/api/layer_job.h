/* SPDX-License-Identifier: MIT */
/* Jobs on layers: checked, measured and run. */
#ifndef WSIC_API_LAYER_JOB_H
#define WSIC_API_LAYER_JOB_H

#include "api/layer.h"
#include "decode/task.h"
#include "watersic/decode.h"

/* How the caller's function calls what a job has, for messages. */
typedef struct wsic_job_names {
    const char *input;
    const char *output;
    bool all_columns; /* the function has no ranges of columns */
} wsic_job_names;

/* The task that a job stands for, or what is wrong with it: the message is left on its layer.
 * Without a job, or without a layer, there is no message. */
wsic_status wsic_layer_job_check(const wsic_layer_job *job, const wsic_job_names *names,
                                 wsic_decode_task *task);

/* wsic_layer_run() with names. */
wsic_status wsic_layer_run_named(const wsic_layer_job *job, const wsic_job_names *names,
                                 void *workspace, size_t bytes);

/* A workspace as the caller gave it: aligned, and not below what is needed. */
wsic_status wsic_check_workspace(const wsic_env *env, const void *workspace, size_t bytes,
                                 size_t needed);

#endif
