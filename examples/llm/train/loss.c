/* SPDX-License-Identifier: MIT */
#include "llm/train/loss.h"

#include <stdlib.h>
#include <string.h>

#include "common/interrupt.h"

static bool allocate(struct loss *loss, size_t window, struct failure *failure)
{
    const struct model *const model = &loss->student->model;
    const size_t hidden = model->config.hidden;

    if (!forward_create(&loss->forward, &model->config, window, failure) ||
        !backward_create(&loss->backward, &loss->forward, failure) ||
        !divergence_create(&loss->divergence, loss->student->restored.original, model,
                           loss->forward.workers, failure))
        return false;
    const size_t capacity = loss->forward.capacity;
    loss->values = calloc(capacity, sizeof *loss->values);
    loss->expected = forward_numbers(capacity, hidden);
    loss->states = forward_numbers((model->config.blocks + 1) * capacity, hidden);
    loss->normed = forward_numbers(capacity, hidden);
    loss->stream = forward_numbers(capacity, hidden);
    if (loss->values && loss->expected && loss->states && loss->normed && loss->stream)
        return true;
    return refuse(failure, "out of memory for the states of %zu tokens", capacity);
}

bool loss_create(struct loss *loss, struct student *student, const struct tokens *tokens,
                 const float *reference, size_t window, struct failure *failure)
{
    *loss = (struct loss){.student = student, .tokens = tokens, .reference = reference};
    if (allocate(loss, window, failure))
        return true;
    loss_free(loss);
    return false;
}

void loss_free(struct loss *loss)
{
    forward_free(&loss->forward);
    backward_free(&loss->backward);
    divergence_free(&loss->divergence);
    free(loss->values);
    free(loss->expected);
    free(loss->states);
    free(loss->normed);
    free(loss->stream);
    *loss = (struct loss){.student = NULL};
}

static void gather_windows(struct loss *loss, const size_t *numbers, size_t count)
{
    const size_t window = loss->forward.window;
    const size_t length = window * loss->student->model.config.hidden;

    for (size_t i = 0; i < count; i++) {
        memcpy(loss->values + i * window, loss->tokens->values + numbers[i] * window,
               window * sizeof *loss->values);
        memcpy(loss->expected + i * length, loss->reference + numbers[i] * length,
               length * sizeof *loss->expected);
    }
}

/* The residual stream before a block. */
static float *states_before(const struct loss *loss, size_t block)
{
    return loss->states + block * loss->forward.capacity * loss->student->model.config.hidden;
}

static bool run_forward(struct loss *loss, size_t count, struct failure *failure)
{
    const struct model *const model = &loss->student->model;
    const size_t bytes = count * model->config.hidden * sizeof *loss->states;

    if (!forward_embed(model, loss->values, count, states_before(loss, 0), failure))
        return false;
    for (size_t i = 0; i < model->config.blocks; i++) {
        memcpy(states_before(loss, i + 1), states_before(loss, i), bytes);
        forward_block(&loss->forward, &model->blocks[i], states_before(loss, i + 1), count);
    }
    memcpy(loss->normed, states_before(loss, model->config.blocks), bytes);
    forward_head_input(&loss->forward, model, loss->normed, count);
    return true;
}

static void run_backward(struct loss *loss, size_t count)
{
    const struct model *const model = &loss->student->model;

    backward_head_input(&loss->forward, model, states_before(loss, model->config.blocks),
                        loss->stream, count);
    for (size_t i = model->config.blocks; i-- > 0;)
        backward_block(&loss->backward, &model->blocks[i], states_before(loss, i), loss->stream,
                       count, loss->student->gradients + layers_before(&model->config, i));
}

/* The gradient of tokens in a batch is added, weighted; so are their divergences. */
static bool run_batch(struct loss *loss, size_t count, float weight, double *sum,
                      struct failure *failure)
{
    double part;

    if (!run_forward(loss, count, failure) ||
        !divergence_backward(&loss->divergence, loss->expected, loss->normed, count, weight,
                             loss->stream, &part, failure))
        return false;
    run_backward(loss, count);
    *sum += part;
    return true;
}

bool loss_backward(struct loss *loss, const size_t *windows, size_t count, double *mean,
                   struct failure *failure)
{
    const size_t window = loss->forward.window;
    const size_t most = loss->forward.capacity / window;
    const double tokens = (double)(count * window);
    struct student *const student = loss->student;
    double sum = 0;

    memset(student->gradient, 0, student->scales * sizeof *student->gradient);
    for (size_t first = 0; first < count; first += most) {
        const size_t batch = count - first < most ? count - first : most;
        gather_windows(loss, windows + first, batch);
        if (!interrupt_none(failure) ||
            !run_batch(loss, batch * window, (float)(1 / tokens), &sum, failure))
            return false;
    }
    *mean = sum / tokens;
    return true;
}
