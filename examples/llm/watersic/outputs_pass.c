/* SPDX-License-Identifier: MIT */
#include "llm/watersic/outputs_pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llm/model/backward.h"
#include "common/interrupt.h"
#include "llm/watersic/labels.h"
#include "llm/watersic/outputs_ends.h"
#include "llm/watersic/outputs_estimate.h"
#include "llm/watersic/outputs_sums.h"
#include "llm/model/states.h"
#include "llm/watersic/planning_work.h"

struct pass {
    struct outputs *outputs;
    const struct model *model; /* original */
    const struct tokens *tokens;
    const struct stretch *stretch;
    struct output_work work;
    double done; /* of work */
    struct forward forward;
    struct backward backward;
    struct labels labels;  /* while the head is the present one */
    struct block block;    /* the present one */
    size_t number;         /* its own; the number of blocks: the head */
    struct states *inputs; /* where every block begins, and where the head does */
    struct states stream;  /* derivatives by the one of these that was done last */
    struct states next;    /* those that are being made */
    float *hidden;         /* of a batch */
    float *derivatives;    /* of a batch */
    struct failure *failure;
    bool failed; /* in the midst of a block */
};

static const char inputs_name[] = "inputs";
static const char stream_name[] = "stream";

static size_t blocks_of(const struct pass *pass)
{
    return pass->model->config.blocks;
}

/* --- batches ----------------------------------------------------------------- */

/* What is done with a batch of tokens; work: what that is. */
typedef bool batch_function(struct pass *pass, size_t first, size_t count);

static bool for_batches(struct pass *pass, batch_function *use, double work, const char *what)
{
    const size_t capacity = pass->forward.capacity;
    const struct stretch *const stretch = pass->stretch;

    for (size_t first = 0; first < pass->tokens->count; first += capacity) {
        const size_t left = pass->tokens->count - first;
        const size_t count = left < capacity ? left : capacity;
        const double part = pass->done / pass->work.total;
        char text[MODEL_NAME_SIZE];
        snprintf(text, sizeof text, "%s %s", stretch->label, what);
        meter_update(stretch->meter, stretch->from + part * (stretch->to - stretch->from), text);
        if (!interrupt_none(pass->failure) || !use(pass, first, count) || pass->failed)
            return false;
        pass->done += work * (double)count;
    }
    return true;
}

static void show(const struct pass *pass, const char *what)
{
    const struct stretch *const stretch = pass->stretch;
    const double part = pass->done / pass->work.total;
    char text[MODEL_NAME_SIZE];

    snprintf(text, sizeof text, "%s %s, block %zu", stretch->label, what, pass->number);
    meter_show(stretch->meter, stretch->from + part * (stretch->to - stretch->from), text);
}

static bool begin_states(struct pass *pass, struct states *states, const char *name, size_t number)
{
    char path[PATH_MAX];

    return states_begin(states, outputs_path(pass->outputs, name, number, path),
                        pass->tokens->count, pass->model->config.hidden, pass->failure);
}

static bool are_there(const struct pass *pass, const char *name, size_t number)
{
    char path[PATH_MAX];

    return outputs_path(pass->outputs, name, number, path) &&
           states_are_there(path, pass->tokens->count, pass->model->config.hidden);
}

static bool open_states(struct pass *pass, struct states *states, const char *name, size_t number)
{
    char path[PATH_MAX];

    return states_open(states, outputs_path(pass->outputs, name, number, path), pass->tokens->count,
                       pass->model->config.hidden, pass->failure);
}

static void remove_states(const struct pass *pass, const char *name, size_t number)
{
    char path[PATH_MAX];

    if (outputs_path(pass->outputs, name, number, path))
        unlink(path);
}

/* --- forward ------------------------------------------------------------------- */

static bool embed_batch(struct pass *pass, size_t first, size_t count)
{
    return forward_embed(pass->model, pass->tokens->values + first, count, pass->hidden,
                         pass->failure) &&
           states_add(&pass->inputs[0], pass->hidden, count, pass->failure);
}

static bool forward_batch(struct pass *pass, size_t first, size_t count)
{
    if (!states_read(&pass->inputs[pass->number], first, count, pass->hidden, pass->failure))
        return false;
    forward_block(&pass->forward, &pass->block, pass->hidden, count);
    return forward_check(&pass->model->config, pass->number, pass->hidden, count, pass->failure) &&
           states_add(&pass->inputs[pass->number + 1], pass->hidden, count, pass->failure);
}

static bool embed(struct pass *pass)
{
    return begin_states(pass, &pass->inputs[0], inputs_name, 0) &&
           for_batches(pass, embed_batch, 0, "forward") &&
           states_finish(&pass->inputs[0], pass->failure);
}

static bool run_forward(struct pass *pass)
{
    show(pass, "forward");
    const bool ok =
        model_load_block(pass->model, pass->number, &pass->block, pass->failure) &&
        begin_states(pass, &pass->inputs[pass->number + 1], inputs_name, pass->number + 1) &&
        for_batches(pass, forward_batch, pass->work.forward, "forward") &&
        states_finish(&pass->inputs[pass->number + 1], pass->failure);

    block_free(&pass->block);
    return ok;
}

/* Up to where a block, or the head, begins; what an earlier run has left of it is taken over. */
static bool reach(struct pass *pass, size_t last)
{
    size_t there = 0;

    while (there <= last && are_there(pass, inputs_name, there)) {
        if (!open_states(pass, &pass->inputs[there], inputs_name, there))
            return false;
        there++;
    }
    if (there == 0 && !embed(pass))
        return false;
    for (pass->number = there > 0 ? there - 1 : 0; pass->number < last; pass->number++)
        if (!run_forward(pass))
            return false;
    return true;
}

/* --- backward ------------------------------------------------------------------ */

static bool keep_stream(struct pass *pass, size_t count)
{
    return pass->number == 0 || states_add(&pass->next, pass->derivatives, count, pass->failure);
}

static bool head_batch(struct pass *pass, size_t first, size_t count)
{
    const size_t bytes = count * pass->model->config.hidden * sizeof *pass->hidden;
    float *const normed = pass->forward.normed;

    if (!states_read(&pass->inputs[pass->number], first, count, pass->hidden, pass->failure))
        return false;
    memcpy(normed, pass->hidden, bytes);
    forward_head_input(&pass->forward, pass->model, normed, count);
    if (!labels_backward(&pass->labels, first, normed, count, pass->derivatives, pass->failure))
        return false;
    backward_head_input(&pass->forward, pass->model, pass->hidden, pass->derivatives, count);
    return keep_stream(pass, count);
}

static bool finish_stream(struct pass *pass)
{
    if (!states_finish(&pass->next, pass->failure))
        return false;
    states_close(&pass->stream);
    pass->stream = pass->next;
    pass->next = (struct states){.tokens = 0};
    return true;
}

/* The derivatives come last: where they are, the readout is there. */
static bool finish_head(struct pass *pass)
{
    struct outputs *const outputs = pass->outputs;

    for (size_t i = 0; i < outputs->config->vocabulary; i++)
        outputs->readout[i] /= (double)pass->tokens->count;
    return outputs_keep_readout(outputs, pass->failure) && finish_stream(pass);
}

static bool run_head(struct pass *pass)
{
    struct outputs *const outputs = pass->outputs;

    show(pass, "labels");
    free(outputs->readout);
    outputs->readout = calloc(outputs->config->vocabulary, sizeof *outputs->readout);
    if (!outputs->readout)
        return refuse(pass->failure, "out of memory for the probabilities of %zu tokens",
                      outputs->config->vocabulary);
    if (!labels_create(&pass->labels, pass->model, pass->forward.capacity, pass->forward.workers,
                       pass->failure))
        return false;
    pass->labels.spread = outputs->readout;
    const bool ok = begin_states(pass, &pass->next, stream_name, pass->number) &&
                    for_batches(pass, head_batch, pass->work.head, "labels") && finish_head(pass);

    labels_free(&pass->labels);
    return ok;
}

/* Of the present block: the number of the layer in a slot. */
static size_t number_of(const struct pass *pass, size_t slot)
{
    return layers_before(&pass->model->config, pass->number) + slot;
}

/* A backward_watch. After a failure the rest of the batch is passed in vain. */
static void watch(void *watcher, size_t slot, const float *u, size_t count, size_t own)
{
    struct pass *const pass = watcher;

    if (!pass->failed &&
        !outputs_add_layer(pass->outputs, number_of(pass, slot), u, count, own, pass->failure))
        pass->failed = true;
}

/* Of a batch, so that of all of the text there are as many as a layer has outputs. */
static size_t witnesses(const struct pass *pass, size_t count)
{
    const struct config *const config = &pass->model->config;
    const size_t inner = config_intermediate(config, pass->number);
    const size_t outputs = inner > config->hidden ? inner : config->hidden;

    return (outputs * count + pass->tokens->count - 1) / pass->tokens->count;
}

static bool backward_batch(struct pass *pass, size_t first, size_t count)
{
    if (!states_read(&pass->inputs[pass->number], first, count, pass->hidden, pass->failure) ||
        !states_read(&pass->stream, first, count, pass->derivatives, pass->failure))
        return false;
    pass->backward.witnesses = witnesses(pass, count);
    backward_block(&pass->backward, &pass->block, pass->hidden, pass->derivatives, count, NULL);
    return !pass->failed &&
           (pass->number > 0 ||
            outputs_add_entry(pass->outputs, pass->derivatives, count, pass->failure)) &&
           keep_stream(pass, count);
}

static bool is_skipped(const struct pass *pass, size_t number)
{
    return pass->model->exclusions && pass->model->exclusions->of[number].skipped;
}

static bool begin_layers(struct pass *pass)
{
    for (size_t slot = 0; slot < pass->block.layers; slot++) {
        const size_t number = number_of(pass, slot);
        if (!is_skipped(pass, number) && !outputs_begin_layer(pass->outputs, number, pass->failure))
            return false;
    }
    return true;
}

static bool finish_layers(struct pass *pass)
{
    for (size_t slot = 0; slot < pass->block.layers; slot++)
        if (!outputs_finish_layer(pass->outputs, number_of(pass, slot), pass->tokens->count,
                                  pass->failure))
            return false;
    return true;
}

/* The derivatives go to their file first: where a block is kept, all that the one before it needs
 * is there. */
static bool pass_block(struct pass *pass)
{
    const bool more = pass->number > 0;

    return model_load_block(pass->model, pass->number, &pass->block, pass->failure) &&
           begin_layers(pass) && (more || outputs_begin_entry(pass->outputs, pass->failure)) &&
           (!more || begin_states(pass, &pass->next, stream_name, pass->number)) &&
           for_batches(pass, backward_batch, pass->work.backward, "backward") &&
           finish_layers(pass) &&
           (more ? finish_stream(pass) : outputs_keep_entry(pass->outputs, pass->failure)) &&
           outputs_keep(pass->outputs, pass->number, pass->failure);
}

static bool run_backward(struct pass *pass)
{
    show(pass, "backward");
    const bool ok = pass_block(pass);
    block_free(&pass->block);
    if (!ok)
        return false;
    states_close(&pass->inputs[pass->number + 1]);
    remove_states(pass, inputs_name, pass->number + 1);
    remove_states(pass, stream_name, pass->number + 1);
    return true;
}

/* --- all of it ------------------------------------------------------------------ */

/* Number of the first block that an earlier run has finished, or of blocks. Blocks whose successors
 * are there but whose derivatives have been lost are done again. */
static size_t find_finished(struct pass *pass)
{
    size_t first = blocks_of(pass);

    if (!outputs_find_readout(pass->outputs))
        return first;
    while (first > 0 && (first > 1 || outputs_find_entry(pass->outputs)) &&
           outputs_find(pass->outputs, first - 1))
        first--;
    if (first == 0 || first == blocks_of(pass) || are_there(pass, stream_name, first))
        return first;
    return blocks_of(pass);
}

/* What only the pass itself needs. */
static void tidy(const struct pass *pass)
{
    for (size_t i = 0; i <= blocks_of(pass); i++) {
        remove_states(pass, inputs_name, i);
        remove_states(pass, stream_name, i);
    }
}

static bool begin_backward(struct pass *pass, size_t finished)
{
    pass->number = finished;
    if (finished < blocks_of(pass) ||
        (pass->outputs->readout && are_there(pass, stream_name, finished)))
        return open_states(pass, &pass->stream, stream_name, finished);
    return run_head(pass);
}

static bool run_pass(struct pass *pass)
{
    const size_t finished = find_finished(pass);

    if (finished == 0) {
        tidy(pass);
        return true;
    }
    /* Where a block is done, what it began with is not needed any more. */
    if (!reach(pass, finished < blocks_of(pass) ? finished - 1 : finished) ||
        !begin_backward(pass, finished))
        return false;
    for (pass->number = finished; pass->number-- > 0;)
        if (!run_backward(pass))
            return false;
    tidy(pass);
    return true;
}

static bool allocate(struct pass *pass, size_t window)
{
    const struct config *const config = &pass->model->config;

    if (!forward_create(&pass->forward, config, window, pass->failure) ||
        !backward_create(&pass->backward, &pass->forward, pass->failure))
        return false;
    pass->backward.watch = watch;
    pass->backward.watcher = pass;
    pass->inputs = calloc(config->blocks + 1, sizeof *pass->inputs);
    pass->hidden = forward_numbers(pass->forward.capacity, config->hidden);
    pass->derivatives = forward_numbers(pass->forward.capacity, config->hidden);
    return (pass->inputs && pass->hidden && pass->derivatives) ||
           refuse(pass->failure, "out of memory for the states of %zu tokens",
                  pass->forward.capacity);
}

static void release(struct pass *pass)
{
    for (size_t i = 0; pass->inputs && i <= blocks_of(pass); i++)
        states_close(&pass->inputs[i]);
    free(pass->inputs);
    states_close(&pass->stream);
    states_close(&pass->next);
    free(pass->hidden);
    free(pass->derivatives);
    backward_free(&pass->backward);
    forward_free(&pass->forward);
}

static bool collect(struct pass *pass, const struct calibration *calibration)
{
    const bool ok = outputs_choose_directory(pass->outputs, calibration->directory, pass->model,
                                             pass->tokens, calibration->window, pass->failure) &&
                    allocate(pass, calibration->window) && run_pass(pass);

    release(pass);
    return ok;
}

bool outputs_collect(struct outputs *outputs, const struct model *model,
                     const struct calibration *calibration, const struct stretch *stretch,
                     struct failure *failure)
{
    struct model original = *model;
    struct tokens sample;
    struct pass pass = {.outputs = outputs,
                        .model = &original,
                        .tokens = &sample,
                        .stretch = stretch,
                        .work = work_outputs(&model->config, calibration),
                        .failure = failure};

    if (outputs->known)
        return true;
    /* A quantized embedding may be in memory. */
    original.embedding.values = NULL;
    if (!tokens_copy(&sample, calibration->tokens, calibration->window,
                     outputs_pass_tokens(calibration), failure))
        return false;
    outputs->known = collect(&pass, calibration);
    tokens_free(&sample);
    return outputs->known;
}
