/* SPDX-License-Identifier: MIT */
#include "llm/command/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/blas_memory.h"
#include "common/interrupt.h"
#include "common/meter.h"
#include "common/peak_memory.h"
#include "common/workers.h"
#include "llm/command/output_files.h"
#include "llm/command/unchanged.h"
#include "llm/model/config.h"
#include "llm/run/external.h"
#include "llm/run/importance.h"
#include "llm/run/matrices.h"
#include "llm/run/takeover.h"
#include "llm/watersic/provenance.h"
#include "llm/watersic/report.h"

struct tensors {
    const struct options *options;
    wsic_context *context;
    struct checkpoint *checkpoint;
    struct matrices matrices;
    struct external *external;     /* one of the two, or none: identity */
    struct importance *importance; /* diagonals */
    struct watersic_method method;
    struct layer_result result; /* of the method: the matrix in hand */
    bool *taken;                /* matrices that the archive has already */
    size_t taken_over;
    uint64_t weights;
    uint64_t bytes;
    struct meter meter;
    struct failure *failure;
};

/* --- statistics ------------------------------------------------------------ */

/* Of an expert that no token has reached, what is known of the others. */
static bool take_importance(const struct tensors *run, const struct matrix *matrix,
                            double *diagonal)
{
    double calls;

    if (!importance_diagonal(run->importance, matrix->name, matrix->stored.columns, diagonal,
                             &calls, run->failure))
        return false;
    if (!(calls > 0))
        fprintf(stderr,
                "watersic-llm: warning: %s: no token has reached this expert; it has the "
                "statistics of all experts of its layer\n",
                matrix->name);
    return true;
}

/* A diagonal of ones where there is no importance matrix. */
static bool fill_diagonal(const struct tensors *run, const struct matrix *matrix, double *diagonal)
{
    const size_t columns = matrix->stored.columns;

    if (run->importance)
        return take_importance(run, matrix, diagonal);
    for (size_t i = 0; i < columns; i++)
        diagonal[i] = 1;
    return true;
}

static bool add_diagonal(const struct tensors *run, const struct matrix *matrix, double *values,
                         wsic_stats *stats)
{
    const size_t n = matrix->stored.columns;
    double *const diagonal = values + n * n;
    wsic_matrix covariance;

    if (!fill_diagonal(run, matrix, diagonal))
        return false;
    for (size_t i = 0; i < n; i++)
        values[i * n + i] = diagonal[i];
    wsic_matrix_init(&covariance, sizeof covariance, values, WSIC_F64, n, n, 0);
    return wsic_stats_add_covariance(stats, &covariance, 1) >= 0 ||
           refuse(run->failure, "%s: %s", matrix->name, wsic_stats_message(stats));
}

/* Without statistics: all inputs as if they had nothing to do with each other. */
static bool make_diagonal(const struct tensors *run, const struct matrix *matrix,
                          wsic_stats **stats)
{
    const size_t n = matrix->stored.columns;
    double *const values = calloc(n * n + n, sizeof *values);
    bool ok = false;

    if (!values)
        refuse(run->failure, "%s: out of memory", matrix->name);
    else if (wsic_stats_create(run->context, n, stats) < 0)
        refuse(run->failure, "%s: %s", matrix->name, wsic_context_message(run->context));
    else
        ok = add_diagonal(run, matrix, values, *stats);
    free(values);
    return ok;
}

static bool find_statistics(const struct tensors *run, const struct matrix *matrix,
                            wsic_stats **stats)
{
    return run->external ? external_stats(run->external, run->context, matrix->name,
                                          matrix->stored.columns, stats, run->failure)
                         : make_diagonal(run, matrix, stats);
}

/* --- one matrix after the other --------------------------------------------- */

/* Characters that a line of the table has beside the name. */
enum { FIGURES = 33 };

static void print_result(const struct tensors *run, const struct matrix *matrix)
{
    const struct layer_result *const result = &run->result;
    char shape[48];
    char distortion[REPORT_FIGURE_SIZE];

    if (run->options->json)
        return;
    snprintf(shape, sizeof shape, "%zux%zu", matrix->stored.rows, matrix->stored.columns);
    report_distortion(&result->info, distortion);
    report_name(matrix->name, FIGURES);
    printf(" %12s %8.4f %10s%s%s\n", shape, result->info.rate, distortion,
           result->taken ? "  taken over" : "",
           !result->taken && result->status == WSIC_NOTICE_RATE ? "  rate not met" : "");
}

/* The method counts layers: each is the only one of a model of its own. */
static bool quantize(struct tensors *run, const struct matrix *matrix, bool taken, float *weights,
                     const wsic_stats *stats)
{
    struct linear linear = {
        .rows = matrix->stored.rows, .columns = matrix->stored.columns, .weights = weights};
    const struct layer_task task = {.name = matrix->name, .linear = &linear, .stats = stats};

    run->result = (struct layer_result){.taken = false};
    run->method.taken = &taken;
    if (!watersic_quantize(&run->method, &task, run->failure))
        return false;
    run->weights += matrix->stored.rows * matrix->stored.columns;
    run->taken_over += taken;
    print_result(run, matrix);
    return true;
}

static bool make_matrix(struct tensors *run, size_t number)
{
    const struct matrix *const matrix = &run->matrices.of[number];
    const bool taken = run->taken[number];
    const size_t numbers = matrix->stored.rows * matrix->stored.columns;
    float *const weights = malloc(numbers * sizeof *weights);
    wsic_stats *stats = NULL;

    meter_show(&run->meter, (double)number / (double)run->matrices.count, matrix->name);
    if (!weights)
        return refuse(run->failure, "%s: out of memory", matrix->name);
    bool ok = interrupt_none(run->failure);
    if (ok && !taken) {
        ok = stored_read(&matrix->stored, 0, matrix->stored.rows, weights, run->failure) &&
             find_statistics(run, matrix, &stats);
        stored_release(&matrix->stored);
    }
    ok = ok && quantize(run, matrix, taken, weights, stats);
    wsic_stats_destroy(stats);
    free(weights);
    return ok;
}

/* --- the archive ------------------------------------------------------------ */

static const char *statistics_name(const struct options *options)
{
    if (options->statistics)
        return "of another program";
    return options->importance ? "importance matrix" : "none";
}

/* Tensors and statistics are compared one by one (unchanged.h). */
static bool describe(struct tensors *run)
{
    const struct options *const options = run->options;
    json_t *const description =
        json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s}}", "library", wsic_version(), "preset",
                  options->presets.names[0], "parameters",
                  wsic_encoder_parameters(run->method.encoder), "model", "tensors",
                  options->tensors, "calibration", "statistics", statistics_name(options));

    if (!description)
        return refuse(run->failure, "--tensors: the patterns are not UTF-8");
    const bool ok =
        (wsic_archive_writer_count(run->method.writer) == 0 ||
         provenance_check(description, run->method.writer, options->output, run->failure)) &&
        provenance_write(description, run->method.writer, options->output, run->failure);
    json_decref(description);
    return ok;
}

static bool find_taken(struct tensors *run)
{
    size_t count = 0;

    for (size_t i = 0; i < run->matrices.count; i++) {
        run->taken[i] = takeover_has(run->method.writer, run->matrices.of[i].name);
        count += run->taken[i];
    }
    return count == wsic_archive_writer_count(run->method.writer) ||
           refuse(run->failure,
                  "%s.part: holds a layer that --tensors does not name (--restart throws it away)",
                  run->options->output);
}

static bool check_unchanged(const struct tensors *run)
{
    const struct ingredients ingredients = {.matrices = &run->matrices,
                                            .external = run->external,
                                            .importance = run->options->importance};

    return unchanged_check(&ingredients, run->taken, run->method.writer, run->options->output,
                           run->failure);
}

static bool make_all(struct tensors *run)
{
    if (!run->options->json) {
        report_name("matrix", FIGURES);
        printf(" %12s %8s %10s\n", "shape", "rate", "distortion");
    }
    for (size_t i = 0; i < run->matrices.count; i++)
        if (!make_matrix(run, i))
            return false;
    if (wsic_archive_writer_finish(run->method.writer) < 0)
        return refuse(run->failure, "%s: %s", run->options->output,
                      wsic_archive_writer_message(run->method.writer));
    run->bytes = wsic_archive_writer_size(run->method.writer, NULL, 0);
    meter_stop(&run->meter);
    return true;
}

static bool report(const struct tensors *run)
{
    const double bits = 8 * (double)run->bytes / (double)run->weights;

    if (run->options->json)
        return report_json(
            json_pack("{s:s, s:f, s:s, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:I}", "output",
                      run->options->output, "rate_target", run->options->rates.values[0],
                      "statistics", statistics_name(run->options), "bytes", (json_int_t)run->bytes,
                      "bits_per_weight", bits, "weights", (json_int_t)run->weights, "matrices",
                      (json_int_t)run->matrices.count, "untouched_vectors",
                      (json_int_t)run->matrices.vectors, "taken_over", (json_int_t)run->taken_over,
                      "seconds", meter_seconds(&run->meter), "peak_bytes",
                      (json_int_t)peak_memory()),
            run->failure);
    printf("%s: %llu bytes, %.4f bits per weight in %zu matrices", run->options->output,
           (unsigned long long)run->bytes, bits, run->matrices.count);
    if (run->matrices.vectors > 0)
        printf("; %zu vectors that match stay as they are", run->matrices.vectors);
    printf(", %.1f s\n", meter_seconds(&run->meter));
    return report_flush(run->failure);
}

static bool write_archive(struct tensors *run)
{
    const struct options *const options = run->options;

    run->method.writer =
        takeover_open(run->context, options->output, options->restart, run->failure);
    if (!run->method.writer || !describe(run) || !find_taken(run) || !check_unchanged(run))
        return false;
    if (make_all(run))
        return report(run);
    if (wsic_archive_writer_count(run->method.writer) > 0)
        takeover_tell(run->method.writer, options->output, run->failure);
    return false;
}

/* --- the run ---------------------------------------------------------------- */

static void tell_cost(const struct options *options)
{
    if (options->statistics)
        return;
    if (options->importance)
        fputs(
            "watersic-llm: warning: an importance matrix tells how large inputs are, not how they "
            "hang together: expect a larger loss than with covariances (--statistics)\n",
            stderr);
    else
        fputs("watersic-llm: warning: without statistics all inputs count alike: expect a much "
              "larger loss at the same rate than with covariances (--statistics)\n",
              stderr);
}

static bool check_outputs(const struct tensors *run)
{
    const struct model model = {.checkpoint = run->checkpoint};

    return output_files_check(run->options, &model, run->failure);
}

static bool open_inputs(struct tensors *run)
{
    const struct options *const options = run->options;
    size_t block[2];

    if (!config_load_scale_block(block, options->model, run->failure) ||
        !checkpoint_open(&run->checkpoint, options->model, run->failure) || !check_outputs(run) ||
        !matrices_find(&run->matrices, run->checkpoint, options->tensors, block, run->failure) ||
        (options->statistics &&
         !external_open(&run->external, options->statistics, run->failure)) ||
        (options->importance &&
         !importance_open(&run->importance, options->importance, run->failure)))
        return false;
    run->taken = calloc(run->matrices.count, sizeof *run->taken);
    return run->taken || refuse(run->failure, "out of memory");
}

static bool begin(struct tensors *run)
{
    const struct options *const options = run->options;
    const struct method_settings settings = {.rate = options->rates.values[0],
                                             .preset = options->presets.names[0],
                                             .settings = options->settings.values,
                                             .setting_count = options->settings.count,
                                             .rescalers = true};

    meter_start(&run->meter);
    run->meter.lines = options->progress;
    if (wsic_context_create(NULL, &run->context) < 0)
        return refuse(run->failure, "the library's context cannot be created");
    if (wsic_context_set_threads(run->context, 0) < 0)
        return refuse(run->failure, "%s", wsic_context_message(run->context));
    run->method.context = run->context;
    run->method.results = &run->result;
    run->method.encoder = watersic_encoder_create(run->context, &settings, false, run->failure);
    return run->method.encoder && blas_memory_check(workers_usual(), run->failure) &&
           open_inputs(run);
}

static void end(struct tensors *run)
{
    interrupt_watch(NULL);
    meter_stop(&run->meter);
    wsic_archive_writer_destroy(run->method.writer);
    wsic_encoder_destroy(run->method.encoder);
    free(run->taken);
    importance_close(run->importance);
    external_close(run->external);
    matrices_free(&run->matrices);
    checkpoint_close(run->checkpoint);
    wsic_context_destroy(run->context);
}

enum outcome command_tensors(const struct options *options, struct failure *failure)
{
    struct tensors run = {.options = options, .failure = failure};
    bool ok = begin(&run);

    if (ok) {
        tell_cost(options);
        interrupt_watch(run.context);
        ok = write_archive(&run);
    }
    end(&run);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
