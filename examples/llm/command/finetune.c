/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "llm/report/evaluate.h"
#include "llm/watersic/report.h"
#include "llm/text/text.h"
#include "llm/train/train.h"

struct tuning {
    const struct options *options;
    struct session *session;
    struct tokens tokens;
    struct train_settings settings;
    float *reference; /* final states of the original model */
    struct student student;
    wsic_archive_writer *writer;
    struct evaluation before;
    struct evaluation after;
    double *losses; /* one for every epoch */
    uint64_t bytes_before;
    uint64_t bytes;
    size_t trained; /* scales */
    struct failure *failure;
};

/* Whole windows alone: a short one at the end would count as much as the others. */
static bool load_text(struct tuning *run)
{
    const struct text_source source = options_text(run->options);
    const size_t window = run->settings.window;

    if (!text_load(&run->tokens, &source, &run->session->model.config, window,
                   run->options->max_tokens, run->failure))
        return false;
    if (run->tokens.count < window || run->options->max_tokens < window)
        return refuse(run->failure, "%s: there is not one window of %zu tokens", text_name(&source),
                      window);
    run->tokens.count -= run->tokens.count % window;
    return true;
}

static bool measure(struct tuning *run, struct evaluation *evaluation)
{
    const struct model *const model = &run->student.model;
    float *const hidden = evaluate_hidden(model, &run->tokens, run->settings.window, run->failure);
    const struct readout readout = {model, hidden};
    const struct readout reference = {&run->session->model, run->reference};
    const bool ok = hidden && evaluate_readout(evaluation, &readout, &reference, &run->tokens,
                                               run->settings.window, run->failure);

    free(hidden);
    return ok;
}

/* All but the seed, which is always the same. An archive may be tuned again: what was recorded of
 * the time before is kept within. */
static json_t *describe_settings(const struct tuning *run)
{
    const struct train_settings *const settings = &run->settings;
    const char *const before = package_metadata(run->student.restored.package, "finetune");

    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o*}", "tokens",
                     (json_int_t)run->tokens.count, "window", (json_int_t)settings->window,
                     "epochs", (json_int_t)settings->epochs, "batch", (json_int_t)settings->batch,
                     "learning_rate", settings->learning_rate, "last_learning_rate",
                     settings->last_learning_rate, "weight_decay", settings->weight_decay, "before",
                     before ? json_loads(before, 0, NULL) : NULL);
}

static bool write_archive(struct tuning *run)
{
    struct failure reason;
    json_t *const settings = describe_settings(run);
    char *const text =
        settings ? json_dumps(settings, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;

    json_decref(settings);
    if (!text)
        return refuse(run->failure, "%s: out of memory", run->options->output);
    const bool written = student_write(&run->student, run->writer, &reason);
    const bool ok = written &&
                    wsic_archive_writer_set_metadata(run->writer, "finetune", text) >= 0 &&
                    wsic_archive_writer_finish(run->writer) >= 0;
    free(text);
    if (!ok)
        return refuse(run->failure, "%s: %s", run->options->output,
                      written ? wsic_archive_writer_message(run->writer) : reason.text);
    run->bytes = wsic_archive_writer_size(run->writer, NULL, 0);
    return true;
}

static double bits_per_weight(const struct tuning *run, uint64_t bytes)
{
    return 8 * (double)bytes / (double)run->student.restored.weights;
}

static json_t *describe_json(const struct tuning *run)
{
    json_t *const losses = json_array();

    for (size_t i = 0; i < run->settings.epochs; i++)
        json_array_append_new(losses, json_real(run->losses[i]));
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:f}", "output",
                     run->options->output, "settings", describe_settings(run), "scales",
                     (json_int_t)run->student.scales, "trained_scales", (json_int_t)run->trained,
                     "bytes", (json_int_t)run->bytes, "bits_per_weight",
                     bits_per_weight(run, run->bytes), "before",
                     report_evaluation(&run->before, bits_per_weight(run, run->bytes_before)),
                     "after", report_evaluation(&run->after, bits_per_weight(run, run->bytes)),
                     "epoch_losses", losses, "seconds", meter_seconds(&run->session->meter));
}

static bool print_result(const struct tuning *run)
{
    if (run->options->json)
        return report_json(describe_json(run), run->failure);
    printf("KL to original   %.4f bits per token before, %.4f after (on the text tuned on)\n",
           run->before.kl_bits, run->after.kl_bits);
    printf("cross entropy    %.4f nats per token before, %.4f after\n", run->before.cross_entropy,
           run->after.cross_entropy);
    printf(
        "%s: %llu bytes (%llu before), %.4f bits per weight, %zu of %zu scales trained, %.1f s\n",
        run->options->output, (unsigned long long)run->bytes, (unsigned long long)run->bytes_before,
        bits_per_weight(run, run->bytes), run->trained, run->student.scales,
        meter_seconds(&run->session->meter));
    return report_flush(run->failure);
}

/* The archive is what was asked for all the same; whoever asked should know. */
static void warn_of_loss(const struct tuning *run)
{
    if (run->after.kl_bits > run->before.kl_bits)
        fprintf(stderr,
                "watersic-llm: warning: fine-tuning has raised the divergence from %.4f to %.4f "
                "bits per token; a lower --learning-rate may help\n",
                run->before.kl_bits, run->after.kl_bits);
}

static bool tune_student(struct tuning *run)
{
    run->trained = student_fix(&run->student);
    run->bytes_before = package_bytes(run->student.restored.package);
    if (!measure(run, &run->before) ||
        !train(&run->student, &run->settings, &run->tokens, run->reference, &run->session->meter,
               run->losses, run->failure) ||
        !measure(run, &run->after) || !write_archive(run))
        return false;
    meter_stop(&run->session->meter);
    warn_of_loss(run);
    return print_result(run);
}

/* The original's states first: it goes through memory block by block. */
static bool run_tuning(struct tuning *run)
{
    const struct options *const options = run->options;
    struct session *const session = run->session;

    if (wsic_archive_writer_create(session->context, options->output, &run->writer) < 0)
        return refuse(run->failure, "%s: %s", options->output,
                      wsic_context_message(session->context));
    run->losses = calloc(run->settings.epochs, sizeof *run->losses);
    if (!run->losses)
        return refuse(run->failure, "out of memory for %zu epochs", run->settings.epochs);
    if (!load_text(run) || !model_load_head(&session->model, run->failure))
        return false;
    run->reference =
        evaluate_hidden(&session->model, &run->tokens, run->settings.window, run->failure);
    if (!run->reference || !student_create(&run->student, &session->model, session->context,
                                           options->archive, run->failure))
        return false;
    const bool ok = tune_student(run);
    student_free(&run->student);
    return ok;
}

enum outcome command_finetune(const struct options *options, struct failure *failure)
{
    struct session session;

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    struct tuning run = {.options = options,
                         .session = &session,
                         .settings = {.window = session.window,
                                      .epochs = options->epochs,
                                      .batch = options->batch,
                                      .learning_rate = options->learning_rate,
                                      .last_learning_rate = options->last_learning_rate},
                         .failure = failure};
    const bool ok = run_tuning(&run);
    wsic_archive_writer_destroy(run.writer);
    tokens_free(&run.tokens);
    free(run.reference);
    free(run.losses);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
