/* SPDX-License-Identifier: MIT */
/* One budget of bytes for all layers of a model: the library's plan, and where each layer stands in
 * it. */
#ifndef EXAMPLES_LLM_WATERSIC_ALLOCATION_H
#define EXAMPLES_LLM_WATERSIC_ALLOCATION_H

#include <watersic/watersic.h>

#include "llm/watersic/correction.h"
#include "llm/model/model.h"
#include "llm/run/recipe.h"

/* Where an archive's metadata tell what divergence was expected of it, in bits per token. */
extern const char prediction_key[];

struct allocation {
    wsic_plan *plan;
    const struct config *config; /* of the model; borrowed */
    size_t layers;
    size_t *indices;                /* of every layer in the plan; SIZE_MAX if it is not there */
    double *sensitivities;          /* of every layer; 0 if unknown */
    struct correction *corrections; /* of the plan's slopes */
    struct correction *levels;      /* of the errors that the plan expects */
    double gain;                    /* factor on errors: of other codes than those of drafts */
    double left;                    /* and of what other layers do not make up for */
    double *worths;                 /* what an error as the plan sees it costs now */
    double *energies;               /* a n D where nothing of the layer is left */
    double weights;                 /* of all layers in the plan */
};

bool allocation_create(struct allocation *allocation, wsic_context *context,
                       const struct model *model, struct failure *failure);
void allocation_destroy(struct allocation *allocation);

/* Add a layer, named for messages. */
bool allocation_add(struct allocation *allocation, size_t layer, const char *name,
                    wsic_problem *problem, struct failure *failure);

/* Share out bits per weight of all layers in the plan, from which what the archive is going to add
 * (writer may be NULL) is taken off. */
bool allocation_solve(struct allocation *allocation, enum plan_mode mode, double rate,
                      wsic_archive_writer *writer, struct failure *failure);

/* Bits per weight that a layer is to have now. */
bool allocation_rate(const struct allocation *allocation, size_t layer, double *rate,
                     struct failure *failure);

/* The divergence, in bits per token, that a layer is expected to cause at its rate; 0 where its
 * sensitivity is not known, or it is not in the plan. */
bool allocation_divergence(const struct allocation *allocation, size_t layer, double *bits,
                           struct failure *failure);

/* The same of all layers together. */
bool allocation_prediction(const struct allocation *allocation, double *bits,
                           struct failure *failure);

/* Write that to the archive whose budget is solved for. */
bool allocation_note_prediction(const struct allocation *allocation, wsic_archive_writer *writer,
                                struct failure *failure);

/* Bytes of a layer that an archive holds already, by its number there. */
bool allocation_written_bytes(const wsic_archive_writer *writer, size_t number, uint64_t *bytes,
                              struct failure *failure);

/* A layer is finished: share out what is left. */
bool allocation_commit(struct allocation *allocation, size_t layer, uint64_t bytes,
                       struct failure *failure);

#endif
