/* SPDX-License-Identifier: MIT */
/* Training the scales of a quantized model so that it predicts what the original one does. */
#ifndef EXAMPLES_LLM_TRAIN_TRAIN_H
#define EXAMPLES_LLM_TRAIN_TRAIN_H

#include "common/meter.h"
#include "common/tokens.h"
#include "llm/train/student.h"

struct train_settings {
    size_t window;
    size_t epochs;
    size_t batch;              /* windows to a step */
    double learning_rate;      /* of the first step; the logarithm of a scale moves by about that */
    double last_learning_rate; /* of the last one */
    double weight_decay;       /* pulls the scales to what they were */
};

/* tokens: whole windows, at least one. reference: the original model's last hidden states of them
 * (evaluate_hidden()). losses, one for every epoch: the mean divergence in nats as it went on. */
bool train(struct student *student, const struct train_settings *settings,
           const struct tokens *tokens, const float *reference, struct meter *meter, double *losses,
           struct failure *failure);

#endif
