/* SPDX-License-Identifier: MIT */
/* Mixtures of experts that are made of a dense model: the small Mistral of tests/data/families,
 * whose feed-forward part every expert is a copy of. */
#ifndef TESTS_MIXTURE_FIXTURE_H
#define TESTS_MIXTURE_FIXTURE_H

#include <stddef.h>

struct mixture_plan {
    size_t experts;
    size_t chosen;
    /* Of expert e's row of the router, for input j of the length of the states. */
    double (*router)(size_t block, size_t expert, size_t input);
    double grown; /* part by which each expert's down is larger than that of the one before it */
};

/* Write DIRECTORY/config.json and model.safetensors: a Mixtral. families: tests/data/families/ */
void mixture_write(const struct mixture_plan *plan, const char *families, const char *directory);

#endif
