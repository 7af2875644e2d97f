/* SPDX-License-Identifier: MIT */
#include "llm/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "llm/evaluate.h"
#include "llm/report.h"
#include "llm/restore.h"

static bool print_result(const struct options *options, const struct evaluation *evaluation,
                         double bits_per_weight, size_t tokens, struct failure *failure)
{
    if (options->json) {
        json_t *const root = report_evaluation(evaluation, bits_per_weight);
        json_object_set_new(root, "tokens", json_integer((json_int_t)tokens));
        return report_json(root, failure);
    }
    printf("cross entropy    %.4f nats per token\n", evaluation->cross_entropy);
    printf("perplexity       %.4f\n", evaluation->perplexity);
    printf("KL to original   %.4f bits per token\n", evaluation->kl_bits);
    printf("bits per weight  %.4f\n", bits_per_weight);
    printf("tokens           %zu\n", tokens);
    return report_flush(failure);
}

/* The model as it is in the checkpoint, and then, if there is one, as the archive has it. */
static bool measure(struct session *session, const struct options *options, struct tokens *tokens,
                    struct evaluation *evaluation, double *bits_per_weight, struct failure *failure)
{
    tokens_sample(tokens, session->window, options->max_tokens);
    if (!options->archive) {
        *bits_per_weight = session->model.stored_bits;
        return evaluate(evaluation, &session->model, tokens, session->window, NULL, failure);
    }
    float *const reference = evaluate_hidden(&session->model, tokens, session->window, failure);
    const bool ok =
        reference &&
        restore_model(&session->model, session->context, options->archive, bits_per_weight,
                      failure) &&
        evaluate(evaluation, &session->model, tokens, session->window, reference, failure);
    free(reference);
    return ok;
}

enum outcome command_eval(const struct options *options, struct failure *failure)
{
    struct session session;
    struct evaluation evaluation;
    struct tokens tokens = {.count = 0};
    double bits_per_weight;

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const bool ok =
        model_load_rest(&session.model, failure) &&
        tokens_load(&tokens, options->tokens, session.model.config.vocabulary, failure) &&
        measure(&session, options, &tokens, &evaluation, &bits_per_weight, failure) &&
        print_result(options, &evaluation, bits_per_weight, tokens.count, failure);
    tokens_free(&tokens);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
