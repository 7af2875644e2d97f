/* SPDX-License-Identifier: MIT */
/* What an engine pays for each way of using a layer, in memory and time, and how decoding and
 * products go with threads: one JSON object a line. docs/engines.md shows both. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "trial.h"

enum { MAX_REPEATS = 1000, THREADS_MOST = 64 };

static const char help[] = "usage: engines [options]\n"
                           "  --repeats M         the shortest time of so many is shown\n"
                           "  --most-threads T    1, 2, 4 ... T threads\n" TRIAL_HELP;

static const struct option option_list[] = {{"repeats", required_argument, NULL, 'r'},
                                            {"most-threads", required_argument, NULL, 't'},
                                            TRIAL_OPTIONS};

typedef struct engines {
    trial_options trial;
    size_t repeats;
    size_t most_threads;
    wsic_context *context;
    const void *bytes; /* of the layer */
    size_t size;
    const wsic_layer *layer;
    wsic_layer_info info;
    float *room; /* for all weights */
    float *x, *y;
    void *workspace; /* for any of the jobs here */
    size_t workspace_bytes;
    size_t threads; /* of the measurement at hand */
    uint32_t kind;
    uint32_t dtype;
} engines;

static void take_option(void *data, int letter, const char *value)
{
    engines *const e = data;

    if (letter == 'r')
        e->repeats = bench_size_option("repeats", value, 1, MAX_REPEATS);
    if (letter == 't')
        e->most_threads = bench_size_option("most-threads", value, 1, THREADS_MOST);
}

/* An action on a copy of its own, so that none changes what the next one finds. */
struct timed {
    engines engines;
    void (*action)(engines *e);
};

static void run_timed(void *data)
{
    struct timed *const timed = data;

    timed->action(&timed->engines);
}

static double shortest(const engines *e, void (*action)(engines *e))
{
    struct timed timed = {*e, action};

    return bench_shortest(e->repeats, run_timed, &timed);
}

/* --- what is timed ------------------------------------------------------- */

static void run_job(engines *e)
{
    const size_t rows = e->info.rows, columns = e->info.columns;
    const bool product = e->kind == WSIC_JOB_PRODUCT;
    wsic_matrix input, output;

    wsic_matrix_init(&input, sizeof input, e->x, WSIC_F32, 1, columns, 0);
    if (product)
        wsic_matrix_init(&output, sizeof output, e->y, WSIC_F32, 1, rows, 0);
    else
        wsic_matrix_init(&output, sizeof output, e->room, e->dtype, rows, columns, 0);
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = e->layer,
                                .kind = e->kind,
                                .input = product ? &input : NULL,
                                .output = &output};
    bench_check(wsic_layers_run(e->context, &job, 1, e->threads, e->workspace, e->workspace_bytes),
                "wsic_layers_run", wsic_context_message(e->context));
}

/* As an engine that streams does it, less the reading. */
static void view_and_decode(engines *e)
{
    wsic_layer *layer;
    engines of_view = *e;

    bench_check(wsic_layer_create_view(e->context, e->bytes, e->size, &layer),
                "wsic_layer_create_view", wsic_context_message(e->context));
    of_view.layer = layer;
    run_job(&of_view);
    wsic_layer_destroy(layer);
}

/* Registers alone: what the threads of this machine can do that wait for nothing. */
static void *compute(void *data)
{
    volatile uint64_t *const out = data;
    uint64_t state = 1;

    for (int k = 0; k < 20000000; k++)
        state = state * 6364136223846793005U + 1442695040888963407U;
    *out = state;
    return NULL;
}

static void compute_on_threads(engines *e)
{
    pthread_t threads[THREADS_MOST];
    uint64_t results[THREADS_MOST];

    for (size_t t = 1; t < e->threads; t++) {
        if (pthread_create(&threads[t], NULL, compute, &results[t]) != 0) {
            fputs("no thread\n", stderr);
            exit(1);
        }
    }
    compute(&results[0]);
    for (size_t t = 1; t < e->threads; t++)
        pthread_join(threads[t], NULL);
}

/* --- tables -------------------------------------------------------------- */

static bench_json begin_line(const engines *e, const char *what)
{
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "engines");
    bench_json_text(&json, "kernels", wsic_kernels_name(wsic_context_kernels(e->context)));
    bench_json_number(&json, "rows", (double)e->info.rows);
    bench_json_number(&json, "columns", (double)e->info.columns);
    bench_json_number(&json, "rate", e->info.rate);
    bench_json_text(&json, "what", what);
    return json;
}

static void time_way(engines *e, const char *way, uint32_t kind, uint32_t dtype, double bytes,
                     void (*action)(engines *e))
{
    const double weights = (double)e->info.rows * (double)e->info.columns;

    e->kind = kind;
    e->dtype = dtype;
    e->threads = 1;
    const double seconds = shortest(e, action);
    bench_json json = begin_line(e, way);
    bench_json_number(&json, "bits_per_weight_held", 8.0 * bytes / weights);
    bench_json_number(&json, "ns_per_weight", 1e9 * seconds / weights);
    bench_json_close();
}

static void show_ways(engines *e)
{
    const double weights = (double)e->info.rows * (double)e->info.columns;
    const double held = (double)e->info.memory;
    const bool fits = e->info.codes_fit_i4 != 0, bytes = e->info.code_dtype == WSIC_I8;

    time_way(e, "resident: product of one token", WSIC_JOB_PRODUCT, 0, held, run_job);
    time_way(e, "resident: weights as bf16", WSIC_JOB_WEIGHTS, WSIC_BF16, held, run_job);
    time_way(e, "expanded at load: bf16", WSIC_JOB_WEIGHTS, WSIC_BF16, 2.0 * weights, run_job);
    if (bytes)
        time_way(e, "expanded at load: int8", WSIC_JOB_CODES, WSIC_I8, weights, run_job);
    if (fits)
        time_way(e, "expanded at load: int4", WSIC_JOB_CODES, WSIC_I4, 0.5 * weights, run_job);
    time_way(e, "streamed: checked and decoded", WSIC_JOB_CODES, bytes ? WSIC_I8 : WSIC_I16, 0.0,
             view_and_decode);
}

static void time_threads(engines *e, const char *what, void (*action)(engines *e))
{
    double alone = 0.0;

    for (size_t t = 1; t <= e->most_threads; t *= 2) {
        e->threads = t;
        const double seconds = shortest(e, action);
        const double work = action == compute_on_threads ? (double)t : 1.0;
        alone = t == 1 ? seconds : alone;
        bench_json json = begin_line(e, what);
        bench_json_number(&json, "threads", (double)t);
        bench_json_number(&json, "milliseconds", 1e3 * seconds);
        bench_json_number(&json, "times_one_thread", alone * work / seconds);
        bench_json_close();
    }
}

static void show_threads(engines *e)
{
    time_threads(e, "threads: registers alone", compute_on_threads);
    e->kind = WSIC_JOB_CODES;
    e->dtype = e->info.code_dtype;
    time_threads(e, "threads: codes of the layer", run_job);
    e->kind = WSIC_JOB_PRODUCT;
    time_threads(e, "threads: product of one token", run_job);
}

/* Of the job that needs most: codes in the order of the matrix. */
static void make_workspace(engines *e)
{
    wsic_matrix output;
    const wsic_layer_job job = {
        .size = sizeof job, .layer = e->layer, .kind = WSIC_JOB_CODES, .output = &output};

    wsic_matrix_init(&output, sizeof output, e->room, WSIC_I32, e->info.rows, e->info.columns, 0);
    bench_check(
        wsic_layers_get_workspace_size(e->context, &job, 1, e->most_threads, &e->workspace_bytes),
        "wsic_layers_get_workspace_size", wsic_context_message(e->context));
    e->workspace = bench_workspace(e->workspace_bytes);
}

int main(int argc, char **argv)
{
    engines e = {.repeats = 7,
                 .most_threads = 2,
                 .info = {.size = sizeof e.info},
                 .trial = {.covariance = "ar0.9",
                           .rows = 2048,
                           .columns = 2048,
                           .rate = 2.0,
                           .preset = "fast",
                           .seed = 1,
                           .threads = 1}};

    trial_parse(argc, argv, option_list, help, &e.trial, take_option, &e);
    trial_source source = trial_source_create(&e.trial);
    wsic_layer *const layer = trial_layer(&source, &e.trial);
    bench_check(wsic_layer_get_info(layer, &e.info), "wsic_layer_get_info", "");
    bench_check(wsic_layer_get_bytes(layer, &e.bytes, &e.size), "wsic_layer_get_bytes", "");
    bench_check(wsic_context_set_threads(source.context, (int32_t)e.most_threads),
                "wsic_context_set_threads", wsic_context_message(source.context));
    e.context = source.context;
    e.layer = layer;
    e.room = source.weights; /* not needed any more */
    e.x = bench_allocate(source.columns, sizeof *e.x);
    e.y = bench_allocate(source.rows, sizeof *e.y);
    for (size_t k = 0; k < source.columns; k++)
        e.x[k] = source.weights[k];
    make_workspace(&e);
    show_ways(&e);
    show_threads(&e);
    free(e.workspace);
    free(e.x);
    free(e.y);
    wsic_layer_destroy(layer);
    trial_source_release(&source);
    return 0;
}
