/* SPDX-License-Identifier: MIT */
/* What statistics of the outputs gain: the distortion in their metric with and without their use,
 * at equal bytes, against what feedback from row to row would give at high rates. Weights are iid
 * N(0, 1). The encoder knows G exactly, or from samples δ ~ N(0, G); distortions are in the true
 * one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "random.h"
#include "trial.h"

void dpstrf_(const char *uplo, const int *n, double *a, const int *lda, int *pivots, int *rank,
             const double *tolerance, double *work, int *info, size_t uplo_length);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

static const char help[] = "usage: sides [options]\n"
                           "  --outputs NAME      G: " BENCH_COVARIANCES "\n"
                           "  --samples S         that G is known from; 0: exactly\n"
                           "  --order NAME        of the rows: natural, or by the pivots of G's\n"
                           "                      factor, largest-first or largest-last\n"
                           "  --json              one JSON object a line\n" TRIAL_HELP;

static const struct option option_list[] = {{"outputs", required_argument, NULL, 'o'},
                                            {"samples", required_argument, NULL, 's'},
                                            {"order", required_argument, NULL, 'O'},
                                            {"json", no_argument, NULL, 'j'},
                                            TRIAL_OPTIONS};

typedef struct sides_command {
    trial_options trial;
    const char *outputs;
    const char *order;
    size_t samples;
    bool json;
} sides_command;

static void take_option(void *data, int letter, const char *value)
{
    sides_command *const command = data;

    command->json = command->json || letter == 'j';
    command->outputs = letter == 'o' ? value : command->outputs;
    command->order = letter == 'O' ? value : command->order;
    if (letter == 's')
        command->samples = bench_size_option("samples", value, 0, (size_t)1 << 32);
}

/* G, as statistics and by its eigenvalues. */
typedef struct outputs {
    size_t rows;
    double *covariance;
    double *eigenvalues;
    wsic_stats *stats; /* what the encoder is given */
} outputs;

static wsic_stats *new_stats(const trial_source *source, size_t rows)
{
    wsic_stats *stats;

    bench_check(wsic_stats_create(source->context, rows, &stats), "wsic_stats_create",
                wsic_context_message(source->context));
    return stats;
}

static wsic_stats *exact_stats(const trial_source *source, const outputs *made)
{
    wsic_stats *const stats = new_stats(source, made->rows);
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, made->covariance, WSIC_F64, made->rows, made->rows, 0);
    bench_check(wsic_stats_add_covariance(stats, &matrix, 1e9), "wsic_stats_add_covariance",
                wsic_stats_message(stats));
    return stats;
}

/* Of samples L g, where G = L Lᵀ. */
static wsic_stats *drawn_stats(const trial_source *source, const outputs *made, size_t samples,
                               uint64_t seed)
{
    enum { BATCH = 1024 };
    const int order = (int)made->rows;
    wsic_stats *const stats = new_stats(source, made->rows);
    double *const factor = bench_allocate(made->rows * made->rows, sizeof *factor);
    double *const batch = bench_allocate(BATCH * made->rows, sizeof *batch);
    random_state random = {seed};
    int info = 0;

    memcpy(factor, made->covariance, made->rows * made->rows * sizeof *factor);
    dpotrf_("L", &order, factor, &order, &info, 1);
    for (size_t done = 0; done < samples; done += BATCH) {
        const size_t count = samples - done < BATCH ? samples - done : BATCH;
        wsic_matrix matrix;
        random_fill(&random, batch, count * made->rows);
        cblas_dtrmm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, order,
                    (int)count, 1.0, factor, order, batch, order);
        wsic_matrix_init(&matrix, sizeof matrix, batch, WSIC_F64, count, made->rows, 0);
        bench_check(wsic_stats_add_activations(stats, &matrix, NULL), "wsic_stats_add_activations",
                    wsic_stats_message(stats));
    }
    free(batch);
    free(factor);
    return stats;
}

/* Of every row the number that it gets. Rows are decided from the first on; the elimination begins
 * with the last. */
static void find_pivots(const double *covariance, size_t rows, int *pivots)
{
    const int order = (int)rows;
    const double tolerance = -1.0; /* the default of LAPACK */
    double *const copy = bench_allocate(rows * (rows + 2), sizeof *copy);
    int rank = 0, info = 0;

    memcpy(copy, covariance, rows * rows * sizeof *copy);
    dpstrf_("L", &order, copy, &order, pivots, &rank, &tolerance, copy + rows * rows, &info, 1);
    free(copy);
}

/* Weights are alike, so that rows are reordered where G is. */
static void reorder(const char *order, double *covariance, size_t rows)
{
    const bool first = strcmp(order, "largest-first") == 0;

    if (strcmp(order, "natural") == 0)
        return;
    if (!first && strcmp(order, "largest-last") != 0) {
        fprintf(stderr, "--order is '%s', not natural, largest-first or largest-last\n", order);
        exit(2);
    }
    int *const pivots = bench_allocate(rows, sizeof *pivots);
    double *const copy = bench_allocate(rows * rows, sizeof *copy);
    find_pivots(covariance, rows, pivots);
    memcpy(copy, covariance, rows * rows * sizeof *copy);
    for (size_t j = 0; j < rows; j++) {
        for (size_t i = 0; i < rows; i++) {
            const size_t from = (size_t)pivots[first ? j : rows - 1 - j] - 1;
            const size_t with = (size_t)pivots[first ? i : rows - 1 - i] - 1;
            covariance[j * rows + i] = copy[from * rows + with];
        }
    }
    free(copy);
    free(pivots);
}

static outputs create_outputs(const sides_command *command, const trial_source *source)
{
    const uint64_t seed = command->trial.seed;
    outputs made = {.rows = source->rows};

    made.covariance = bench_covariance(command->outputs, &made.rows, seed + 5);
    if (made.rows != source->rows) {
        fprintf(stderr, "--rows is %zu, but %s has %zu\n", source->rows, command->outputs,
                made.rows);
        exit(2);
    }
    reorder(command->order, made.covariance, made.rows);
    made.eigenvalues = bench_allocate(made.rows, sizeof *made.eigenvalues);
    wsic_stats *const exact = exact_stats(source, &made);
    bench_check(wsic_stats_get_spectrum(exact, made.eigenvalues), "wsic_stats_get_spectrum",
                wsic_stats_message(exact));
    if (command->samples == 0) {
        made.stats = exact;
        return made;
    }
    wsic_stats_destroy(exact);
    made.stats = drawn_stats(source, &made, command->samples, seed + 9);
    return made;
}

static void release_outputs(outputs *made)
{
    wsic_stats_destroy(made->stats);
    free(made->eigenvalues);
    free(made->covariance);
}

/* Distortion with feedback from each row to all others, damped by δ, over that without any: at
 * high rates (tr(G M⁻¹) / a) det(M)^(1/a) / (tr(G) / a), M = G + δI. */
static double predicted_ratio(const outputs *made, double damping)
{
    const double a = (double)made->rows;
    double mean = 0.0, logarithms = 0.0, trace = 0.0;

    for (size_t k = 0; k < made->rows; k++) {
        const double damped = made->eigenvalues[k] + damping;
        mean += made->eigenvalues[k] / a;
        logarithms += log(damped) / a;
        trace += made->eigenvalues[k] / damped / a;
    }
    return trace * exp(logarithms) / mean;
}

/* tr(G E Σ Eᵀ) / (a n) with the true G. */
static double true_distortion(const trial_source *source, const outputs *made,
                              const wsic_layer *layer)
{
    const size_t a = source->rows, n = source->columns;
    double *const error = bench_allocate(3 * a * n, sizeof *error);
    double *const right = error + a * n, *const left = right + a * n;
    float *const restored = bench_allocate(a * n, sizeof *restored);
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, restored, WSIC_F32, a, n, 0);
    bench_check(wsic_layer_dequantize(layer, 0, &matrix), "wsic_layer_dequantize",
                wsic_layer_message(layer));
    for (size_t i = 0; i < a * n; i++)
        error[i] = (double)source->weights[i] - (double)restored[i];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)a, (int)n, (int)n, 1.0, error,
                (int)n, source->covariance, (int)n, 0.0, right, (int)n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)a, (int)n, (int)a, 1.0,
                made->covariance, (int)a, error, (int)n, 0.0, left, (int)n);
    const double sum = cblas_ddot((int)(a * n), right, 1, left, 1);
    free(restored);
    free(error);
    return sum / ((double)a * (double)n);
}

typedef struct sides_result {
    double distortion; /* in the true metric */
    wsic_layer_info info;
    wsic_encoder_report report;
    double plan; /* divergence that a plan predicts at the rate that was reached */
} sides_result;

static void predict(const trial_source *source, wsic_problem *problem, sides_result *result)
{
    wsic_plan *plan;

    bench_check(wsic_plan_create(source->context, &plan), "wsic_plan_create", "");
    bench_check(wsic_plan_add_problem(plan, problem, NULL), "wsic_plan_add_problem",
                wsic_plan_message(plan));
    bench_check(wsic_plan_solve_rate(plan, result->info.rate_codes), "wsic_plan_solve_rate",
                wsic_plan_message(plan));
    bench_check(wsic_plan_get_divergence(plan, &result->plan), "wsic_plan_get_divergence",
                wsic_plan_message(plan));
    wsic_plan_destroy(plan);
}

static sides_result run(const trial_source *source, const outputs *made,
                        const trial_options *options, const char *setting)
{
    sides_result result = {.info = {.size = sizeof result.info},
                           .report = {.size = sizeof result.report}};
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    wsic_problem *problem;
    wsic_layer *layer;
    wsic_matrix matrix;

    if (setting)
        bench_set(encoder, setting);
    wsic_matrix_init(&matrix, sizeof matrix, source->weights, WSIC_F32, source->rows,
                     source->columns, 0);
    bench_check(wsic_problem_create(source->context, source->stats, NULL, &matrix, &problem),
                "wsic_problem_create", wsic_context_message(source->context));
    bench_check(wsic_problem_set_outputs(problem, made->stats), "wsic_problem_set_outputs",
                wsic_problem_message(problem));
    bench_check(wsic_encoder_run_problem(encoder, problem, &layer), "wsic_encoder_run_problem",
                wsic_encoder_message(encoder));
    bench_check(wsic_layer_get_info(layer, &result.info), "wsic_layer_get_info",
                wsic_layer_message(layer));
    bench_check(wsic_encoder_get_report(encoder, &result.report), "wsic_encoder_get_report",
                wsic_encoder_message(encoder));
    result.distortion = true_distortion(source, made, layer);
    predict(source, problem, &result);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_encoder_destroy(encoder);
    return result;
}

/* At the rate that was asked for: a bit is worth a factor of 4. */
static double at_rate(const sides_result *result, double rate)
{
    return result->distortion * exp2(2.0 * (result->info.rate - rate));
}

static const char *weights_name(const sides_result *result)
{
    static const char *const names[] = {"none", "blocks", "rows"};
    return names[result->report.output_weights];
}

static void print_json(const sides_command *command, const sides_result *without,
                       const sides_result *with, double ratio)
{
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "sides");
    bench_json_text(&json, "covariance", command->trial.covariance);
    bench_json_text(&json, "outputs", command->outputs);
    bench_json_text(&json, "preset", command->trial.preset);
    bench_json_number(&json, "rows", (double)command->trial.rows);
    bench_json_number(&json, "columns", (double)command->trial.columns);
    bench_json_number(&json, "rate_target", command->trial.rate);
    bench_json_number(&json, "rate_without", without->info.rate);
    bench_json_number(&json, "rate", with->info.rate);
    bench_json_number(&json, "distortion_without", without->distortion);
    bench_json_number(&json, "distortion", with->distortion);
    bench_json_number(&json, "ratio",
                      at_rate(with, command->trial.rate) / at_rate(without, command->trial.rate));
    bench_json_number(&json, "ratio_predicted", ratio);
    bench_json_number(&json, "limit_rate", with->report.output_limit_rate);
    bench_json_number(&json, "gap", with->report.output_gap);
    bench_json_number(&json, "gap_without", without->report.output_gap);
    bench_json_number(&json, "divergence", with->report.divergence);
    bench_json_number(&json, "divergence_planned", with->plan);
    bench_json_number(&json, "feedback", (double)with->report.output_feedback);
    bench_json_text(&json, "weights", weights_name(with));
    bench_json_number(&json, "seconds_without", without->report.seconds);
    bench_json_number(&json, "seconds", with->report.seconds);
    bench_json_close();
}

static void print_text(const sides_command *command, const sides_result *without,
                       const sides_result *with, double ratio)
{
    printf("%zu x %zu, distortions D_G at equal bytes without and with the statistics\n\n",
           command->trial.rows, command->trial.columns);
    printf("| inputs, outputs | preset | bits | without | with | ratio | ratio predicted | gap "
           "without | gap | planned over measured | feedback, weights | seconds |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    printf("| %s, %s | %s | %g | %.4g | %.4g | %.3f | %.3f | %.3f | %.3f | %.2f | %u, %s | %.2f, "
           "%.2f |\n",
           command->trial.covariance, command->outputs, command->trial.preset, command->trial.rate,
           at_rate(without, command->trial.rate), at_rate(with, command->trial.rate),
           at_rate(with, command->trial.rate) / at_rate(without, command->trial.rate), ratio,
           without->report.output_gap, with->report.output_gap,
           with->plan / with->report.divergence, (unsigned)with->report.output_feedback,
           weights_name(with), without->report.seconds, with->report.seconds);
}

int main(int argc, char **argv)
{
    sides_command command = {.outputs = "mild",
                             .order = "natural",
                             .trial = {.covariance = "spread",
                                       .rows = 512,
                                       .columns = 512,
                                       .rate = 2.0,
                                       .preset = "default",
                                       .seed = 1,
                                       .threads = 1}};

    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    trial_source source = trial_source_create(&command.trial);
    outputs made = create_outputs(&command, &source);
    const sides_result without = run(&source, &made, &command.trial, "outputs=none");
    const sides_result with = run(&source, &made, &command.trial, NULL);
    const double ratio = predicted_ratio(&made, with.report.output_damping);

    if (command.json)
        print_json(&command, &without, &with, ratio);
    else
        print_text(&command, &without, &with, ratio);
    release_outputs(&made);
    trial_source_release(&source);
    return 0;
}
