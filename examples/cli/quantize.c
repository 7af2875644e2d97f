/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "common/interrupt.h"
#include "facts.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

typedef struct quantize_options {
    const char *weights, *stats, *out, *name, *preset;
    double rate, step, distortion, samples;
    text_list settings;
    bool json;
    session_options session;
} quantize_options;

/* Everything that a run holds, released at one place. */
typedef struct quantize_job {
    const quantize_options *options;
    wsic_context *context;
    weights_input weights;
    const char *name;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_archive_writer *writer;
    wsic_layer *layer;
    wsic_status outcome; /* WSIC_OK or WSIC_NOTICE_RATE */
} quantize_job;

static void release(quantize_job *job)
{
    wsic_layer_destroy(job->layer);
    wsic_archive_writer_destroy(job->writer);
    wsic_encoder_destroy(job->encoder);
    wsic_stats_destroy(job->stats);
    weights_close(&job->weights);
    session_close(job->context);
}

static int fail_encoder(const quantize_job *job, const char *what, wsic_status status)
{
    return complain_status(what, status, wsic_encoder_message(job->encoder));
}

static int set_target(const quantize_job *job, const char *option, int32_t id, double value)
{
    if (isnan(value))
        return EXIT_SUCCESS;
    const wsic_status status = wsic_encoder_set_number(job->encoder, id, value);
    return status == WSIC_OK ? EXIT_SUCCESS : fail_encoder(job, option, status);
}

static int set_parameter(const quantize_job *job, const char *setting)
{
    const char *const equals = strchr(setting, '=');
    char name[64];

    if (!equals || (size_t)(equals - setting) >= sizeof name)
        return complain("--set", "'%s' is not name=value", setting);
    snprintf(name, sizeof name, "%.*s", (int)(equals - setting), setting);
    const wsic_status status = wsic_encoder_set_text(job->encoder, name, equals + 1);
    return status == WSIC_OK ? EXIT_SUCCESS : fail_encoder(job, setting, status);
}

static int set_parameters(const quantize_job *job)
{
    const quantize_options *const options = job->options;
    const wsic_status status = wsic_encoder_set_preset(job->encoder, options->preset);

    if (status != WSIC_OK) {
        fail_encoder(job, "--preset", status);
        return EXIT_USAGE;
    }
    /* It is shown. --set limit=0 saves its time. */
    if (wsic_encoder_set_integer(job->encoder, WSIC_LIMIT, 1) != WSIC_OK)
        return fail_encoder(job, "limit", WSIC_ERROR_ARGUMENT);
    if (set_target(job, "--rate", WSIC_RATE, options->rate) != EXIT_SUCCESS ||
        set_target(job, "--step", WSIC_STEP, options->step) != EXIT_SUCCESS ||
        set_target(job, "--distortion", WSIC_DISTORTION, options->distortion) != EXIT_SUCCESS)
        return EXIT_USAGE;
    for (size_t i = 0; i < options->settings.count; i++) {
        if (set_parameter(job, options->settings.items[i]) != EXIT_SUCCESS)
            return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

/* Names in archives are UTF-8, those of files need not be. */
static int choose_name(quantize_job *job)
{
    const char *const given = job->options->name;

    job->name = given ? given : job->weights.name;
    if (is_text(job->name))
        return EXIT_SUCCESS;
    return given ? complain("--name", "'%s' is not UTF-8, as the name of a layer has to be", given)
                 : complain(job->options->weights, "the name is not UTF-8, as that of a layer has "
                                                   "to be: give one with --name");
}

static bool may_write(const quantize_options *options)
{
    return weights_spared(options->out, options->weights) &&
           spares_input(options->out, options->stats) && may_replace(options->out);
}

static int prepare(quantize_job *job)
{
    const quantize_options *const options = job->options;

    if (!may_write(options))
        return EXIT_FAILURE;
    if (session_open_for_blas(&options->session, &job->context) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    const wsic_status status = wsic_encoder_create(job->context, &job->encoder);
    if (status != WSIC_OK)
        return complain_status(NULL, status, wsic_context_message(job->context));
    const int result = set_parameters(job);
    if (result != EXIT_SUCCESS)
        return result;
    if (weights_open(options->weights, &job->weights) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (choose_name(job) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    return stats_open(job->context, options->stats, options->samples, &job->stats);
}

static int fail_writer(const quantize_job *job, wsic_status status)
{
    return complain_status(job->options->out, status, wsic_archive_writer_message(job->writer));
}

static int open_writer(quantize_job *job)
{
    const char *const path = job->options->out;
    const wsic_status status = wsic_archive_writer_create(job->context, path, &job->writer);
    return status == WSIC_OK ? EXIT_SUCCESS
                             : complain_status(path, status, wsic_context_message(job->context));
}

/* Let the archive's own bytes count, so that the file meets the rate. They hold the
 * parameters, container_bytes among them: the number is fixed when writing it down does
 * not change it any more, which happens as soon as its digits stop growing. */
static int count_container(const quantize_job *job)
{
    const bool counts = !isnan(job->options->rate);
    const wsic_matrix *const weights = &job->weights.matrix;
    double counted = 0;
    wsic_status status;

    /* The layer will be somewhat smaller, which changes no more than the length of a length. */
    const uint64_t layer =
        counts
            ? (uint64_t)(job->options->rate * (double)weights->rows * (double)weights->columns / 8)
            : 0;
    for (;;) {
        status = wsic_archive_writer_set_metadata(job->writer, "parameters",
                                                  wsic_encoder_parameters(job->encoder));
        if (status != WSIC_OK)
            return fail_writer(job, status);
        const uint64_t size = wsic_archive_writer_size(job->writer, job->name, layer) - layer;
        wsic_encoder_get_number(job->encoder, WSIC_CONTAINER_BYTES, &counted);
        if (!counts || (double)size <= counted)
            return EXIT_SUCCESS;
        status = wsic_encoder_set_integer(job->encoder, WSIC_CONTAINER_BYTES, (int64_t)size);
        if (status != WSIC_OK)
            return fail_encoder(job, NULL, status);
    }
}

static int encode(quantize_job *job)
{
    job->outcome = wsic_encoder_run(job->encoder, job->stats, &job->weights.matrix, &job->layer);
    if (job->outcome < 0)
        return fail_encoder(job, job->options->weights, job->outcome);
    if (job->outcome == WSIC_NOTICE_RATE)
        fail_encoder(job, job->options->weights, job->outcome);
    return EXIT_SUCCESS;
}

static int store(const quantize_job *job)
{
    wsic_status status = wsic_archive_writer_add(job->writer, job->name, job->layer);

    if (status == WSIC_OK && interrupt_pending())
        return complain(NULL, "interrupted");
    if (status == WSIC_OK)
        status = wsic_archive_writer_finish(job->writer);
    return status == WSIC_OK ? EXIT_SUCCESS : fail_writer(job, status);
}

static json_t *stages_json(const wsic_encoder_report *report)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "prepare", report->seconds_prepare,
                     "search", report->seconds_search, "recursion", report->seconds_recursion,
                     "rescale", report->seconds_rescale, "coding", report->seconds_coding,
                     "distortion", report->seconds_distortion, "limit", report->seconds_limit);
}

static int print_result(const quantize_job *job, uint64_t bytes)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_encoder_report report = {.size = sizeof report};

    wsic_layer_get_info(job->layer, &info);
    wsic_encoder_get_report(job->encoder, &report);
    progress_clear();
    if (!job->options->json) {
        facts_print(job->name, &info, bytes);
        print_fact("seconds", "%.2f in %" PRIu64 " passes, %.0f MiB at most", report.seconds,
                   report.passes, (double)report.memory_peak / (1 << 20));
        return finish_output();
    }
    json_t *const object = facts_json(job->name, &info, bytes);
    json_object_set_new(object, "status", json_string(wsic_status_name(job->outcome)));
    json_object_set_new(object, "seconds", json_figure(report.seconds));
    json_object_set_new(object, "stage_seconds", stages_json(&report));
    json_object_set_new(object, "search_steps", json_integer((json_int_t)report.search_steps));
    json_object_set_new(object, "passes", json_integer((json_int_t)report.passes));
    json_object_set_new(object, "rescale_rounds", json_integer((json_int_t)report.rescale_rounds));
    json_object_set_new(object, "memory_peak", json_integer((json_int_t)report.memory_peak));
    return print_json(object);
}

static int quantize(quantize_job *job)
{
    struct stat facts;
    int result = prepare(job);

    if (result == EXIT_SUCCESS)
        result = open_writer(job);
    if (result == EXIT_SUCCESS)
        result = count_container(job);
    if (result == EXIT_SUCCESS)
        result = encode(job);
    if (result == EXIT_SUCCESS)
        result = store(job);
    if (result != EXIT_SUCCESS)
        return result;
    if (stat(job->options->out, &facts) != 0)
        return complain(job->options->out, "is gone");
    result = print_result(job, (uint64_t)facts.st_size);
    return result == EXIT_SUCCESS && job->outcome == WSIC_NOTICE_RATE ? EXIT_RATE : result;
}

static int check(const cli_command *self, const quantize_options *options)
{
    const int targets = !isnan(options->rate) + !isnan(options->step) + !isnan(options->distortion);

    if (!options->weights)
        return options_fail(self, "--weights is missing");
    if (!options->stats)
        return options_fail(self, "--stats is missing");
    if (!options->out)
        return options_fail(self, "--output is missing");
    if (targets != 1)
        return options_fail(self, "one of --rate, --step and --distortion must be given");
    return OPTIONS_READ;
}

int run_quantize(const cli_command *self, int argc, char **argv)
{
    quantize_options options = {.preset = "default",
                                .rate = (double)NAN,
                                .step = (double)NAN,
                                .distortion = (double)NAN,
                                .samples = (double)NAN};
    const option_spec specs[] = {
        {"weights", 'w', OPTION_TEXT, &options.weights, "WEIGHTS",
         "matrix to quantize, a row an output"},
        {"stats", 's', OPTION_TEXT, &options.stats, "STATS", "covariance of its input"},
        {"output", 'o', OPTION_TEXT, &options.out, "FILE", "archive to write"},
        {"rate", 'r', OPTION_NUMBER, &options.rate, "R", "bits per weight of the whole file"},
        {"distortion", 'd', OPTION_NUMBER, &options.distortion, "D", "aim at a distortion instead"},
        {"step", 'c', OPTION_NUMBER, &options.step, "C", "quantize at this step instead"},
        {"preset", 'p', OPTION_TEXT, &options.preset, "NAME",
         "default, fast, max, or paper: the reference"},
        {"set", 'S', OPTION_LIST, &options.settings, "NAME=VALUE",
         "set a parameter (see watersic parameters)"},
        {"name", 'n', OPTION_TEXT, &options.name, "NAME",
         "name of the layer; default: tensor or file"},
        {"samples", 0, OPTION_NUMBER, &options.samples, "N",
         "samples behind a covariance; default: its size"},
        {"json", 'j', OPTION_FLAG, &options.json, NULL, "print the result as JSON"},
        SESSION_OPTIONS(options.session),
    };
    text_list none = {NULL, 0};
    quantize_job job = {.options = &options};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &none, 0, argc, argv);

    if (result == OPTIONS_READ)
        result = check(self, &options);
    if (result == OPTIONS_READ)
        result = quantize(&job);
    release(&job);
    text_list_release(&options.settings);
    return result;
}
