/* SPDX-License-Identifier: MIT */
/* The ingredients of a calibration, and the recipes that name a choice of them. */
#ifndef EXAMPLES_LLM_RECIPE_H
#define EXAMPLES_LLM_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Drift, residual and attention need the original model's states beside those of the quantized
 * one, and with them twice the time and memory for states. */
struct recipe {
    bool statistics; /* false: the method does not look at activations, and nothing else counts */
    bool drift;    /* fit layers to what they do in the original model, not in the quantized one */
    bool residual; /* the layers that add to the states make up for what these have lost */
    double attention; /* 0 to 1: part that tokens weighted by their importance to attention have in
                         the statistics of query, key and value */
    bool rescalers;   /* fit scales of rows and columns to the codes (if the preset does) */
};

/* The recipe of this name; false if there is none. */
bool recipe_find(struct recipe *recipe, const char *name);

/* Whether the original model's states are needed. */
bool recipe_compares(const struct recipe *recipe);

#endif
