/* SPDX-License-Identifier: MIT */
/* The ingredients of a calibration, and the recipes that name a choice of them. */
#ifndef EXAMPLES_LLM_RUN_RECIPE_H
#define EXAMPLES_LLM_RUN_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

/* What query, key and value are fitted to (problem.h of the library). 0 and 0: all drift is made up
 * for, and every token counts alike. */
struct mix {
    double clean;     /* 0 to 1: part of the clean input, whose drift is not made up for */
    double attention; /* 0 to 1: part of tokens weighted by their importance to attention */
};

/* How many bits each layer gets. */
enum plan_mode {
    PLAN_NONE,     /* as many as every other, reached by each on its own */
    PLAN_EQUAL,    /* as many for every live weight, from one budget */
    PLAN_WATERFILL /* as many as its errors are worth to the whole model, from one budget */
};

/* How the outputs of a layer count where it is encoded (outputs.h). */
enum outputs_mode {
    OUTPUTS_NONE,     /* all alike, and their errors as if they could not cancel */
    OUTPUTS_DIAGONAL, /* each by what its error costs the whole model */
    OUTPUTS_FULL      /* so, and with what errors of several outputs cost together */
};

/* Where the plan waterfill has sensitivities from. */
enum sensitivity_source {
    SENSITIVITY_DRAFTS, /* drafts of every layer, and the rest of the model once for each */
    SENSITIVITY_OUTPUTS /* gradients at the outputs of layers, from one backward pass */
};

/* Drift, residual, attention and mixing need the original model's states beside those of the
 * quantized one, and with them twice the time and memory for states. */
struct recipe {
    bool statistics; /* false: the method does not look at activations, and nothing else counts */
    bool drift;     /* fit layers to what they do in the original model, not in the quantized one */
    bool residual;  /* the layers that add to the states make up for what these have lost */
    struct mix mix; /* of query, key and value */
    bool mixing;    /* search their mix, block by block */
    size_t mixing_steps;
    bool rescalers; /* fit scales of rows and columns to the codes (if the preset does) */
    enum plan_mode plan;
    enum sensitivity_source sensitivity;
    enum outputs_mode outputs;
    size_t outputs_rows;   /* layers with more outputs count only by the diagonal */
    size_t outputs_tokens; /* of the calibration text, most that gradients are taken over */
};

/* Names of plans, as on the command line. */
const char *plan_mode_name(enum plan_mode mode);
bool plan_mode_find(enum plan_mode *mode, const char *name);

const char *outputs_mode_name(enum outputs_mode mode);
bool outputs_mode_find(enum outputs_mode *mode, const char *name);
const char *sensitivity_source_name(enum sensitivity_source source);
bool sensitivity_source_find(enum sensitivity_source *source, const char *name);

/* The recipe of this name; false if there is none. */
bool recipe_find(struct recipe *recipe, const char *name);

/* Whether the original model's states are needed. */
bool recipe_compares(const struct recipe *recipe);

/* Whether gradients at the outputs of layers are needed. */
bool recipe_differentiates(const struct recipe *recipe);

/* Whether tokens are weighted. */
bool recipe_weights(const struct recipe *recipe);

/* What is asked for embedding and head. */
struct vocabulary_rates {
    double embedding; /* bits per weight; 0: untouched */
    double head;
    bool alike; /* all rows count alike, and the states are not looked at for an embedding */
};

#endif
