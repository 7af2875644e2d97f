/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/baselines.h"
#include "common/path.h"
#include "llm/command/curves.h"
#include "llm/run/baseline_method.h"
#include "llm/report/evaluate.h"
#include "llm/watersic/outputs.h"
#include "llm/watersic/report.h"
#include "llm/watersic/rotated_method.h"
#include "llm/watersic/watersic_run.h"
#include "llm/text/text.h"

/* WaterSIC with the first of the presets that are compared; the others follow. */
enum { METHOD_RTN, METHOD_GPTQ, METHOD_GPTQ_CODED, METHOD_GPTQ_ROTATED, METHOD_WATERSIC };

enum { MOST_METHODS = METHOD_WATERSIC + OPTIONS_MAX_PRESETS };
_Static_assert((int)MOST_METHODS < (int)PLOT_MAX_LINES,
               "a curve for each method, and the original");

static const char *const method_names[] = {
    [METHOD_RTN] = "RTN",
    [METHOD_GPTQ] = "GPTQ",
    [METHOD_GPTQ_CODED] = "GPTQ, entropy-coded",
    [METHOD_GPTQ_ROTATED] = "GPTQ, rotated, coded",
    [METHOD_WATERSIC] = "WaterSIC",
};

struct row {
    char method[OPTIONS_NAME_SIZE + 16];
    double bits_per_weight;
    struct evaluation evaluation;
};

struct comparison {
    const struct options *options;
    struct session *session; /* every run replaces the blocks of its model */
    struct tokens calibration;
    struct tokens text;
    float *reference;                         /* final states of the original model on text */
    struct layer_result *results;             /* of the library's last run */
    struct known_sensitivities sensitivities; /* the same at all rates, with all presets */
    struct outputs outputs;                   /* likewise */
    uint64_t *budgets;                        /* most bytes of every layer as WaterSIC has it */
    size_t layers;
    size_t methods;
    size_t runs; /* done */
    json_t *rows;
    struct curves curves;
    double original_perplexity;
    struct failure *failure;
};

static const char footer[] =
    "All methods are calibrated on the same text, layer by layer on the model as quantized so "
    "far.\n"
    "RTN and GPTQ: symmetric grid for every row, clipped where the row's squared error is least,\n"
    "codes of fixed length (log2 of the number of levels, which need not be a power of two) and\n"
    "16-bit scales. For every layer they have the fewest levels that take at least as many bytes "
    "as\n"
    "WaterSIC, never fewer bytes. Rotated: random Hadamard rotation of the inputs. Cross entropy "
    "in nats per token, KL to the original in bits.\n";

static const char recipe_footer[] = "WaterSIC alone is fitted to the states of the original model "
                                    "as well (--recipe plain: not).\n";

static struct stretch next_stretch(struct comparison *run, const char *label)
{
    const double runs = (double)(run->options->rates.count * run->methods);
    const struct stretch stretch = {.meter = &run->session->meter,
                                    .label = label,
                                    .from = (double)run->runs / runs,
                                    .to = (double)(run->runs + 1) / runs};

    run->runs++;
    return stretch;
}

static struct calibration calibrate_by(struct comparison *run, const struct recipe *recipe)
{
    return (struct calibration){.tokens = &run->calibration,
                                .window = run->session->window,
                                .recipe = recipe,
                                .directory = run->options->run,
                                .sensitivities = &run->sensitivities,
                                .outputs = &run->outputs,
                                .low_memory = run->options->low_memory};
}

static bool run_watersic(struct comparison *run, size_t method, const char *label, double rate,
                         struct watersic_method *library)
{
    const struct recipe theirs = {.statistics = true};
    const struct calibration calibration =
        calibrate_by(run, method < METHOD_WATERSIC ? &theirs : &run->options->recipe);
    const struct stretch stretch = next_stretch(run, label);

    return watersic_run(library, &run->session->model, &calibration, rate, &stretch, run->failure);
}

static struct method_settings library_settings(const struct options *options, size_t method,
                                               double rate)
{
    if (method < METHOD_WATERSIC)
        return (struct method_settings){.rate = rate,
                                        .preset = "paper",
                                        .settings = coded_gptq_settings,
                                        .setting_count = CODED_GPTQ_SETTINGS,
                                        .rescalers = true};
    return (struct method_settings){.rate = rate,
                                    .preset = options->presets.names[method - METHOD_WATERSIC],
                                    .settings = options->settings.values,
                                    .setting_count = options->settings.count,
                                    .rescalers = options->recipe.rescalers,
                                    .outputs = options->recipe.outputs};
}

/* Returns the bytes of all layers, or 0 on failure. */
static uint64_t run_library(struct comparison *run, size_t method, const char *label, double rate)
{
    const struct method_settings settings = library_settings(run->options, method, rate);
    struct watersic_method library = {.context = run->session->context, .results = run->results};
    uint64_t bytes = 0;

    library.encoder =
        watersic_encoder_create(run->session->context, &settings, false, run->failure);
    if (library.encoder && run_watersic(run, method, label, rate, &library))
        for (size_t i = 0; i < run->layers; i++)
            bytes += run->results[i].info.bytes;
    wsic_encoder_destroy(library.encoder);
    return bytes;
}

static uint64_t run_baseline(struct comparison *run, size_t method, const char *label)
{
    const struct recipe recipe = {.statistics = method != METHOD_RTN};
    const struct calibration calibration = calibrate_by(run, &recipe);
    const struct stretch stretch = next_stretch(run, label);
    struct baseline baseline = {.feedback = method == METHOD_GPTQ, .budgets = run->budgets};

    return pipeline_run(&run->session->model, &calibration, &stretch, run->session->context,
                        baseline_quantize, &baseline, run->failure)
               ? baseline.bytes
               : 0;
}

static uint64_t run_rotated(struct comparison *run, const char *label, double rate)
{
    const struct method_settings settings =
        library_settings(run->options, METHOD_GPTQ_ROTATED, rate);
    const struct recipe recipe = {.statistics = true};
    const struct calibration calibration = calibrate_by(run, &recipe);
    const struct stretch stretch = next_stretch(run, label);
    struct rotated rotated = {.context = run->session->context};

    rotated.encoder =
        watersic_encoder_create(run->session->context, &settings, false, run->failure);
    const bool ok = rotated.encoder &&
                    pipeline_run(&run->session->model, &calibration, &stretch,
                                 run->session->context, rotated_quantize, &rotated, run->failure);
    wsic_encoder_destroy(rotated.encoder);
    return ok ? rotated.bytes : 0;
}

static uint64_t run_bytes(struct comparison *run, size_t method, const char *label, double rate)
{
    if (method == METHOD_RTN || method == METHOD_GPTQ)
        return run_baseline(run, method, label);
    if (method == METHOD_GPTQ_ROTATED)
        return run_rotated(run, label, rate);
    return run_library(run, method, label, rate);
}

static void name_method(const struct options *options, size_t method, struct row *row)
{
    if (method >= METHOD_WATERSIC && options->presets.count > 1)
        snprintf(row->method, sizeof row->method, "WaterSIC, %s",
                 options->presets.names[method - METHOD_WATERSIC]);
    else
        snprintf(row->method, sizeof row->method, "%s", method_names[method]);
}

static bool run_method(struct comparison *run, size_t method, double rate, struct row *row)
{
    name_method(run->options, method, row);
    const uint64_t bytes = run_bytes(run, method, row->method, rate);
    if (bytes == 0)
        return false;
    row->bits_per_weight = 8 * (double)bytes / (double)layers_weights(&run->session->model.config);
    struct stages *const stages = &run->session->meter.stages;
    const enum stage before = stages_enter(stages, STAGE_EVALUATION);
    const bool ok = evaluate(&row->evaluation, &run->session->model, &run->text,
                             run->session->window, run->reference, run->failure);
    stages_leave(stages, before);
    return ok;
}

static void add_row(struct comparison *run, const char *rate, const struct row *row)
{
    json_t *const entry = report_evaluation(&row->evaluation, row->bits_per_weight);

    json_object_set_new(entry, "method", json_string(row->method));
    json_object_set_new(entry, "rate", json_real(strtod(rate, NULL)));
    json_array_append_new(run->rows, entry);
    if (run->options->json)
        return;
    meter_stop(&run->session->meter);
    printf("%6s  %-20s %10.4f %10.4f %12.4f %10.4f\n", rate, row->method, row->bits_per_weight,
           row->evaluation.cross_entropy, row->evaluation.perplexity, row->evaluation.kl_bits);
    fflush(stdout);
}

static void raise_budgets(struct comparison *run)
{
    for (size_t i = 0; i < run->layers; i++)
        if (run->budgets[i] < run->results[i].info.bytes)
            run->budgets[i] = run->results[i].info.bytes;
}

static bool run_rate(struct comparison *run, double rate)
{
    struct row rows[MOST_METHODS];
    char text[32];

    /* WaterSIC first: it sets the bytes that the others may use. */
    memset(run->budgets, 0, run->layers * sizeof *run->budgets);
    for (size_t method = METHOD_WATERSIC; method < run->methods; method++) {
        if (!run_method(run, method, rate, &rows[method]))
            return false;
        raise_budgets(run);
    }
    for (size_t method = 0; method < METHOD_WATERSIC; method++)
        if (!run_method(run, method, rate, &rows[method]))
            return false;
    snprintf(text, sizeof text, "%g", rate);
    for (size_t method = 0; method < run->methods; method++) {
        add_row(run, text, &rows[method]);
        curves_add(&run->curves, rows[method].method, rows[method].bits_per_weight,
                   &rows[method].evaluation);
    }
    return true;
}

static bool run_original(struct comparison *run)
{
    const struct model *const model = &run->session->model;
    struct row row = {.method = "original", .bits_per_weight = model->stored_bits};

    run->reference = evaluate_hidden(model, &run->text, run->session->window, run->failure);
    if (!run->reference ||
        !evaluate_states(&row.evaluation, model, &run->text, run->session->window, run->reference,
                         NULL, run->failure))
        return false;
    run->original_perplexity = row.evaluation.perplexity;
    if (!run->options->json)
        printf("%6s  %-20s %10s %10s %12s %10s\n", "rate", "method", "bits/wt", "cross ent.",
               "perplexity", "KL bits");
    add_row(run, "-", &row);
    return true;
}

static bool run_rates(struct comparison *run)
{
    struct stages *const stages = &run->session->meter.stages;
    const enum stage before = stages_enter(stages, STAGE_EVALUATION);
    const bool ok = run_original(run);

    stages_leave(stages, before);
    if (!ok)
        return false;
    for (size_t i = 0; i < run->options->rates.count; i++)
        if (!run_rate(run, run->options->rates.values[i]))
            return false;
    return true;
}

static bool tell(struct comparison *run)
{
    struct stages *const stages = &run->session->meter.stages;

    meter_stop(&run->session->meter);
    if (run->options->plot &&
        !curves_write(&run->curves, run->original_perplexity, run->options->plot, run->failure))
        return false;
    if (!run->options->json) {
        const bool fitted = recipe_compares(&run->options->recipe);
        printf("\n%s%s%zu calibration tokens, %zu evaluated tokens, windows of %zu; %.0f s.\n",
               footer, fitted ? recipe_footer : "", run->calibration.count, run->text.count,
               run->session->window, meter_seconds(&run->session->meter));
        report_print_stages(stages);
        return report_flush(run->failure);
    }
    json_t *const seconds = report_stages(stages);
    return report_json(
        json_pack("{s:o, s:I, s:I, s:I, s:f, s:o, s:O}", "recipe",
                  report_recipe(&run->options->recipe), "calibration_tokens",
                  (json_int_t)run->calibration.count, "tokens", (json_int_t)run->text.count,
                  "window", (json_int_t)run->session->window, "seconds",
                  meter_seconds(&run->session->meter), "stages", seconds, "rows", run->rows),
        run->failure);
}

static bool prepare(struct comparison *run)
{
    const struct options *const options = run->options;
    const struct config *const config = &run->session->model.config;
    const struct text_source calibrated = options_text(options);
    const struct text_source evaluated = options_eval_text(options);

    run->methods = METHOD_WATERSIC + options->presets.count;
    run->layers = layers_count(config);
    run->results = calloc(run->layers, sizeof *run->results);
    run->sensitivities.values = calloc(run->layers, sizeof *run->sensitivities.values);
    run->budgets = calloc(run->layers, sizeof *run->budgets);
    run->rows = json_array();
    if (!run->results || !run->sensitivities.values || !run->budgets || !run->rows)
        return refuse(run->failure, "out of memory");
    if (!text_load(&run->calibration, &calibrated, config, run->session->window,
                   options->max_tokens, run->failure) ||
        !text_load(&run->text, &evaluated, config, run->session->window, options->eval_tokens,
                   run->failure))
        return false;
    if (!outputs_create(&run->outputs, run->session->context, &run->session->model,
                        &options->recipe, run->failure))
        return false;
    const char *const text = options->eval_text ? options->eval_text : options->eval;
    curves_begin(&run->curves, config->architecture, text + path_folder_length(text));
    const struct calibration calibration = calibrate_by(run, &options->recipe);
    report_scarce_text(config, &calibration);
    return model_load_rest(&run->session->model, run->failure);
}

enum outcome command_compare(const struct options *options, struct failure *failure)
{
    struct session session;
    struct comparison run = {.options = options, .session = &session, .failure = failure};

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const enum stage before = stages_enter(&session.meter.stages, STAGE_READING);
    const bool prepared = prepare(&run);
    stages_leave(&session.meter.stages, before);
    const bool ok = prepared && run_rates(&run) && tell(&run);
    json_decref(run.rows);
    free(run.reference);
    free(run.results);
    free(run.sensitivities.values);
    free(run.budgets);
    outputs_free(&run.outputs);
    tokens_free(&run.calibration);
    tokens_free(&run.text);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
