/* SPDX-License-Identifier: MIT */
#include "llm/watersic/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/seeded.h"
#include "common/workers.h"
#include "llm/report/divergence.h"
#include "llm/model/forward.h"
#include "llm/model/product.h"
#include "common/interrupt.h"

/* The same seed in every run: what is drawn is part of what a run can be repeated from. */
static const uint64_t fixed_seed = 0x5749464F4C4C4142U;

/* Numbers of the head, and logits, that are in memory at once. */
enum { strip_numbers = 1 << 20, strip_logits = 1 << 22 };

/* Where a draw fell. */
struct label {
    double norm;  /* logarithm of the sum of all exponentials */
    size_t strip; /* that has the label */
    double left;  /* probability of the label's strip that comes before it */
};

static size_t strip_rows(const struct config *config, size_t capacity)
{
    const size_t by_head = strip_numbers / config->hidden;
    const size_t by_logits = strip_logits / capacity;
    const size_t rows = by_head < by_logits ? by_head : by_logits;

    if (rows == 0)
        return 1;
    return rows < config->vocabulary ? rows : config->vocabulary;
}

static size_t count_strips(const struct config *config, size_t rows)
{
    return (config->vocabulary + rows - 1) / rows;
}

uint64_t labels_memory(const struct config *config, size_t capacity)
{
    const uint64_t rows = strip_rows(config, capacity);
    const uint64_t of_token = rows * sizeof(float) + sizeof(struct label) +
                              count_strips(config, (size_t)rows) * sizeof(double);

    return rows * config->hidden * sizeof(float) + capacity * of_token;
}

bool labels_create(struct labels *labels, const struct model *model, size_t capacity,
                   size_t workers, struct failure *failure)
{
    const struct config *const config = &model->config;
    const size_t strip = strip_rows(config, capacity);

    *labels = (struct labels){.model = model,
                              .seed = fixed_seed,
                              .workers = workers,
                              .capacity = capacity,
                              .strip = strip,
                              .strips = count_strips(config, strip)};
    labels->rows = forward_numbers(strip, config->hidden);
    labels->logits = forward_numbers(capacity, strip);
    labels->sums = calloc(capacity * labels->strips, sizeof *labels->sums);
    labels->of = calloc(capacity, sizeof *labels->of);
    if (labels->rows && labels->logits && labels->sums && labels->of)
        return true;
    labels_free(labels);
    return refuse(failure, "out of memory for the labels of %zu tokens", capacity);
}

void labels_free(struct labels *labels)
{
    free(labels->rows);
    free(labels->logits);
    free(labels->sums);
    free(labels->of);
    *labels = (struct labels){.model = NULL};
}

/* Tokens and a strip of the head on their way. */
struct batch {
    struct labels *labels;
    const float *hidden;
    float *stream;
    size_t first; /* token */
    size_t count;
    size_t number; /* of the strip */
    size_t rows;   /* in it */
};

/* Multiply a strip of the head's rows with the hidden states. NULL on failure; else the rows. */
static const float *apply_strip(struct batch *batch, struct failure *failure)
{
    struct labels *const labels = batch->labels;
    const struct table *const head = model_head(labels->model);
    const size_t first = batch->number * labels->strip;
    const size_t left = head->rows - first;
    const float *rows = labels->rows;

    batch->rows = left < labels->strip ? left : labels->strip;
    if (!interrupt_none(failure))
        return NULL;
    if (head->values) {
        rows = head->values + first * head->columns;
    } else {
        if (!table_read(head, first, batch->rows, labels->rows, failure))
            return NULL;
        table_release(head);
    }
    const struct product product = {.weights = rows,
                                    .rows = batch->rows,
                                    .columns = head->columns,
                                    .x = batch->hidden,
                                    .out = labels->logits};
    products_run(&product, 1, batch->count, labels->workers);
    forward_cap(&labels->model->config, labels->logits, batch->count * batch->rows);
    return rows;
}

static void sum_up(void *data, size_t token, size_t worker)
{
    const struct batch *const batch = data;
    struct labels *const labels = batch->labels;

    (void)worker;
    labels->sums[token * labels->strips + batch->number] =
        scores_of(labels->logits + token * batch->rows, batch->rows).norm;
}

/* Walk over the strips until what they have together is beyond what was drawn. Rounding may leave a
 * draw beyond the last of them, which then has the label. */
static void draw(void *data, size_t token, size_t worker)
{
    const struct batch *const batch = data;
    struct labels *const labels = batch->labels;
    const double *const sums = labels->sums + token * labels->strips;
    struct label *const label = &labels->of[token];
    double largest = sums[0];
    double total = 0;

    (void)worker;
    for (size_t i = 1; i < labels->strips; i++)
        largest = fmax(largest, sums[i]);
    for (size_t i = 0; i < labels->strips; i++)
        total += exp(sums[i] - largest);
    label->norm = largest + log(total);
    label->left = seeded_uniform(labels->seed, batch->first + token);
    for (label->strip = 0; label->strip + 1 < labels->strips; label->strip++) {
        const double part = exp(sums[label->strip] - label->norm);
        if (label->left < part)
            break;
        label->left -= part;
    }
}

/* What the square of the derivative by a logit is on the average over labels. A task is a row of
 * the head and takes tokens in their order, so that sums do not depend on the number of workers. */
static void add_spread(void *data, size_t row, size_t worker)
{
    const struct batch *const batch = data;
    const struct labels *const labels = batch->labels;
    double sum = 0;

    (void)worker;
    for (size_t token = 0; token < batch->count; token++) {
        const float logit = labels->logits[token * batch->rows + row];
        const double p = exp((double)logit - labels->of[token].norm);
        const double slope = (double)forward_cap_slope(&labels->model->config, logit);
        sum += slope * slope * p * (1 - p);
    }
    labels->spread[batch->number * labels->strip + row] += sum;
}

/* The derivative of log p(label) by a logit is 1 - p at the label, and -p elsewhere. */
static void differentiate(void *data, size_t token, size_t worker)
{
    const struct batch *const batch = data;
    const struct label *const label = &batch->labels->of[token];
    float *const logits = batch->labels->logits + token * batch->rows;
    double left = label->left;
    size_t drawn = batch->rows - 1;
    float slope = 1; /* of the cap, where the label is */

    (void)worker;
    for (size_t i = 0; i < batch->rows; i++) {
        const double p = exp((double)logits[i] - label->norm);
        if (left >= 0 && left < p)
            drawn = i;
        left -= p;
        const float own = forward_cap_slope(&batch->labels->model->config, logits[i]);
        slope = i == drawn ? own : slope;
        logits[i] = own * (float)-p;
    }
    if (label->strip == batch->number)
        logits[drawn] += slope;
}

static void add_to_stream(const struct batch *batch, const float *rows)
{
    const struct product product = {.weights = rows,
                                    .rows = batch->rows,
                                    .columns = batch->labels->model->config.hidden,
                                    .x = batch->labels->logits,
                                    .out = batch->stream,
                                    .addition = batch->number == 0 ? 0 : 1};

    product_back(&product, batch->count, batch->labels->workers);
}

bool labels_backward(struct labels *labels, size_t first, const float *hidden, size_t count,
                     float *stream, struct failure *failure)
{
    struct batch batch = {
        .labels = labels, .hidden = hidden, .stream = stream, .first = first, .count = count};

    for (batch.number = 0; batch.number < labels->strips; batch.number++) {
        if (!apply_strip(&batch, failure))
            return false;
        workers_run(labels->workers, count, sum_up, &batch);
    }
    workers_run(labels->workers, count, draw, &batch);
    for (batch.number = 0; batch.number < labels->strips; batch.number++) {
        const float *const rows = apply_strip(&batch, failure);
        if (!rows)
            return false;
        if (labels->spread)
            workers_run(labels->workers, batch.rows, add_spread, &batch);
        workers_run(labels->workers, count, differentiate, &batch);
        add_to_stream(&batch, rows);
    }
    return true;
}
