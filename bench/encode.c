/* SPDX-License-Identifier: MIT */
/* What it takes to quantize one layer, beside one multiplication of its weights with a
 * matrix of its covariance's size (2 a n² operations) in the same run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cblas.h>

#include "estimate.h"
#include "stages.h"

enum { MULTIPLICATIONS = 3, MAX_REPEATS = 100 };

/* Large enough for BLAS to work at its best. */
enum { SPEED_SIZE = 1024 };

static const char help[] = "usage: encode [options]\n"
                           "  --repeats M         encodings; the one of median time is shown\n"
                           "  --estimate          memory and time by formula; nothing is encoded\n"
                           "  --json              one JSON object\n" TRIAL_HELP;

static const struct option option_list[] = {{"repeats", required_argument, NULL, 'r'},
                                            {"estimate", no_argument, NULL, 'e'},
                                            {"json", no_argument, NULL, 'j'},
                                            TRIAL_OPTIONS};

typedef struct encode_command {
    trial_options trial;
    size_t repeats;
    bool estimate;
    bool json;
} encode_command;

static void take_option(void *data, int letter, const char *value)
{
    encode_command *const command = data;

    if (letter == 'r')
        command->repeats = bench_size_option("repeats", value, 1, MAX_REPEATS);
    else if (letter == 'e')
        command->estimate = true;
    else
        command->json = true;
}

/* A product that takes longer than this pays little for fresh memory, and is timed once. */
static const double long_seconds = 2.0;

/* Seconds of an a x n matrix times an n x n one in double precision, the fastest of a few: the
 * first one pays for fresh memory. */
static double time_multiplication(size_t a, size_t n)
{
    double *const w = bench_allocate(a * n, sizeof *w);
    double *const s = bench_allocate(n * n, sizeof *s);
    double *const y = bench_allocate(a * n, sizeof *y);
    double seconds[MULTIPLICATIONS];
    size_t count = 0;

    for (size_t i = 0; i < a * n; i++)
        w[i] = (double)i;
    for (size_t i = 0; i < n * n; i++)
        s[i] = 1.0 / ((double)i + 1.0);
    for (double longest = 0.0; count == 0 || (count < MULTIPLICATIONS && longest < long_seconds);
         count++) {
        const double start = bench_seconds();
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)a, (int)n, (int)n, 1.0, w,
                    (int)n, s, (int)n, 0.0, y, (int)n);
        seconds[count] = bench_seconds() - start;
        longest = fmax(longest, seconds[count]);
    }
    free(y);
    free(s);
    free(w);
    return bench_summarize(seconds, count).minimum;
}

/* Operations of one multiplication. */
static double operations(size_t a, size_t n)
{
    return 2.0 * (double)a * (double)n * (double)n;
}

static int by_seconds(const void *a, const void *b)
{
    const double x = ((const trial_result *)a)->report.seconds;
    const double y = ((const trial_result *)b)->report.seconds;
    return (x > y) - (x < y);
}

/* Bytes that the library foretells. */
static double foretold(const trial_source *source, const trial_options *options)
{
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    const uint64_t bytes = estimate_memory(encoder, options);

    wsic_encoder_destroy(encoder);
    return (double)bytes;
}

static void print_json(const trial_source *source, const trial_options *options,
                       const trial_result *result, double multiplication)
{
    const wsic_encoder_report *const report = &result->report;
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "encode");
    trial_put_json(&json, options, result);
    bench_json_number(&json, "seconds_gemm", multiplication);
    bench_json_number(&json, "passes", (double)report->passes);
    bench_json_number(&json, "search_steps", (double)report->search_steps);
    bench_json_number(&json, "rescale_rounds", (double)report->rescale_rounds);
    bench_json_number(&json, "memory_peak", (double)report->memory_peak);
    bench_json_number(&json, "memory_foretold", foretold(source, options));
    bench_json_close();
}

static void print_table(const trial_options *options, const trial_result *result,
                        double multiplication)
{
    const wsic_encoder_report *const report = &result->report;
    trial_stage stages[TRIAL_STAGES];

    printf("%zu x %zu, %s, preset %s: %.4f bits per weight, %.4f above the limit\n\n",
           options->rows, options->columns, options->covariance, options->preset, result->info.rate,
           result->gap);
    printf("| stage | seconds | multiplications |\n|---|---|---|\n");
    printf("| one multiplication, %.1f Gflop/s | %.3f | 1 |\n",
           1e-9 * operations(options->rows, options->columns) / multiplication, multiplication);
    trial_list_stages(report, stages);
    for (size_t i = 0; i < TRIAL_STAGES; i++)
        printf("| %s | %.3f | %.2f |\n", stages[i].name, stages[i].seconds,
               stages[i].seconds / multiplication);
    printf("\npasses %llu, search steps %llu, rounds of the rescalers %llu, memory peak %.1f MiB\n",
           (unsigned long long)report->passes, (unsigned long long)report->search_steps,
           (unsigned long long)report->rescale_rounds, (double)report->memory_peak / 1048576.0);
}

/* The operations of each stage, and the part of its time that they would take at the speed of the
 * multiplication; in single precision at twice that speed. */
static void print_roofline(const trial_source *source, const trial_options *options,
                           const wsic_encoder_report *report, double speed)
{
    const double seconds[STAGES] = {report->seconds_prepare,    report->seconds_search,
                                    report->seconds_recursion,  report->seconds_rescale,
                                    report->seconds_distortion, report->seconds_limit};
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    const stage_run run = stages_reported(encoder, options, report);
    const double a = (double)options->rows, n = (double)options->columns;
    stage_work work[STAGES];

    stages_count(&run, work);
    printf("\n| stage | Gflop single | double | GB | share of peak |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < STAGES; i++) {
        const double least = (0.5 * work[i].single_operations + work[i].double_operations) / speed;
        printf("| %s | %.2f | %.2f | %.2f | %.0f %% |\n", work[i].name,
               1e-9 * work[i].single_operations, 1e-9 * work[i].double_operations,
               1e-9 * work[i].bytes, seconds[i] > 0.0 ? 100.0 * least / seconds[i] : 0.0);
    }
    printf("\nmemory peak is %.0f %% of 2.5 * 8 n^2 + 12 a n bytes, and %.0f %% of what was "
           "foretold\n",
           100.0 * (double)report->memory_peak / (20.0 * n * n + 12.0 * a * n),
           100.0 * (double)report->memory_peak / foretold(source, options));
    wsic_encoder_destroy(encoder);
}

int main(int argc, char **argv)
{
    static trial_result results[MAX_REPEATS];
    encode_command command = {.repeats = 1,
                              .trial = {.covariance = "spread",
                                        .rows = 2048,
                                        .columns = 2048,
                                        .rate = 2.0,
                                        .preset = "default",
                                        .seed = 1,
                                        .threads = 0}};

    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    if (command.estimate) {
        estimate_print(&command.trial, operations(SPEED_SIZE, SPEED_SIZE) /
                                           time_multiplication(SPEED_SIZE, SPEED_SIZE));
        return 0;
    }
    trial_source source = trial_source_create(&command.trial);
    const double multiplication = time_multiplication(command.trial.rows, command.trial.columns);
    for (size_t i = 0; i < command.repeats; i++)
        results[i] = trial_run(&source, &command.trial);
    qsort(results, command.repeats, sizeof *results, by_seconds);
    const trial_result *const median = &results[command.repeats / 2];
    if (command.json)
        print_json(&source, &command.trial, median, multiplication);
    else
        print_table(&command.trial, median, multiplication);
    if (!command.json)
        print_roofline(&source, &command.trial, &median->report,
                       operations(command.trial.rows, command.trial.columns) / multiplication);
    trial_source_release(&source);
    return 0;
}
