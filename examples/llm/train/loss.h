/* SPDX-License-Identifier: MIT */
/* What a student loses against the original model on windows of a text, and the gradient of that by
 * the student's scales.
 *
 * Windows are computed a batch of struct forward after the other, however many are asked for at
 * once: (blocks + 1) · hidden numbers and those of one block for each token of such a batch (4096,
 * or one window if that is longer), and 2^23 logits. */
#ifndef EXAMPLES_LLM_TRAIN_LOSS_H
#define EXAMPLES_LLM_TRAIN_LOSS_H

#include "common/tokens.h"
#include "llm/model/backward.h"
#include "llm/report/divergence.h"
#include "llm/train/student.h"

struct loss {
    struct student *student;
    const struct tokens *tokens;
    const float *reference;
    struct forward forward;
    struct backward backward;
    struct divergence divergence;
    uint32_t *values; /* tokens of a batch */
    float *expected;  /* reference's states of a batch */
    float *states;    /* residual streams of a batch: before every block and after the last one */
    float *normed;    /* what the head makes logits of */
    float *stream;    /* derivatives by the residual stream */
};

/* tokens: whole windows. reference: the original model's last hidden states of them
 * (evaluate_hidden()). All arguments must live as long. */
bool loss_create(struct loss *loss, struct student *student, const struct tokens *tokens,
                 const float *reference, size_t window, struct failure *failure);
void loss_free(struct loss *loss);

/* mean: the divergence from the original to the student, in nats, averaged over the tokens of these
 * windows; student->gradient becomes its derivatives. */
bool loss_backward(struct loss *loss, const size_t *windows, size_t count, double *mean,
                   struct failure *failure);

#endif
