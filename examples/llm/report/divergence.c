/* SPDX-License-Identifier: MIT */
#include "llm/report/divergence.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "common/workers.h"
#include "llm/model/forward.h"

/* Logits held at once, which bounds the memory where the vocabulary is large. */
enum { chunk_logits = 1 << 22 };

static double log_sum(const float *logits, size_t count)
{
    float largest = logits[0];
    double sum = 0;

    for (size_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += (double)expf(logits[i] - largest);
    return (double)largest + log(sum);
}

struct scores scores_of(const float *logits, size_t count)
{
    return (struct scores){logits, log_sum(logits, count)};
}

double scores_divergence(struct scores reference, struct scores scores, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const double expected = (double)reference.logits[i] - reference.norm;
        sum += exp(expected) * (expected - ((double)scores.logits[i] - scores.norm));
    }
    return sum;
}

bool divergence_create(struct divergence *divergence, const struct model *original,
                       const struct model *model, size_t workers, struct failure *failure)
{
    const size_t vocabulary = model->config.vocabulary;

    *divergence =
        (struct divergence){.original = original,
                            .model = model,
                            .workers = workers,
                            .capacity = vocabulary < chunk_logits ? chunk_logits / vocabulary : 1};
    divergence->logits = forward_numbers(divergence->capacity, vocabulary);
    divergence->reference = forward_numbers(divergence->capacity, vocabulary);
    divergence->losses = calloc(divergence->capacity, sizeof *divergence->losses);
    if (divergence->logits && divergence->reference && divergence->losses)
        return true;
    const size_t capacity = divergence->capacity;
    divergence_free(divergence);
    return refuse(failure, "out of memory for logits of %zu tokens", capacity);
}

void divergence_free(struct divergence *divergence)
{
    free(divergence->logits);
    free(divergence->reference);
    free(divergence->losses);
    *divergence = (struct divergence){.capacity = 0};
}

/* The derivative of the divergence by a logit is p - p_ref; that by what the head gives, before it
 * is capped, has the slope of the cap as a factor. */
static void subtract_reference(void *data, size_t token, size_t worker)
{
    const struct divergence *const job = data;
    const size_t vocabulary = job->model->config.vocabulary;
    float *const logits = job->logits + token * vocabulary;
    const struct scores scores = scores_of(logits, vocabulary);
    const struct scores reference = scores_of(job->reference + token * vocabulary, vocabulary);

    (void)worker;
    job->losses[token] = scores_divergence(reference, scores, vocabulary);
    for (size_t i = 0; i < vocabulary; i++)
        logits[i] = forward_cap_slope(&job->model->config, logits[i]) *
                    (expf(logits[i] - (float)scores.norm) -
                     expf(reference.logits[i] - (float)reference.norm));
}

bool divergence_backward(const struct divergence *divergence, const float *reference,
                         const float *hidden, size_t count, float weight, float *stream,
                         double *sum, struct failure *failure)
{
    const struct table *const head = model_head(divergence->model);
    const int length = (int)head->columns;
    const int vocabulary = (int)head->rows;
    struct divergence job = *divergence;

    *sum = 0;
    for (size_t first = 0; first < count; first += job.capacity) {
        const size_t offset = first * head->columns;
        const size_t tokens = count - first < job.capacity ? count - first : job.capacity;
        if (!forward_logits(job.model, hidden + offset, tokens, job.logits, failure) ||
            !forward_logits(job.original, reference + offset, tokens, job.reference, failure))
            return false;
        workers_run(job.workers, tokens, subtract_reference, &job);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tokens, length, vocabulary,
                    weight, job.logits, vocabulary, head->values, length, 0, stream + offset,
                    length);
        for (size_t i = 0; i < tokens; i++)
            *sum += job.losses[i];
    }
    return true;
}
