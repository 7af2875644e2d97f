/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

/* Columns are counted in bins of half a bit; the last takes what is beyond. */
enum { BINS = 25 };
static const double bin_width = 0.5;

typedef struct plan_options {
    const char *weights, *stats;
    double rate, distortion;
    bool json;
    session_options session;
} plan_options;

typedef struct plan_job {
    const plan_options *options;
    wsic_context *context;
    weights_input weights;
    wsic_stats *stats;
    wsic_plan *plan;
    wsic_plan_layer layer;
    double *rates; /* of the columns, ascending */
    size_t columns;
    size_t histogram[BINS];
} plan_job;

static void release(plan_job *job)
{
    free(job->rates);
    wsic_plan_destroy(job->plan);
    wsic_stats_destroy(job->stats);
    weights_close(&job->weights);
    session_close(job->context);
}

static int open_inputs(plan_job *job)
{
    if (session_open_for_blas(&job->options->session, &job->context) != EXIT_SUCCESS ||
        weights_open(job->options->weights, &job->weights) != EXIT_SUCCESS ||
        stats_open(job->context, job->options->stats, (double)NAN, &job->stats) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    const wsic_status status = wsic_plan_create(job->context, &job->plan);
    return status == WSIC_OK ? EXIT_SUCCESS
                             : complain_status(NULL, status, wsic_context_message(job->context));
}

static wsic_status solve(plan_job *job)
{
    const plan_options *const options = job->options;
    wsic_status status = wsic_plan_add(job->plan, job->stats, &job->weights.matrix, NULL);

    if (status == WSIC_OK)
        status = isnan(options->rate) ? wsic_plan_solve_distortion(job->plan, options->distortion)
                                      : wsic_plan_solve_rate(job->plan, options->rate);
    if (status == WSIC_OK)
        status = wsic_plan_get_layer(job->plan, 0, &job->layer);
    if (status == WSIC_OK)
        status = wsic_plan_get_column_rates(job->plan, 0, job->rates, job->columns);
    return status;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static int make_plan(plan_job *job)
{
    job->layer.size = sizeof job->layer;
    job->columns = job->weights.matrix.columns;
    job->rates = calloc(job->columns, sizeof *job->rates);
    if (!job->rates)
        return complain(NULL, "out of memory");
    const wsic_status status = solve(job);
    if (status != WSIC_OK)
        return complain_status(job->options->weights, status, wsic_plan_message(job->plan));
    qsort(job->rates, job->columns, sizeof *job->rates, ascending);
    for (size_t j = 0; j < job->columns; j++) {
        const double bin = floor(job->rates[j] / bin_width);
        job->histogram[bin < BINS ? (size_t)bin : BINS - 1]++;
    }
    return EXIT_SUCCESS;
}

static double quantile(const plan_job *job, double part)
{
    return job->rates[(size_t)(part * (double)(job->columns - 1) + 0.5)];
}

static json_t *column_json(const plan_job *job)
{
    json_t *const counts = json_array();

    for (size_t i = 0; i < BINS; i++)
        json_array_append_new(counts, json_integer((json_int_t)job->histogram[i]));
    return json_pack("{s:o, s:o, s:o, s:f, s:o}", "minimum", json_figure(quantile(job, 0)),
                     "median", json_figure(quantile(job, 0.5)), "maximum",
                     json_figure(quantile(job, 1)), "bin_width", bin_width, "histogram", counts);
}

static int print_as_json(const plan_job *job)
{
    const wsic_plan_layer *const layer = &job->layer;

    return print_json(json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "name", job->weights.name,
        "rows", (json_int_t)layer->rows, "columns", (json_int_t)layer->columns, "rate",
        json_figure(layer->rate), "step", json_figure(layer->step), "water_level",
        json_figure(layer->water_level), "distortion", json_figure(layer->distortion), "energy",
        json_figure(layer->energy), "damping", json_figure(layer->damping), "dead_columns",
        (json_int_t)layer->dead_columns, "column_rates", column_json(job)));
}

static void print_histogram(const plan_job *job)
{
    static const char bar[] = "##################################################";
    size_t most = 1;

    for (size_t i = 0; i < BINS; i++)
        most = job->histogram[i] > most ? job->histogram[i] : most;
    printf("\n%11s %8s\n", "bits", "columns");
    for (size_t i = 0; i < BINS; i++) {
        const double length = (double)(sizeof bar - 1) * (double)job->histogram[i] / (double)most;
        if (job->histogram[i] > 0)
            printf("%4.1f - %-4.1f %8zu %.*s\n", (double)i * bin_width, (double)(i + 1) * bin_width,
                   job->histogram[i], (int)ceil(length), bar);
    }
}

static int print_for_person(const plan_job *job)
{
    const wsic_plan_layer *const layer = &job->layer;

    print_fact("layer", "%s, %" PRIu64 " x %" PRIu64, job->weights.name, layer->rows,
               layer->columns);
    print_fact("rate", "%.4f bits per weight", layer->rate);
    print_fact("step", "%.9g", layer->step);
    print_fact("water level", "%.9g", layer->water_level);
    print_fact("distortion", "%.6g of %.6g", layer->distortion, layer->energy);
    print_fact("damping", "%.6g", layer->damping);
    print_fact("dead columns", "%" PRIu64, layer->dead_columns);
    print_fact("column rates", "%.4f to %.4f, median %.4f", quantile(job, 0), quantile(job, 1),
               quantile(job, 0.5));
    print_histogram(job);
    return finish_output();
}

static int plan(plan_job *job)
{
    int result = open_inputs(job);

    if (result == EXIT_SUCCESS)
        result = make_plan(job);
    if (result != EXIT_SUCCESS)
        return result;
    progress_clear();
    return job->options->json ? print_as_json(job) : print_for_person(job);
}

static int check(const cli_command *self, const plan_options *options)
{
    if (!options->weights)
        return options_fail(self, "--weights is missing");
    if (!options->stats)
        return options_fail(self, "--stats is missing");
    if (isnan(options->rate) == isnan(options->distortion))
        return options_fail(self, "one of --rate and --distortion must be given");
    return OPTIONS_READ;
}

int run_plan(const cli_command *self, int argc, char **argv)
{
    plan_options options = {.rate = (double)NAN, .distortion = (double)NAN};
    const option_spec specs[] = {
        {"weights", 'w', OPTION_TEXT, &options.weights, "WEIGHTS", "matrix, a row an output"},
        {"stats", 's', OPTION_TEXT, &options.stats, "STATS", "covariance of its input"},
        {"rate", 'r', OPTION_NUMBER, &options.rate, "R", "mean bits per weight of the codes"},
        {"distortion", 'd', OPTION_NUMBER, &options.distortion, "D",
         "plan for a distortion instead"},
        {"json", 'j', OPTION_FLAG, &options.json, NULL, "print JSON"},
        SESSION_OPTIONS(options.session),
    };
    text_list none = {NULL, 0};
    plan_job job = {.options = &options};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &none, 0, argc, argv);

    if (result == OPTIONS_READ)
        result = check(self, &options);
    if (result == OPTIONS_READ)
        result = plan(&job);
    release(&job);
    return result;
}
