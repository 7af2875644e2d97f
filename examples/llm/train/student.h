/* SPDX-License-Identifier: MIT */
/* A model whose linear layers come from an archive, and whose scales are trained. Layers that were
 * skipped are the original ones; they have no scales. */
#ifndef EXAMPLES_LLM_TRAIN_STUDENT_H
#define EXAMPLES_LLM_TRAIN_STUDENT_H

#include <watersic/watersic.h>

#include "llm/model/linear_backward.h"
#include "llm/model/restore.h"
#include "llm/train/scales.h"

struct student {
    struct restored restored;
    struct model model;               /* as the archive has it, with all blocks in memory */
    struct scaled_layer *layers;      /* by number; empty where skipped */
    struct scale_gradient *gradients; /* of the layers: places in gradient, or NULL */
    size_t count;                     /* layers */
    size_t scales;                    /* of all layers */
    double *logs;                     /* of factors, one for each scale; see scales.h */
    double *gradient;                 /* derivatives of the loss by them */
    size_t workers;                   /* threads that make weights */
    bool rounded;                     /* compute with scales as the archive can store them */
};

/* original: has its head in memory, and must live as long, as must the path. */
bool student_create(struct student *student, const struct model *original, wsic_context *context,
                    const char *archive, struct failure *failure);
void student_free(struct student *student);

/* Set the derivatives to 0 of scales that the archive cannot store otherwise than they are. Returns
 * the number of scales that can be trained. */
size_t student_fix(struct student *student);

/* Give the model the weights that follow from the logarithms. */
void student_apply(struct student *student);

/* Add everything that the archive has to a writer, the student's layers with the scales of the last
 * student_apply(). */
bool student_write(const struct student *student, wsic_archive_writer *writer,
                   struct failure *failure);

#endif
