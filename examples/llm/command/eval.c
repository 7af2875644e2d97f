/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "llm/watersic/allocation.h"
#include "llm/report/evaluate.h"
#include "llm/report/footprint.h"
#include "llm/report/pair.h"
#include "llm/watersic/report.h"
#include "llm/text/text.h"

struct measured {
    const struct options *options;
    struct session *session;
    struct tokens tokens;
    struct evaluation evaluation;
    struct footprint footprint;
    struct pair pair; /* of the archive's model */
    double predicted; /* divergence, before anything was quantized; 0: nothing is said of it */
};

static void print_sizes(const struct measured *measured)
{
    const struct footprint *const footprint = &measured->footprint;

    if (footprint->archive_bytes == 0)
        printf("bits per weight  %.4f in the linear layers, as in the checkpoint\n",
               measured->session->model.stored_bits);
    else
        printf("bits per weight  %.4f in quantized layers: %llu bytes of the archive, %llu weights "
               "in %llu layers\n",
               footprint_layer_bits(footprint), (unsigned long long)footprint->archive_bytes,
               (unsigned long long)footprint->weights, (unsigned long long)footprint->layers);
    printf("                 %.4f in all: %s%llu bytes of %llu %stensors as in the checkpoint, "
           "%llu parameters\n",
           footprint_whole_bits(footprint), footprint->archive_bytes == 0 ? "" : "these and ",
           (unsigned long long)footprint->untouched_bytes, (unsigned long long)footprint->untouched,
           footprint->archive_bytes == 0 ? "" : "untouched ",
           (unsigned long long)footprint->parameters);
}

/* Characters that a line of the table has beside the name. */
enum { FIGURES = 59 };

static void print_layers(const struct measured *measured)
{
    const size_t count = layers_count(&measured->session->model.config);

    putchar('\n');
    report_name("layer", FIGURES);
    printf(" %12s %8s %10s %12s %12s\n", "shape", "rate", "distortion", "output err.",
           "input err.");
    for (size_t i = 0; i < count; i++) {
        const struct layer_error *const error = &measured->pair.errors[i];
        char name[MODEL_NAME_SIZE];
        char shape[48];
        char distortion[REPORT_FIGURE_SIZE];
        layers_name(&measured->session->model.config, i, name);
        snprintf(shape, sizeof shape, "%llux%llu", (unsigned long long)error->info.rows,
                 (unsigned long long)error->info.columns);
        report_distortion(&error->info, distortion);
        report_name(name, FIGURES);
        printf(" %12s %8.4f %10s %12.6f %12.6f\n", shape, error->info.rate, distortion,
               pair_output_error(error), pair_input_error(error));
    }
    puts("\nRelative squared errors. Distortion: of calibration, as the archive has it (-: not "
         "known, as\nafter fine-tuning, or not quantized). Output and input: on this text, |W x - "
         "W' x'|^2 / |W x|^2 and |x - x'|^2 / |x|^2, where x runs "
         "through the original and\nx' through the quantized model.");
}

static bool print_text(const struct measured *measured, struct failure *failure)
{
    const struct evaluation *const evaluation = &measured->evaluation;

    printf("cross entropy    %.4f nats per token", evaluation->cross_entropy);
    if (measured->options->archive)
        printf(", original %.4f", evaluation->reference_cross_entropy);
    printf("\nperplexity       %.4f", evaluation->perplexity);
    if (measured->options->archive)
        printf(", original %.4f", exp(evaluation->reference_cross_entropy));
    printf("\nKL to original   %.4f bits per token", evaluation->kl_bits);
    if (measured->predicted > 0)
        printf(", predicted %.4f", measured->predicted);
    putchar('\n');
    print_sizes(measured);
    printf("tokens           %zu in windows of %zu", measured->tokens.count,
           measured->session->window);
    if (measured->tokens.beginning > 0)
        printf(", each begun with %zu before the text (BOS)", measured->tokens.beginning);
    putchar('\n');
    if (measured->pair.errors)
        print_layers(measured);
    return report_flush(failure);
}

static bool print_json(const struct measured *measured, struct failure *failure)
{
    const struct footprint *const footprint = &measured->footprint;
    const double bits = footprint->archive_bytes == 0 ? measured->session->model.stored_bits
                                                      : footprint_layer_bits(footprint);
    json_t *const root = report_evaluation(&measured->evaluation, bits);

    json_object_update_new(root, report_footprint(footprint));
    json_object_set_new(root, "tokens", json_integer((json_int_t)measured->tokens.count));
    json_object_set_new(root, "window", json_integer((json_int_t)measured->session->window));
    json_object_set_new(root, "beginning_tokens",
                        json_integer((json_int_t)measured->tokens.beginning));
    if (measured->options->archive)
        json_object_set_new(root, "original", report_reference(&measured->evaluation));
    if (measured->predicted > 0)
        json_object_set_new(root, "predicted_kl_bits", json_real(measured->predicted));
    if (measured->pair.errors)
        json_object_set_new(root, "layers",
                            report_errors(measured->pair.errors, &measured->session->model.config));
    return report_json(root, failure);
}

/* Fine-tuning has made another model of it. */
static double read_prediction(const struct package *package)
{
    const char *const text = package_metadata(package, prediction_key);

    return text && !package_metadata(package, "finetune") ? strtod(text, NULL) : 0;
}

static bool evaluate_archive(struct measured *measured, struct failure *failure)
{
    const struct session *const session = measured->session;
    struct restored restored;

    if (!restored_open(&restored, &session->model, session->context, measured->options->archive,
                       failure))
        return false;
    bool ok =
        footprint_measure(&measured->footprint, session->model.checkpoint, &restored, failure);
    measured->predicted = read_prediction(restored.package);
    ok = ok && pair_run(&measured->pair, &restored, &measured->tokens, session->window,
                        measured->options->layers, &measured->session->meter, failure);
    if (ok) {
        const struct readout readout = {&restored.model, measured->pair.restored};
        const struct readout reference = {&session->model, measured->pair.original};
        ok = evaluate_readout(&measured->evaluation, &readout, &reference, &measured->tokens,
                              session->window, failure);
    }
    restored_close(&restored);
    return ok;
}

/* The model as the archive has it; without one, as it is in the checkpoint. */
static bool measure(struct measured *measured, struct failure *failure)
{
    struct session *const session = measured->session;
    const struct options *const options = measured->options;
    const struct text_source source = options_text(options);

    if (!text_load(&measured->tokens, &source, &session->model.config, session->window,
                   options->max_tokens, failure))
        return false;
    /* Applied to a few tokens at a time, it must be at hand. */
    if (!model_load_head(&session->model, failure))
        return false;
    if (options->archive)
        return evaluate_archive(measured, failure);
    if (!footprint_measure(&measured->footprint, session->model.checkpoint, NULL, failure))
        return false;
    float *const hidden = evaluate_hidden_shown(&session->model, &measured->tokens, session->window,
                                                &session->meter, failure);
    const bool ok =
        hidden && evaluate_states(&measured->evaluation, &session->model, &measured->tokens,
                                  session->window, hidden, NULL, failure);
    free(hidden);
    return ok;
}

enum outcome command_eval(const struct options *options, struct failure *failure)
{
    struct session session;
    struct measured measured = {.options = options, .session = &session};

    if (options->layers && !options->archive) {
        refuse(failure, "--layers needs --archive");
        return OUTCOME_USAGE;
    }
    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const bool done = measure(&measured, failure);
    meter_stop(&session.meter);
    const bool ok =
        done && (options->json ? print_json(&measured, failure) : print_text(&measured, failure));
    pair_free(&measured.pair);
    tokens_free(&measured.tokens);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
