/* SPDX-License-Identifier: MIT */
/* Rotary positions: how fast each pair of a head's numbers turns from token to token. */
#ifndef EXAMPLES_LLM_MODEL_ROPE_H
#define EXAMPLES_LLM_MODEL_ROPE_H

#include <stdbool.h>
#include <stddef.h>

/* Ways to stretch the rotations for texts longer than those of the first training, by the names
 * that transformers gives them. */
enum rope_kind {
    ROPE_DEFAULT, /* not at all */
    ROPE_LINEAR,  /* all are slowed down by the factor */
    ROPE_LLAMA3,  /* those that turn seldom are slowed down, others left; between the two a mixture,
                     by the number of turns */
    ROPE_YARN,    /* the same, by the number of the pair; and queries and keys grow */
    ROPE_LONG     /* each has a factor of its own, which depends on the length of the text */
};

enum { ROPE_KINDS = ROPE_LONG + 1, ROPE_MAX_PAIRS = 128 };

struct rope {
    enum rope_kind kind;
    double theta;
    size_t rotated; /* numbers of a head that turn, an even count; the others stay */
    double factor;
    double low;       /* turns in the original text: below this slowed down, */
    double high;      /* above this left */
    size_t original;  /* length of that text */
    bool exact;       /* yarn: the bounds between pairs are not made whole numbers */
    double amplitude; /* of cosines and sines */
    double short_factors[ROPE_MAX_PAIRS]; /* ROPE_LONG: of texts up to the original length, */
    double long_factors[ROPE_MAX_PAIRS];  /* and of longer ones */
};

/* The angle by which a pair turns from one token to the next, in windows of that many tokens. */
double rope_frequency(const struct rope *rope, size_t pair, size_t window);

bool rope_is_same(const struct rope *a, const struct rope *b);

/* As in config.json. */
const char *rope_kind_name(enum rope_kind kind);

#endif
