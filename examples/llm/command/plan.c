/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/peak_memory.h"
#include "common/plot.h"
#include "llm/text/text.h"
#include "llm/watersic/forecast.h"
#include "llm/watersic/outputs_pass.h"
#include "llm/watersic/report.h"
#include "llm/watersic/watersic_method.h"
#include "llm/watersic/planning_work.h"

struct planning {
    const struct options *options;
    struct session *session;
    struct tokens tokens;
    struct exclusions exclusions;
    struct outputs outputs;
    struct forecast forecasts[OPTIONS_MAX_RATES];
    size_t layers;
    struct failure *failure;
};

static size_t count_rates(const struct planning *run)
{
    return run->options->rates.count;
}

static struct calibration describe_calibration(struct planning *run)
{
    return (struct calibration){.tokens = &run->tokens,
                                .window = run->session->window,
                                .recipe = &run->options->recipe,
                                .directory = run->options->run,
                                .outputs = &run->outputs};
}

/* --- making ---------------------------------------------------------------------- */

static bool make_forecast(struct planning *run, size_t index, const struct calibration *calibration,
                          const struct stretch *stretch)
{
    const struct options *const options = run->options;
    const struct method_settings settings = {.rate = options->rates.values[index],
                                             .preset = options->presets.names[0],
                                             .settings = options->settings.values,
                                             .setting_count = options->settings.count,
                                             .rescalers = options->recipe.rescalers,
                                             .outputs = options->recipe.outputs};
    wsic_context *const context = run->session->context;
    wsic_encoder *const encoder = watersic_encoder_create(context, &settings, false, run->failure);
    const bool ok =
        encoder && forecast_make(&run->forecasts[index], &run->session->model, calibration,
                                 settings.rate, encoder, stretch, context, run->failure);

    wsic_encoder_destroy(encoder);
    return ok;
}

static bool make_forecasts(struct planning *run)
{
    struct model *const model = &run->session->model;
    const struct calibration calibration = describe_calibration(run);
    const double pass = work_outputs(&model->config, &calibration).total;
    const double each = work_planning(&model->config, &calibration);
    const double all = pass + (double)count_rates(run) * each;
    struct stretch stretch = {
        .meter = &run->session->meter, .label = "outputs", .from = 0, .to = pass / all};

    if (!outputs_collect(&run->outputs, model, &calibration, &stretch, run->failure))
        return false;
    stretch.label = "planning";
    for (size_t i = 0; i < count_rates(run); i++) {
        stretch.from = (pass + (double)i * each) / all;
        stretch.to = (pass + (double)(i + 1) * each) / all;
        if (!make_forecast(run, i, &calibration, &stretch))
            return false;
    }
    meter_stop(&run->session->meter);
    return true;
}

/* --- telling ----------------------------------------------------------------------- */

static void print_totals(const struct planning *run)
{
    printf("%8s %14s %16s\n", "rate", "bytes", "predicted KL");
    for (size_t i = 0; i < count_rates(run); i++)
        printf("%8.4g %14llu %16.5f\n", run->forecasts[i].all.rate,
               (unsigned long long)run->forecasts[i].bytes, run->forecasts[i].all.kl_bits);
}

static void print_layer(const struct planning *run, size_t layer)
{
    char name[MODEL_NAME_SIZE];

    layers_name(&run->session->model.config, layer, name);
    report_name(name, 9 * count_rates(run));
    for (size_t i = 0; i < count_rates(run); i++)
        printf(" %8.4f", run->forecasts[i].layers[layer].rate);
    putchar('\n');
}

static void print_text(const struct planning *run)
{
    print_totals(run);
    putchar('\n');
    report_name("layer, bits per weight at", 9 * count_rates(run));
    for (size_t i = 0; i < count_rates(run); i++)
        printf(" %8.4g", run->forecasts[i].all.rate);
    putchar('\n');
    for (size_t i = 0; i < run->layers; i++)
        if (!run->exclusions.of[i].skipped)
            print_layer(run, i);
    printf("\nBytes of all layers, everything counted. KL to the original in bits per token, to "
           "second "
           "order;\npreset %s, %zu calibration tokens, %.0f s.\n",
           run->options->presets.names[0], run->tokens.count, meter_seconds(&run->session->meter));
}

static json_t *describe_layers(const struct planning *run, const struct forecast *forecast)
{
    json_t *const layers = json_array();
    char name[MODEL_NAME_SIZE];

    for (size_t i = 0; i < run->layers; i++) {
        if (run->exclusions.of[i].skipped)
            continue;
        layers_name(&run->session->model.config, i, name);
        json_array_append_new(layers, json_pack("{s:s, s:f, s:f}", "name", name, "rate",
                                                forecast->layers[i].rate, "predicted_kl_bits",
                                                forecast->layers[i].kl_bits));
    }
    return layers;
}

static json_t *describe_json(const struct planning *run)
{
    json_t *const rates = json_array();

    for (size_t i = 0; i < count_rates(run); i++) {
        const struct forecast *const forecast = &run->forecasts[i];
        json_array_append_new(rates, json_pack("{s:f, s:I, s:f, s:o}", "rate", forecast->all.rate,
                                               "bytes", (json_int_t)forecast->bytes,
                                               "predicted_kl_bits", forecast->all.kl_bits, "layers",
                                               describe_layers(run, forecast)));
    }
    return json_pack("{s:o, s:I, s:I, s:f, s:I, s:o}", "recipe",
                     report_recipe(&run->options->recipe), "tokens", (json_int_t)run->tokens.count,
                     "window", (json_int_t)run->session->window, "seconds",
                     meter_seconds(&run->session->meter), "peak_bytes", (json_int_t)peak_memory(),
                     "rates", rates);
}

/* --- drawing -------------------------------------------------------------------------- */

/* Points that a logarithmic axis has. */
static plot_line make_line(const struct planning *run)
{
    plot_line line = {.name = "predicted"};

    for (size_t i = 0; i < count_rates(run); i++)
        if (run->forecasts[i].all.kl_bits > 0)
            plot_add(&line, run->forecasts[i].all.rate, run->forecasts[i].all.kl_bits);
    return line;
}

static bool draw(const struct planning *run)
{
    char subtitle[160];
    struct plot plot = {.title = "What a model loses at every size",
                        .subtitle = subtitle,
                        .x_label = "rate, bits per weight, everything counted",
                        .y_label = "predicted KL to the original, bits per token",
                        .lines = {make_line(run)},
                        .line_count = 1};

    if (plot_is_empty(&plot))
        return refuse(run->failure, "%s: no rate has a divergence that can be drawn",
                      run->options->plot);
    plot_fit(&plot, 0.5);
    snprintf(subtitle, sizeof subtitle, "%.100s, %zu linear layers",
             run->session->model.config.architecture, run->layers);
    return plot_write(&plot, 1, run->options->plot, run->failure);
}

/* --- all of it -------------------------------------------------------------------------- */

static bool allocate(struct planning *run)
{
    for (size_t i = 0; i < count_rates(run); i++) {
        run->forecasts[i].layers = calloc(run->layers, sizeof *run->forecasts[i].layers);
        if (!run->forecasts[i].layers)
            return refuse(run->failure, "out of memory for %zu layers", run->layers);
    }
    return true;
}

static bool prepare(struct planning *run)
{
    const struct options *const options = run->options;
    struct model *const model = &run->session->model;
    const struct text_source source = options_text(options);

    run->layers = layers_count(&model->config);
    if (!exclusions_create(&run->exclusions, &model->config, options->skip, options->zero_rows,
                           run->failure))
        return false;
    model->exclusions = &run->exclusions;
    if (!text_load(&run->tokens, &source, &model->config, run->session->window, options->max_tokens,
                   run->failure))
        return false;
    const struct calibration calibration = describe_calibration(run);
    report_scarce_text(&model->config, &calibration);
    return allocate(run) && outputs_create(&run->outputs, run->session->context, model,
                                           &options->recipe, run->failure);
}

static bool tell(const struct planning *run)
{
    if (run->options->plot && !draw(run))
        return false;
    if (run->options->json)
        return report_json(describe_json(run), run->failure);
    print_text(run);
    return report_flush(run->failure);
}

enum outcome command_plan(const struct options *options, struct failure *failure)
{
    struct session session;
    struct planning run = {.options = options, .session = &session, .failure = failure};

    if (options->recipe.plan == PLAN_NONE) {
        refuse(failure, "--plan: 'none' leaves nothing to plan");
        return OUTCOME_USAGE;
    }
    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const bool ok = prepare(&run) && make_forecasts(&run) && tell(&run);
    for (size_t i = 0; i < count_rates(&run); i++)
        free(run.forecasts[i].layers);
    outputs_free(&run.outputs);
    tokens_free(&run.tokens);
    exclusions_free(&run.exclusions);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
