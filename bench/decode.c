/* SPDX-License-Identifier: MIT */
/* What decoding costs on one thread, in nanoseconds a weight, with each kind of kernels that is
 * there. General decoders on the same symbols, memcpy() and BLAS on the same matrix are timed in
 * the same run. Prints one JSON object for each thing that was timed, or tables of all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "decode_table.h"
#include "entropy_coders.h"
#include "trial.h"

enum { RATES = 4, RANGE_ROWS = 64, MAX_REPEATS = 1000, TOKENS_MOST = 64 };

static const char help[] =
    "usage: decode [options]\n"
    "BLAS should have one thread too: OPENBLAS_NUM_THREADS=1, or what yours is called\n"
    "  --repeats M         the shortest time of so many is shown\n"
    "  --kernels NAME      c, avx2, avx512 or neon; else all that are there, one after the other\n"
    "  --table             tables in Markdown, not JSON\n"
    "  --only-rate         --rate alone, not 1, 2, 3 and 4 bits\n" TRIAL_HELP;

static const struct option option_list[] = {{"repeats", required_argument, NULL, 'r'},
                                            {"kernels", required_argument, NULL, 'k'},
                                            {"only-rate", no_argument, NULL, 'o'},
                                            {"table", no_argument, NULL, 't'},
                                            TRIAL_OPTIONS};

typedef struct decode_command {
    trial_options trial;
    size_t repeats;
    int32_t kernels;
    bool only_rate;
    bool as_table;
    decode_table table;
} decode_command;

/* One layer, and what every measurement on it needs. */
typedef struct decode_bench {
    decode_command *command;
    const char *quantizer;
    double rate; /* asked for */
    wsic_context *context;
    const wsic_layer *layer;
    wsic_layer_info info;
    void *output; /* room for the whole layer as F32 */
    float *x, *y; /* TOKENS_MOST tokens */
    void *workspace;
    size_t bytes;
    double copy;    /* seconds of memcpy() of the codes as I8 */
    double bare;    /* seconds of decoding alone */
    double general; /* seconds of htscodecs, or 0 */
} decode_bench;

static void take_option(void *data, int letter, const char *value)
{
    decode_command *const command = data;

    if (letter == 'r')
        command->repeats = bench_size_option("repeats", value, 1, MAX_REPEATS);
    if (letter == 'o')
        command->only_rate = true;
    if (letter == 't')
        command->as_table = true;
    if (letter != 'k')
        return;
    command->kernels = WSIC_KERNELS_AUTO;
    while (strcmp(wsic_kernels_name(command->kernels), value) != 0) {
        if (command->kernels++ == WSIC_KERNELS_NEON) {
            fprintf(stderr, "--kernels: '%s' is not known\n", value);
            exit(2);
        }
    }
}

/* --- timing and printing ------------------------------------------------- */

static double shortest(const decode_bench *bench, void (*action)(void *data), void *data)
{
    return bench_shortest(bench->command->repeats, action, data);
}

static double weights_of(const decode_bench *bench)
{
    return (double)bench->info.rows * (double)bench->info.columns;
}

/* tokens is 0 where there are none; reference the seconds of BLAS, or 0. */
static void print(const decode_bench *bench, const char *what, size_t tokens, double weights,
                  double seconds, double reference)
{
    const double all = weights_of(bench);
    const decode_cell cell = {.what = what,
                              .kernels = wsic_kernels_name(wsic_context_kernels(bench->context)),
                              .tokens = tokens,
                              .ns = 1e9 * seconds / weights,
                              .blas_ns = 1e9 * reference / weights};

    if (bench->command->as_table) {
        decode_table_add(&bench->command->table, &cell);
        return;
    }
    bench_json json = bench_json_open();
    bench_json_text(&json, "benchmark", "decode");
    bench_json_text(&json, "kernels", cell.kernels);
    bench_json_text(&json, "quantizer", bench->quantizer);
    bench_json_number(&json, "rate_asked", bench->rate);
    bench_json_number(&json, "rate", bench->info.rate);
    bench_json_number(&json, "rows", (double)bench->info.rows);
    bench_json_number(&json, "columns", (double)bench->info.columns);
    bench_json_number(&json, "block_rows", (double)bench->info.block_rows);
    bench_json_text(&json, "what", what);
    if (tokens != 0)
        bench_json_number(&json, "tokens", (double)tokens);
    bench_json_number(&json, "ns_per_weight", cell.ns);
    bench_json_number(&json, "memory", (double)bench->info.memory);
    bench_json_number(&json, "times_memcpy", seconds / weights * all / bench->copy);
    if (bench->bare != 0)
        bench_json_number(&json, "times_bare_decode", seconds / weights * all / bench->bare);
    if (bench->general != 0)
        bench_json_number(&json, "speed_to_htscodecs", bench->general / (seconds / weights * all));
    if (reference != 0) {
        bench_json_number(&json, "blas_ns_per_weight", 1e9 * reference / weights);
        bench_json_number(&json, "times_blas", seconds / reference);
        bench_json_number(&json, "times_blas_and_decode", seconds / (reference + bench->bare));
    }
    bench_json_close();
}

/* --- what is timed ------------------------------------------------------- */

typedef struct job_action {
    decode_bench *bench;
    wsic_layer_job job;
} job_action;

static void run_job(void *data)
{
    const job_action *const action = data;

    bench_check(wsic_layer_run(&action->job, action->bench->workspace, action->bench->bytes),
                "wsic_layer_run", wsic_layer_message(action->job.layer));
}

static void prepare(decode_bench *bench, const wsic_layer_job *job)
{
    size_t bytes = 0;

    bench_check(wsic_layer_get_workspace_size(job, &bytes), "wsic_layer_get_workspace_size",
                wsic_layer_message(job->layer));
    if (bytes <= bench->bytes)
        return;
    free(bench->workspace);
    bench->workspace = bench_workspace(bytes);
    bench->bytes = bytes;
}

/* Where so many rows begin: behind as many others, if they are not all. */
static size_t first_row(const decode_bench *bench, size_t rows)
{
    return rows < bench->info.rows ? rows : 0;
}

/* The shortest time of so many for some rows, which stand in the output then. */
static double run_rows(decode_bench *bench, uint32_t kind, uint32_t dtype, size_t rows,
                       size_t columns, size_t repeats)
{
    wsic_matrix output;
    wsic_matrix_init(&output, sizeof output, bench->output, dtype, rows, columns, 0);
    job_action action = {bench,
                         {.size = sizeof action.job,
                          .layer = bench->layer,
                          .kind = kind,
                          .first_row = first_row(bench, rows),
                          .output = &output}};

    prepare(bench, &action.job);
    return bench_shortest(repeats, run_job, &action);
}

static void time_rows(decode_bench *bench, const char *what, uint32_t kind, uint32_t dtype,
                      size_t rows)
{
    const size_t columns =
        kind == WSIC_JOB_CODED_ORDER ? bench->info.live_columns : bench->info.columns;

    if (rows > bench->info.rows - first_row(bench, rows))
        return;
    const double seconds = run_rows(bench, kind, dtype, rows, columns, bench->command->repeats);
    print(bench, what, 0, (double)rows * (double)columns, seconds, 0);
}

static void fill_output(decode_bench *bench, uint32_t kind, uint32_t dtype)
{
    run_rows(bench, kind, dtype, bench->info.rows, bench->info.columns, 1);
}

static int32_t ignore_tile(void *user, const wsic_tile *tile)
{
    (void)user;
    (void)tile;
    return 0;
}

static void visit_all(void *data)
{
    decode_bench *const bench = data;

    for (size_t row = 0; row < bench->info.rows; row += bench->info.block_rows)
        bench_check(wsic_layer_visit(bench->layer, row / bench->info.block_rows, ignore_tile, NULL,
                                     NULL, 0),
                    "wsic_layer_visit", wsic_layer_message(bench->layer));
}

static void copy_codes(void *data)
{
    decode_bench *const bench = data;
    const size_t count = bench->info.rows * bench->info.columns;

    memcpy((char *)bench->output + count, bench->output, count);
}

typedef struct general_action {
    const entropy_coded *coded;
    uint8_t *out;
} general_action;

static void run_general(void *data)
{
    const general_action *const action = data;
    action->coded->decode(action->coded, action->out);
}

/* The codes as I8 are what the general decoders get; they stand in the output. */
static void time_general(decode_bench *bench)
{
    const size_t count = bench->info.rows * bench->info.columns;
    entropy_coded coded[ENTROPY_CODERS_MOST];
    const size_t coders = entropy_coders_run(bench->output, count, coded);

    for (size_t k = 0; k < coders; k++) {
        general_action action = {&coded[k], (uint8_t *)bench->output + count};
        const double seconds = shortest(bench, run_general, &action);
        if (memcmp(bench->output, action.out, count) != 0) {
            fprintf(stderr, "%s: other symbols came back\n", coded[k].name);
            exit(1);
        }
        if (strcmp(coded[k].name, "htscodecs_x32") == 0)
            bench->general = seconds;
        print(bench, coded[k].name, 0, (double)count, seconds, 0);
        free(coded[k].bytes);
    }
}

/* --- products ------------------------------------------------------------ */

typedef struct blas_action {
    const decode_bench *bench;
    const float *weights;
    int tokens;
} blas_action;

static void multiply_f32(void *data)
{
    const blas_action *const action = data;
    const int rows = (int)action->bench->info.rows;
    const int columns = (int)action->bench->info.columns;

    if (action->tokens == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, columns, 1, action->weights, columns,
                    action->bench->x, 1, 0, action->bench->y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, action->tokens, rows, columns, 1,
                    action->bench->x, columns, action->weights, columns, 0, action->bench->y, rows);
}

/* The output holds the weights as F32. */
static void time_products(decode_bench *bench)
{
    static const size_t tokens[] = {1, 2, 4, 8, 16, TOKENS_MOST};

    for (size_t k = 0; k < sizeof tokens / sizeof *tokens; k++) {
        wsic_matrix x, y;
        wsic_matrix_init(&x, sizeof x, bench->x, WSIC_F32, tokens[k], bench->info.columns, 0);
        wsic_matrix_init(&y, sizeof y, bench->y, WSIC_F32, tokens[k], bench->info.rows, 0);
        job_action action = {bench,
                             {.size = sizeof action.job,
                              .layer = bench->layer,
                              .kind = WSIC_JOB_PRODUCT,
                              .input = &x,
                              .output = &y}};
        blas_action blas = {bench, bench->output, (int)tokens[k]};
        prepare(bench, &action.job);
        const double reference = shortest(bench, multiply_f32, &blas);
        const double seconds = shortest(bench, run_job, &action);
        print(bench, "product", tokens[k], weights_of(bench), seconds, reference);
    }
}

/* --- a layer ------------------------------------------------------------- */

static void time_kernels(decode_bench *bench, int32_t kernels)
{
    const size_t rows = bench->info.rows;

    if (wsic_context_set_kernels(bench->context, kernels) != WSIC_OK)
        return; /* this machine has none of them */
    bench->bare = shortest(bench, visit_all, bench);
    print(bench, "bare", 0, weights_of(bench), bench->bare, 0);
    if (bench->info.code_dtype == WSIC_I8) {
        time_rows(bench, "codes_i8", WSIC_JOB_CODES, WSIC_I8, rows);
        time_rows(bench, "codes_i8_rows", WSIC_JOB_CODES, WSIC_I8, RANGE_ROWS);
        time_rows(bench, "codes_i8_coded_order", WSIC_JOB_CODED_ORDER, WSIC_I8, rows);
    }
    time_rows(bench, "weights_bf16", WSIC_JOB_WEIGHTS, WSIC_BF16, rows);
    time_rows(bench, "weights_f32", WSIC_JOB_WEIGHTS, WSIC_F32, rows);
}

static void time_layer(decode_bench *bench)
{
    const int32_t chosen = bench->command->kernels;

    bench->copy = shortest(bench, copy_codes, bench);
    print(bench, "memcpy", 0, weights_of(bench), bench->copy, 0);
    if (bench->info.code_dtype == WSIC_I8) {
        fill_output(bench, WSIC_JOB_CODES, WSIC_I8);
        time_general(bench);
    }
    for (int32_t kernels = WSIC_KERNELS_C; kernels <= WSIC_KERNELS_NEON; kernels++) {
        if (chosen == WSIC_KERNELS_AUTO || chosen == kernels)
            time_kernels(bench, kernels);
    }
    bench_check(wsic_context_set_kernels(bench->context, chosen), "wsic_context_set_kernels", "");
    bench->bare = shortest(bench, visit_all, bench);
    fill_output(bench, WSIC_JOB_WEIGHTS, WSIC_F32);
    time_products(bench);
}

/* A trellis has a number of states; without one, codes are scalar. */
static void run_layer(decode_command *command, const trial_source *source, unsigned states,
                      double rate)
{
    const size_t rows = source->rows, columns = source->columns;
    trial_options options = command->trial;
    char setting[32], of_states[32], quantizer[32] = "scalar";

    options.rate = rate;
    snprintf(setting, sizeof setting, "quantizer=%s", states == 0 ? "scalar" : "trellis");
    trial_add_setting(&options, setting);
    if (states != 0) {
        snprintf(of_states, sizeof of_states, "trellis_states=%u", states);
        trial_add_setting(&options, of_states);
        snprintf(quantizer, sizeof quantizer, "trellis of %u", states);
    }
    wsic_layer *const layer = trial_layer(source, &options);
    decode_bench bench = {.command = command,
                          .quantizer = quantizer,
                          .rate = rate,
                          .context = source->context,
                          .layer = layer,
                          .info = {.size = sizeof bench.info},
                          .output = bench_allocate(rows * columns, sizeof(float)),
                          .x = bench_allocate(TOKENS_MOST * columns, sizeof(float)),
                          .y = bench_allocate(TOKENS_MOST * rows, sizeof(float))};
    bench_check(wsic_layer_get_info(layer, &bench.info), "wsic_layer_get_info", "");
    memset(bench.output, 0, rows * columns * sizeof(float));
    for (size_t k = 0; k < TOKENS_MOST * columns; k++)
        bench.x[k] = source->weights[k % (rows * columns)];
    if (command->as_table)
        decode_table_begin(&command->table, quantizer, rate,
                           8.0 * (double)bench.info.memory / weights_of(&bench));
    time_layer(&bench);
    free(bench.workspace);
    free(bench.y);
    free(bench.x);
    free(bench.output);
    wsic_layer_destroy(layer);
}

int main(int argc, char **argv)
{
    static const unsigned states[] = {0, 8, 32, 256};
    static decode_command command = {.repeats = 5,
                                     .trial = {.covariance = "spread",
                                               .rows = 2048,
                                               .columns = 2048,
                                               .rate = 2.0,
                                               .preset = "fast",
                                               .seed = 1,
                                               .threads = 1}};

    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    trial_source source = trial_source_create(&command.trial);
    bench_check(wsic_context_set_kernels(source.context, command.kernels),
                "wsic_context_set_kernels", wsic_context_message(source.context));
    for (size_t q = 0; q < sizeof states / sizeof *states; q++) {
        for (int rate = 1; rate <= RATES; rate++) {
            if (!command.only_rate || rate == 1)
                run_layer(&command, &source, states[q],
                          command.only_rate ? command.trial.rate : rate);
        }
    }
    decode_table_print(&command.table);
    trial_source_release(&source);
    return 0;
}
