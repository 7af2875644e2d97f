/* SPDX-License-Identifier: MIT */
/* How fast statistics take activations, beside syrk of BLAS on the same tokens in the same run:
 * ssyrk for what fits into single precision, dsyrk for doubles, and for pairs two of them and a
 * product for the cross moment. BLAS has its own threads in both, unless the library has some. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cblas.h>
#include <watersic/watersic.h>

#include "bench.h"
#include "random.h"

enum { MOST_REPEATS = 100, SAMPLES = 200 };

static const char help[] = "usage: stats [options]\n"
                           "  --columns N         inputs of the layer; 1024\n"
                           "  --tokens N          in one batch; 8192\n"
                           "  --mean M            of all elements, whose deviation is 1; 0\n"
                           "  --threads T         of the library, 0 for all processors; 1\n"
                           "  --repeats N         of which the fastest counts; 3\n"
                           "  --json              one JSON object a line\n";

static const struct option option_list[] = {
    {"columns", required_argument, NULL, 'c'}, {"tokens", required_argument, NULL, 't'},
    {"mean", required_argument, NULL, 'm'},    {"threads", required_argument, NULL, 'T'},
    {"repeats", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};

typedef struct stats_bench {
    size_t columns, tokens, repeats;
    double mean;
    int32_t threads;
    bool json;

    wsic_context *context;
    float *singles;
    double *doubles;
    uint16_t *halves; /* BF16, or F16: any finite numbers will do */
    float *sum;       /* of BLAS */
    double *double_sum;
} stats_bench;

/* --- the library ------------------------------------------------------------------- */

static void add(stats_bench *bench, const void *data, uint32_t dtype, bool pairs, wsic_stats *stats)
{
    wsic_matrix x;

    wsic_matrix_init(&x, sizeof x, data, dtype, bench->tokens, bench->columns, 0);
    if (pairs)
        bench_check(wsic_stats_add_pair(stats, &x, &x, NULL, NULL), "wsic_stats_add_pair",
                    wsic_stats_message(stats));
    else
        bench_check(wsic_stats_add_activations(stats, &x, NULL), "wsic_stats_add_activations",
                    wsic_stats_message(stats));
}

static wsic_stats *create(const stats_bench *bench)
{
    wsic_stats *stats;

    bench_check(wsic_stats_create(bench->context, bench->columns, &stats), "wsic_stats_create",
                wsic_context_message(bench->context));
    return stats;
}

/* One run on the same statistics, which an earlier one has made: fresh memory is paid for. */
static double time_library(stats_bench *bench, const void *data, uint32_t dtype, bool pairs,
                           wsic_stats *stats)
{
    const double start = bench_seconds();

    add(bench, data, dtype, pairs, stats);
    return bench_seconds() - start;
}

/* --- BLAS --------------------------------------------------------------------------- */

static void multiply(stats_bench *bench, bool doubles, bool pairs)
{
    const int n = (int)bench->columns, k = (int)bench->tokens;

    for (int i = 0; i < (pairs ? 2 : 1); i++) {
        if (doubles)
            cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, n, k, 1, bench->doubles, n, 0,
                        bench->double_sum, n);
        else
            cblas_ssyrk(CblasColMajor, CblasLower, CblasNoTrans, n, k, 1, bench->singles, n, 0,
                        bench->sum, n);
    }
    if (pairs)
        cblas_sgemm(CblasColMajor, CblasNoTrans, CblasTrans, n, n, k, 1, bench->singles, n,
                    bench->singles, n, 0, bench->sum, n);
}

static double time_blas(stats_bench *bench, bool doubles, bool pairs)
{
    const double start = bench_seconds();

    multiply(bench, doubles, pairs);
    return bench_seconds() - start;
}

/* --- errors --------------------------------------------------------------------------- */

/* The covariance of centered columns, for elements here and there: the largest error, in units of
 * the product of the two deviations. */
static double largest_error(const stats_bench *bench, const double *covariance)
{
    const size_t n = bench->columns;
    random_state random = {2};
    double largest = 0;

    for (size_t sample = 0; sample < SAMPLES; sample++) {
        const size_t i = (size_t)(random_bits(&random) % n), j = (size_t)(random_bits(&random) % n);
        long double sum = 0;
        for (size_t t = 0; t < bench->tokens; t++)
            sum += (long double)bench->singles[t * n + i] * (long double)bench->singles[t * n + j];
        const long double error = covariance[i * n + j] - sum / (long double)bench->tokens;
        largest = fmax(largest, fabs((double)error));
    }
    return largest;
}

static double error_of_singles(stats_bench *bench)
{
    const size_t n = bench->columns;
    double *const covariance = bench_allocate(n * n, sizeof *covariance);
    wsic_stats *const stats = create(bench);
    wsic_matrix matrix;

    add(bench, bench->singles, WSIC_F32, false, stats);
    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, n, n, 0);
    bench_check(wsic_stats_get_covariance(stats, &matrix), "wsic_stats_get_covariance",
                wsic_stats_message(stats));
    const double error = largest_error(bench, covariance);
    wsic_stats_destroy(stats);
    free(covariance);
    return error;
}

/* --- running ---------------------------------------------------------------------------- */

/* The fastest of either, in turn, so that other work on the machine meets both. */
static void measure(stats_bench *bench, const void *data, uint32_t dtype, bool pairs, double *blas,
                    double *library)
{
    wsic_stats *const stats = create(bench);

    *blas = *library = HUGE_VAL;
    add(bench, data, dtype, pairs, stats);
    multiply(bench, dtype == WSIC_F64, pairs);
    for (size_t i = 0; i < bench->repeats; i++) {
        *blas = fmin(*blas, time_blas(bench, dtype == WSIC_F64, pairs));
        *library = fmin(*library, time_library(bench, data, dtype, pairs, stats));
    }
    wsic_stats_destroy(stats);
}

static void report(stats_bench *bench, const char *name, const void *data, uint32_t dtype,
                   bool pairs)
{
    double blas, seconds;

    measure(bench, data, dtype, pairs, &blas, &seconds);
    const double n = (double)bench->columns;
    const double operations = (pairs ? 4 : 1) * (double)bench->tokens * n * n;

    if (bench->json) {
        bench_json json = bench_json_open();
        bench_json_text(&json, "what", name);
        bench_json_number(&json, "seconds", seconds);
        bench_json_number(&json, "gflops", 1e-9 * operations / seconds);
        bench_json_number(&json, "ratio", blas / seconds);
        bench_json_close();
    } else {
        printf("%-16s %9.3f ms %8.1f Gflop/s %6.2f of BLAS\n", name, 1e3 * seconds,
               1e-9 * operations / seconds, blas / seconds);
    }
}

static void run(stats_bench *bench)
{
    report(bench, "F32", bench->singles, WSIC_F32, false);
    report(bench, "BF16", bench->halves, WSIC_BF16, false);
    report(bench, "F16", bench->halves, WSIC_F16, false);
    report(bench, "F64", bench->doubles, WSIC_F64, false);
    report(bench, "pairs of F32", bench->singles, WSIC_F32, true);
    const double error = error_of_singles(bench);
    if (bench->json) {
        bench_json json = bench_json_open();
        bench_json_number(&json, "error", error);
        bench_json_close();
    } else {
        printf("largest error of F32, in units of the two deviations: %.2g\n", error);
    }
}

/* --- setting up --------------------------------------------------------------------------- */

static void create_data(stats_bench *bench)
{
    const size_t count = bench->tokens * bench->columns;
    const size_t n2 = bench->columns * bench->columns;
    random_state random = {1};

    bench->singles = bench_allocate(count, sizeof *bench->singles);
    bench->doubles = bench_allocate(count, sizeof *bench->doubles);
    bench->halves = bench_allocate(count, sizeof *bench->halves);
    bench->sum = bench_allocate(n2, sizeof *bench->sum);
    bench->double_sum = bench_allocate(n2, sizeof *bench->double_sum);
    for (size_t i = 0; i < count; i++) {
        bench->singles[i] = (float)(bench->mean + 1.7320508 * random_symmetric(&random));
        bench->doubles[i] = (double)bench->singles[i];
        bench->halves[i] = (uint16_t)(0x3C00 + random_bits(&random) % 0x400);
    }
}

static void destroy_data(stats_bench *bench)
{
    free(bench->singles);
    free(bench->doubles);
    free(bench->halves);
    free(bench->sum);
    free(bench->double_sum);
}

static void take_option(stats_bench *bench, int letter, const char *value)
{
    if (letter == 'c')
        bench->columns = bench_size_option("columns", value, 1, 1 << 20);
    else if (letter == 't')
        bench->tokens = bench_size_option("tokens", value, 1, 1 << 30);
    else if (letter == 'm')
        bench->mean = bench_number_option("mean", value, -1e30, 1e30);
    else if (letter == 'T')
        bench->threads = (int32_t)bench_size_option("threads", value, 0, 1024);
    else if (letter == 'r')
        bench->repeats = bench_size_option("repeats", value, 1, MOST_REPEATS);
    else
        bench->json = true;
}

static void read_options(int argc, char **argv, stats_bench *bench)
{
    for (int letter; (letter = getopt_long(argc, argv, "", option_list, NULL)) != -1;) {
        if (letter == 'h' || letter == '?') {
            fputs(help, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        }
        take_option(bench, letter, optarg);
    }
}

int main(int argc, char **argv)
{
    stats_bench bench = {.columns = 1024, .tokens = 8192, .repeats = 3, .threads = 1};

    read_options(argc, argv, &bench);
    bench_check(wsic_context_create(NULL, &bench.context), "wsic_context_create", "");
    bench_check(wsic_context_set_threads(bench.context, bench.threads), "wsic_context_set_threads",
                wsic_context_message(bench.context));
    create_data(&bench);
    run(&bench);
    destroy_data(&bench);
    wsic_context_destroy(bench.context);
    return 0;
}
