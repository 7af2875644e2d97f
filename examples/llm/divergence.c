/* SPDX-License-Identifier: MIT */
#include "llm/divergence.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "common/workers.h"
#include "llm/forward.h"

/* Logits held at once, which bounds the memory where the vocabulary is large. */
enum { chunk_logits = 1 << 22 };

double divergence_log_sum(const float *logits, size_t count)
{
    float largest = logits[0];
    double sum = 0;

    for (size_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += (double)expf(logits[i] - largest);
    return (double)largest + log(sum);
}

double divergence_between(const float *reference, const float *logits, double log_norm,
                          size_t count)
{
    const double reference_norm = divergence_log_sum(reference, count);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const double expected = (double)reference[i] - reference_norm;
        sum += exp(expected) * (expected - ((double)logits[i] - log_norm));
    }
    return sum;
}

bool divergence_create(struct divergence *divergence, const struct model *model, size_t workers,
                       struct failure *failure)
{
    const size_t vocabulary = model->config.vocabulary;

    *divergence =
        (struct divergence){.model = model,
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

/* The derivative of the divergence by a logit is p - p_ref. */
static void subtract_reference(void *data, size_t token, size_t worker)
{
    const struct divergence *const job = data;
    const size_t vocabulary = job->model->config.vocabulary;
    float *const logits = job->logits + token * vocabulary;
    const float *const reference = job->reference + token * vocabulary;
    const double norm = divergence_log_sum(logits, vocabulary);
    const float reference_norm = (float)divergence_log_sum(reference, vocabulary);

    (void)worker;
    job->losses[token] = divergence_between(reference, logits, norm, vocabulary);
    for (size_t i = 0; i < vocabulary; i++)
        logits[i] = expf(logits[i] - (float)norm) - expf(reference[i] - reference_norm);
}

double divergence_backward(const struct divergence *divergence, const float *reference,
                           const float *hidden, size_t count, float weight, float *stream)
{
    const struct model *const model = divergence->model;
    const size_t length = model->config.hidden;
    const size_t vocabulary = model->config.vocabulary;
    struct divergence job = *divergence;
    double sum = 0;

    for (size_t first = 0; first < count; first += job.capacity) {
        const size_t left = count - first;
        const size_t tokens = left < job.capacity ? left : job.capacity;
        forward_logits(model, hidden + first * length, tokens, job.logits);
        forward_logits(model, reference + first * length, tokens, job.reference);
        workers_run(job.workers, tokens, subtract_reference, &job);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tokens, (int)length,
                    (int)vocabulary, weight, job.logits, (int)vocabulary, model->head, (int)length,
                    0, stream + first * length, (int)length);
        for (size_t i = 0; i < tokens; i++)
            sum += job.losses[i];
    }
    return sum;
}
