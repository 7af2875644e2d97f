/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "commands.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

typedef struct limit_options {
    const char *stats;
    double variance, rate, distortion;
    bool json;
    session_options session;
} limit_options;

typedef struct limit_result {
    size_t columns;
    double samples, rate, distortion, water_level;
} limit_result;

static int solve(const limit_options *options, const double *eigenvalues, limit_result *result)
{
    const bool from_rate = !isnan(options->rate);
    const wsic_status status =
        from_rate
            ? wsic_waterfill_distortion(eigenvalues, result->columns, options->variance,
                                        options->rate, &result->distortion, &result->water_level)
            : wsic_waterfill_rate(eigenvalues, result->columns, options->variance,
                                  options->distortion, &result->rate, &result->water_level);

    if (from_rate)
        result->rate = options->rate;
    else
        result->distortion = options->distortion;
    return status == WSIC_OK ? EXIT_SUCCESS : complain_status(options->stats, status, NULL);
}

static int solve_spectrum(const limit_options *options, wsic_stats *stats, limit_result *result)
{
    result->columns = wsic_stats_columns(stats);
    result->samples = wsic_stats_samples(stats);
    double *const eigenvalues = calloc(result->columns, sizeof *eigenvalues);
    if (!eigenvalues)
        return complain(NULL, "out of memory");
    const wsic_status status = wsic_stats_get_spectrum(stats, eigenvalues);
    const int code = status == WSIC_OK
                         ? solve(options, eigenvalues, result)
                         : complain_status(options->stats, status, wsic_stats_message(stats));
    free(eigenvalues);
    return code;
}

static int print_result(const limit_options *options, const limit_result *result)
{
    progress_clear();
    if (options->json)
        return print_json(json_pack(
            "{s:I, s:o, s:o, s:o, s:o, s:o}", "columns", (json_int_t)result->columns, "samples",
            json_figure(result->samples), "variance", json_figure(options->variance), "rate",
            json_figure(result->rate), "distortion", json_figure(result->distortion), "water_level",
            json_figure(result->water_level)));
    print_fact("columns", "%zu", result->columns);
    print_fact("rate", "%.6g bits per weight", result->rate);
    print_fact("distortion", "%.9g", result->distortion);
    print_fact("water level", "%.9g", result->water_level);
    return finish_output();
}

static int limit(const limit_options *options)
{
    wsic_context *context = NULL;
    wsic_stats *stats = NULL;
    limit_result found;
    int result = session_open_for_blas(&options->session, &context);

    if (result == EXIT_SUCCESS)
        result = stats_open(context, options->stats, (double)NAN, &stats);
    if (result == EXIT_SUCCESS)
        result = solve_spectrum(options, stats, &found);
    if (result == EXIT_SUCCESS)
        result = print_result(options, &found);
    wsic_stats_destroy(stats);
    session_close(context);
    return result;
}

static int check(const cli_command *self, const limit_options *options)
{
    if (!options->stats)
        return options_fail(self, "--stats is missing");
    if (isnan(options->variance))
        return options_fail(self, "--variance is missing");
    if (options->variance < 0)
        return options_fail(self, "--variance: %g is negative", options->variance);
    if (isnan(options->rate) == isnan(options->distortion))
        return options_fail(self, "one of --rate and --distortion must be given");
    if (options->rate < 0)
        return options_fail(self, "--rate: %g is negative", options->rate);
    if (options->distortion <= 0)
        return options_fail(self, "--distortion: %g is not positive", options->distortion);
    return OPTIONS_READ;
}

int run_limit(const cli_command *self, int argc, char **argv)
{
    limit_options options = {
        .variance = (double)NAN, .rate = (double)NAN, .distortion = (double)NAN};
    const option_spec specs[] = {
        {"stats", 's', OPTION_TEXT, &options.stats, "STATS", "covariance of the input"},
        {"variance", 'v', OPTION_NUMBER, &options.variance, "V", "mean square of a weight"},
        {"rate", 'r', OPTION_NUMBER, &options.rate, "R", "bits per weight: find the distortion"},
        {"distortion", 'd', OPTION_NUMBER, &options.distortion, "D", "find the rate"},
        {"json", 'j', OPTION_FLAG, &options.json, NULL, "print JSON"},
        SESSION_OPTIONS(options.session),
    };
    text_list none = {NULL, 0};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &none, 0, argc, argv);

    if (result == OPTIONS_READ)
        result = check(self, &options);
    return result == OPTIONS_READ ? limit(&options) : result;
}
