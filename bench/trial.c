/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "common/rotation.h"
#include "random.h"

/* --- options ---------------------------------------------------------------- */

void trial_add_setting(trial_options *options, const char *setting)
{
    if (options->setting_count == TRIAL_MAX_SETTINGS) {
        fprintf(stderr, "--set is given more than %d times\n", TRIAL_MAX_SETTINGS);
        exit(2);
    }
    options->settings[options->setting_count++] = setting;
}

static void take_trial_option(trial_options *options, const char *name, const char *value)
{
    if (strcmp(name, "covariance") == 0)
        options->covariance = value;
    else if (strcmp(name, "rows") == 0)
        options->rows = bench_size_option(name, value, 1, 1 << 24);
    else if (strcmp(name, "columns") == 0)
        options->columns = bench_size_option(name, value, 1, 1 << 16);
    else if (strcmp(name, "rate") == 0)
        options->rate = bench_number_option(name, value, 0.01, 24.0);
    else if (strcmp(name, "preset") == 0)
        options->preset = value;
    else if (strcmp(name, "set") == 0)
        trial_add_setting(options, value);
    else if (strcmp(name, "seed") == 0)
        options->seed = (uint64_t)bench_size_option(name, value, 0, (size_t)1 << 52);
    else if (strcmp(name, "threads") == 0)
        options->threads = (int32_t)bench_size_option(name, value, 0, 1024);
    else if (strcmp(name, "unchecked") == 0)
        options->unchecked = true;
}

void trial_parse(int argc, char **argv, const struct option *list, const char *help,
                 trial_options *options, void (*take)(void *data, int letter, const char *value),
                 void *data)
{
    int index, letter;

    while ((letter = getopt_long(argc, argv, "", list, &index)) != -1) {
        if (letter == 'h') {
            fputs(help, stdout);
            exit(0);
        }
        if (letter == '?')
            exit(2);
        if (letter == 0)
            take_trial_option(options, list[index].name, optarg);
        else
            take(data, letter, optarg);
    }
    if (optind != argc) {
        fprintf(stderr, "unexpected argument '%s'\n%s", argv[optind], help);
        exit(2);
    }
}

/* --- the source -------------------------------------------------------------- */

static float *random_weights(size_t count, uint64_t seed)
{
    float *const weights = bench_allocate(count, sizeof *weights);

    random_state random = {seed};

    for (size_t i = 0; i < count; i++)
        weights[i] = (float)random_normal(&random);
    return weights;
}

static wsic_stats *make_stats(const trial_source *source)
{
    const size_t n = source->columns;
    wsic_stats *stats;
    wsic_matrix matrix;

    bench_check(wsic_stats_create(source->context, n, &stats), "wsic_stats_create",
                wsic_context_message(source->context));
    wsic_matrix_init(&matrix, sizeof matrix, source->covariance, WSIC_F64, n, n, 0);
    bench_check(wsic_stats_add_covariance(stats, &matrix, 1.0), "wsic_stats_add_covariance",
                wsic_stats_message(stats));
    return stats;
}

/* From statistics of their own: those of the encoder must not know the spectrum
 * beforehand, or its time would not be counted. */
static void fill_eigenvalues(trial_source *source)
{
    wsic_stats *const stats = make_stats(source);

    source->eigenvalues = bench_allocate(source->columns, sizeof *source->eigenvalues);
    bench_check(wsic_stats_get_spectrum(stats, source->eigenvalues), "wsic_stats_get_spectrum",
                wsic_stats_message(stats));
    wsic_stats_destroy(stats);
}

trial_source trial_source_create(trial_options *options)
{
    trial_source source = {.rows = options->rows};

    source.covariance = bench_covariance(options->covariance, &options->columns, options->seed);
    source.columns = options->columns;
    source.weights = random_weights(options->rows * options->columns, options->seed + 2);
    bench_check(wsic_context_create(NULL, &source.context), "wsic_context_create", "");
    bench_check(wsic_context_set_threads(source.context, options->threads),
                "wsic_context_set_threads", wsic_context_message(source.context));
    if (!options->unchecked)
        fill_eigenvalues(&source);
    source.stats = make_stats(&source);
    return source;
}

void trial_source_rotate(trial_source *source, uint64_t seed)
{
    struct rotation rotation;

    if (!rotation_create(&rotation, source->columns, seed)) {
        fputs("out of memory for a rotation\n", stderr);
        exit(1);
    }
    rotation_apply_rows(&rotation, source->weights, source->rows);
    rotation_apply_both(&rotation, source->covariance);
    rotation_free(&rotation);
    wsic_stats_destroy(source->stats);
    source->stats = make_stats(source);
}

void trial_source_release(trial_source *source)
{
    wsic_stats_destroy(source->stats);
    wsic_context_destroy(source->context);
    free(source->weights);
    free(source->eigenvalues);
    free(source->covariance);
}

/* --- the distortion, measured ------------------------------------------------- */

/* tr((W - Ŵ) Σ (W - Ŵ)ᵀ) / (a n), some rows at a time. */
double trial_distortion(const trial_source *source, const float *restored)
{
    const size_t n = source->columns, most = 256;
    double *const error = bench_allocate(most * n, sizeof *error);
    double *const product = bench_allocate(most * n, sizeof *product);
    double sum = 0.0;

    for (size_t first = 0; first < source->rows; first += most) {
        const size_t left = source->rows - first;
        const size_t rows = left < most ? left : most;
        for (size_t i = 0; i < rows * n; i++)
            error[i] = (double)source->weights[first * n + i] - (double)restored[first * n + i];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)n, (int)n, 1.0,
                    error, (int)n, source->covariance, (int)n, 0.0, product, (int)n);
        sum += cblas_ddot((int)(rows * n), error, 1, product, 1);
    }
    free(product);
    free(error);
    return sum / ((double)source->rows * (double)n);
}

double trial_limit(const trial_source *source, double distortion)
{
    double rate = 0.0;

    bench_check(
        wsic_waterfill_rate(source->eigenvalues, source->columns, 1.0, distortion, &rate, NULL),
        "wsic_waterfill_rate", "");
    return rate;
}

static double layer_distortion(const trial_source *source, const wsic_layer *layer)
{
    float *const restored = bench_allocate(source->rows * source->columns, sizeof *restored);
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, restored, WSIC_F32, source->rows, source->columns, 0);
    bench_check(wsic_layer_dequantize(layer, 0, &matrix), "wsic_layer_dequantize",
                wsic_layer_message(layer));
    const double distortion = trial_distortion(source, restored);
    free(restored);
    return distortion;
}

/* --- the run ------------------------------------------------------------------ */

wsic_encoder *trial_encoder(wsic_context *context, const trial_options *options)
{
    wsic_encoder *encoder;

    bench_check(wsic_encoder_create(context, &encoder), "wsic_encoder_create",
                wsic_context_message(context));
    bench_check(wsic_encoder_set_preset(encoder, options->preset), options->preset,
                wsic_encoder_message(encoder));
    bench_check(wsic_encoder_set_integer(encoder, WSIC_LIMIT, 1), "limit",
                wsic_encoder_message(encoder));
    bench_check(wsic_encoder_set_number(encoder, WSIC_RATE, options->rate), "rate",
                wsic_encoder_message(encoder));
    for (size_t i = 0; i < options->setting_count; i++)
        bench_set(encoder, options->settings[i]);
    return encoder;
}

static void judge(const trial_source *source, const wsic_layer *layer, trial_result *result)
{
    result->info.size = sizeof result->info;
    bench_check(wsic_layer_get_info(layer, &result->info), "wsic_layer_get_info",
                wsic_layer_message(layer));
    if (!source->eigenvalues) {
        result->distortion = result->info.distortion;
        result->limit_rate = result->info.limit_rate;
        result->gap = result->info.rate - result->limit_rate;
        return;
    }
    result->distortion = layer_distortion(source, layer);
    result->limit_rate = trial_limit(source, result->distortion);
    result->gap = result->info.rate - result->limit_rate;
    /* The layer must have told the truth about itself. */
    if (fabs(result->distortion - result->info.distortion) > 1e-5 * result->distortion) {
        fprintf(stderr, "the layer reports distortion %.10g, measured are %.10g\n",
                result->info.distortion, result->distortion);
        exit(1);
    }
}

static wsic_status encode(wsic_encoder *encoder, const trial_source *source, wsic_layer **layer)
{
    wsic_matrix weights;

    wsic_matrix_init(&weights, sizeof weights, source->weights, WSIC_F32, source->rows,
                     source->columns, 0);
    const wsic_status status = wsic_encoder_run(encoder, source->stats, &weights, layer);
    bench_check(status, "wsic_encoder_run", wsic_encoder_message(encoder));
    return status;
}

wsic_layer *trial_layer(const trial_source *source, const trial_options *options)
{
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    wsic_layer *layer;

    encode(encoder, source, &layer);
    wsic_encoder_destroy(encoder);
    return layer;
}

trial_result trial_run(const trial_source *source, const trial_options *options)
{
    trial_result result = {.report = {.size = sizeof result.report}};
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    wsic_layer *layer;

    result.rate_missed = encode(encoder, source, &layer) == WSIC_NOTICE_RATE;
    bench_check(wsic_encoder_get_report(encoder, &result.report), "wsic_encoder_get_report",
                wsic_encoder_message(encoder));
    judge(source, layer, &result);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    return result;
}

/* --- output ------------------------------------------------------------------- */

void trial_list_stages(const wsic_encoder_report *report, trial_stage stages[TRIAL_STAGES])
{
    const trial_stage list[TRIAL_STAGES] = {
        {"prepare", report->seconds_prepare},     {"search", report->seconds_search},
        {"recursion", report->seconds_recursion}, {"rescale", report->seconds_rescale},
        {"coding", report->seconds_coding},       {"distortion", report->seconds_distortion},
        {"limit", report->seconds_limit},         {"total", report->seconds}};
    memcpy(stages, list, sizeof list);
}

void trial_put_json(bench_json *json, const trial_options *options, const trial_result *result)
{
    trial_stage stages[TRIAL_STAGES];
    char key[32];

    bench_json_text(json, "covariance", options->covariance);
    bench_json_text(json, "preset", options->preset);
    bench_json_number(json, "rows", (double)options->rows);
    bench_json_number(json, "columns", (double)options->columns);
    bench_json_number(json, "seed", (double)options->seed);
    bench_json_number(json, "threads", options->threads);
    bench_json_number(json, "rate_target", options->rate);
    bench_json_number(json, "rate", result->info.rate);
    bench_json_number(json, "rate_codes", result->info.rate_codes);
    bench_json_number(json, "rate_side", result->info.rate_side);
    bench_json_number(json, "entropy_pooled", result->info.entropy_pooled);
    bench_json_number(json, "distortion", result->distortion);
    bench_json_number(json, "limit_rate", result->limit_rate);
    bench_json_number(json, "gap", result->gap);
    trial_list_stages(&result->report, stages);
    for (size_t i = 0; i < TRIAL_STAGES; i++) {
        snprintf(key, sizeof key, "seconds_%s", stages[i].name);
        bench_json_number(json, key, stages[i].seconds);
    }
}
