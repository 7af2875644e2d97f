/* SPDX-License-Identifier: MIT */
/* The library as a method of the pipeline. */
#ifndef EXAMPLES_LLM_WATERSIC_WATERSIC_METHOD_H
#define EXAMPLES_LLM_WATERSIC_WATERSIC_METHOD_H

#include <stdint.h>
#include <watersic/watersic.h>

#include "llm/watersic/allocation.h"
#include "llm/run/mixing.h"
#include "llm/watersic/outputs.h"
#include "llm/run/pipeline.h"

/* What became of one layer. */
struct layer_result {
    char name[MODEL_NAME_SIZE];
    wsic_layer_info info;
    wsic_status status; /* WSIC_OK or WSIC_NOTICE_RATE; not known if the layer was taken over */
    bool taken;         /* it was in the archive already */
    bool mixed;         /* the mixture was searched: */
    struct mixing_result mixing;
    double sensitivity; /* 0 if it was not measured */
};

struct watersic_method {
    wsic_context *context; /* of the encoder */
    wsic_encoder *encoder;
    wsic_archive_writer *writer;   /* receives the layers; may be NULL */
    const bool *taken;             /* by number: layers that the writer has; NULL for none */
    struct layer_result *results;  /* one for every layer of the model */
    struct allocation *allocation; /* NULL: every layer has the encoder's rate */
    struct outputs *outputs;       /* NULL: all outputs count alike */
    struct stages *stages;         /* of the run; NULL: nobody asks where its time goes */
};

/* Settings are "name=value". */
struct method_settings {
    double rate;
    const char *preset;
    const char *const *settings;
    size_t setting_count;
    bool rescalers;            /* false: none, unless the settings say so */
    enum outputs_mode outputs; /* what use is made of them, where they are known */
};

/* An encoder with these settings, without the limit rate (which costs more than all the rest)
 * unless limit is set. NULL on failure. */
wsic_encoder *watersic_encoder_create(wsic_context *context, const struct method_settings *settings,
                                      bool limit, struct failure *failure);

/* What the archive adds to a layer of so many bits that is added next. */
uint64_t watersic_container_bytes(const wsic_archive_writer *writer, const char *name, double bits);

/* What the encoder is to solve for this layer, whose weights become zeros if they are too small;
 * with what its outputs are worth, unless outputs is NULL or does not know. They are borrowed from
 * there until the problem is destroyed. */
bool watersic_problem_create(wsic_context *context, struct outputs *outputs,
                             const struct layer_task *task, wsic_problem **problem,
                             struct failure *failure);
void watersic_problem_destroy(struct outputs *outputs, const struct layer_task *task,
                              wsic_problem *problem);

/* Of the last run of the encoder, the seconds that went into coding. */
double watersic_coding_seconds(wsic_encoder *encoder);

/* Whether all weights of a layer that is not zero are subnormal: their scales cannot be told as
 * floats, and what they add is lost beside anything else. Such a layer is made of zeros. */
bool watersic_stores_zeros(const struct linear *linear);

/* Replace the task's weights by what a layer makes of them; info receives its figures. */
bool watersic_restore(const struct layer_task *task, wsic_layer *layer, wsic_layer_info *info,
                      struct failure *failure);

/* A layer_function; self is a struct watersic_method. */
bool watersic_quantize(void *self, const struct layer_task *task, struct failure *failure);

#endif
