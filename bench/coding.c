/* SPDX-License-Identifier: MIT */
/* Rates and speed of the entropy coder on synthetic codes, one JSON object to a line:
 *   coded           bits per code of the finished bytes
 *   measured        what wsic_codes_measure() says
 *   pooled          entropy of one histogram for all codes
 *   source          entropy of the very distributions that the codes were drawn from,
 *                   each column's and row's scale being known
 *   classes         empirical entropy of the codes within each class of the encoder
 *   head            bits of the classes and models
 *   ..._ns          time per code in nanoseconds, the least of five runs; decoding takes one
 *                   thread; memcpy_ns copies the codes
 * Usage: coding [rows [columns [kind [threads]]]]
 * With a kind of trellis, 2 to 8, the drawn integers are the indices of levels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/context.h"
#include "coding/code_symbols.h"
#include "random.h"

enum { REPEATS = 5 };

typedef enum density { GAUSS, LAPLACE, STUDENT4, DENSITIES } density;

static const char *const DENSITY_NAMES[DENSITIES] = {"gauss", "laplace", "student4"};

typedef struct bench_case {
    density shape;
    double log2_deviation; /* of the middle */
    double column_octaves; /* uniform over so many octaves */
    double row_octaves;
} bench_case;

typedef struct bench_result {
    double coded, measured, pooled, source, classes, head;
    double measure_ns, encode_ns, decode_ns, memcpy_ns;
} bench_result;

/* Unit variance. */
static double draw(random_state *random, density shape)
{
    switch (shape) {
    case LAPLACE: {
        const double sign = random_uniform(random) < 0.5 ? -1 : 1;
        return sign * log(random_uniform(random)) / sqrt(2);
    }
    case STUDENT4: {
        const double chi_square = -2 * (log(random_uniform(random)) + log(random_uniform(random)));
        return random_normal(random) / sqrt(chi_square / 4) / sqrt(2);
    }
    default:
        return random_normal(random);
    }
}

/* P(X > t) for t >= 0, unit variance. */
static double upper_tail(density shape, double t)
{
    switch (shape) {
    case LAPLACE:
        return 0.5 * exp(-t * sqrt(2));
    case STUDENT4: {
        const double x = t * sqrt(2);
        const double s = x / sqrt(4 + x * x);
        return 0.5 - 0.75 * (s - s * s * s / 3);
    }
    default:
        return 0.5 * erfc(t / sqrt(2));
    }
}

/* -log2 of the probability of a code. */
static double code_bits(density shape, double deviation, int32_t code)
{
    const double magnitude = fabs((double)code);
    double mass;

    if (code == 0)
        mass = 1 - 2 * upper_tail(shape, 0.5 / deviation);
    else
        mass = upper_tail(shape, (magnitude - 0.5) / deviation) -
               upper_tail(shape, (magnitude + 0.5) / deviation);
    return -log2(fmax(mass, 1e-300));
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Draw the codes; returns the mean of -log2 of their probabilities. */
static double fill(const bench_case *given, size_t rows, size_t columns, int32_t *codes)
{
    random_state random = {1};
    double bits = 0;
    double *const row_scale = malloc(rows * sizeof *row_scale);

    if (!row_scale)
        exit(1);
    for (size_t i = 0; i < rows; i++)
        row_scale[i] = exp2(given->row_octaves * (random_uniform(&random) - 0.5));
    for (size_t j = 0; j < columns; j++) {
        const double scale =
            exp2(given->log2_deviation + given->column_octaves * (random_uniform(&random) - 0.5));
        for (size_t i = 0; i < rows; i++) {
            const double deviation = scale * row_scale[i];
            const int32_t code =
                (int32_t)lrint(fmax(-1e9, fmin(1e9, deviation * draw(&random, given->shape))));
            codes[j * rows + i] = code;
            bits += code_bits(given->shape, deviation, code);
        }
    }
    free(row_scale);
    return bits / ((double)rows * (double)columns);
}

/* From indices to levels, down each column and from block to block. */
static void make_levels(unsigned kind, size_t rows, size_t columns, size_t block_rows,
                        int32_t *codes)
{
    unsigned state = 0;
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, kind);
    for (size_t k = 0; k < rows * columns; k++) {
        const int32_t index = codes[k];
        state = k % rows % block_rows == 0 ? 0 : state;
        codes[k] = wsic_trellis_level(trellis.codebook[state], index);
        state = wsic_trellis_next(&trellis, state, index);
    }
}

/* Empirical entropy within the classes that the encoder chose. */
static double class_entropy(const wsic_env *env, const wsic_code_matrix *matrix,
                            const wsic_code_plan *plan)
{
    int32_t *const group = malloc(matrix->rows * matrix->columns * sizeof *group);
    double total = 0;

    if (!group)
        exit(1);
    for (size_t index = 0; index < plan->models; index++) {
        size_t count = 0;
        double bits = 0;
        for (size_t k = 0; k < plan->live_columns; k++) {
            for (size_t i = 0; i < plan->live_rows; i++) {
                int32_t datum;
                wsic_codes_data_get(&plan->data, plan->place[k], i, 1, &datum);
                if (wsic_code_plan_code(plan, k, i).model == index)
                    group[count++] = plan->is_trellis ? wsic_token_index(datum) : datum;
            }
        }
        wsic_codes_entropy(env, group, count, &bits);
        total += bits * (double)count;
    }
    free(group);
    return total / ((double)matrix->rows * (double)matrix->columns);
}

static void check(const wsic_context *context, wsic_status status)
{
    if (status == WSIC_OK)
        return;
    fprintf(stderr, "%s\n", wsic_context_message(context));
    exit(1);
}

static void time_decoding(wsic_context *context, const wsic_env *env,
                          const wsic_code_matrix *matrix, const wsic_bytes *bytes,
                          bench_result *result)
{
    const size_t count = matrix->rows * matrix->columns;
    wsic_cursor cursor = wsic_cursor_make(bytes->data, bytes->size);
    int32_t *const decoded = malloc(count * sizeof *decoded);
    wsic_code_reader *reader;

    if (!decoded)
        exit(1);
    check(context,
          wsic_code_reader_open(env, &cursor, matrix->rows, matrix->columns, NULL, NULL, &reader));
    const size_t block_rows = wsic_code_reader_block_rows(reader);
    result->decode_ns = HUGE_VAL;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        const double start = seconds();
        for (size_t row = 0; row < matrix->rows; row += block_rows)
            check(context, wsic_code_reader_block(env, reader, row / block_rows,
                                                  decoded + row * matrix->columns));
        result->decode_ns = fmin(result->decode_ns, (seconds() - start) / (double)count * 1e9);
    }
    for (size_t k = 0; k < count; k++) {
        if (decoded[k] != matrix->codes[k % matrix->columns * matrix->rows + k / matrix->columns]) {
            fprintf(stderr, "element %zu was not decoded as it was\n", k);
            exit(1);
        }
    }
    result->memcpy_ns = HUGE_VAL;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        const double start = seconds();
        memcpy(decoded, matrix->codes, count * sizeof *decoded);
        result->memcpy_ns = fmin(result->memcpy_ns, (seconds() - start) / (double)count * 1e9);
    }
    wsic_code_reader_close(env, reader);
    free(decoded);
}

static bench_result run(wsic_context *context, const wsic_env *env, const bench_case *given,
                        size_t rows, size_t columns, unsigned kind)
{
    const double count = (double)rows * (double)columns;
    const size_t block_rows = wsic_codes_block_rows(rows, columns, kind);
    int32_t *const codes = malloc(rows * columns * sizeof *codes);
    bench_result result = {0};
    wsic_code_plan plan;
    wsic_bytes bytes;

    if (!codes)
        exit(1);
    result.source = fill(given, rows, columns, codes);
    if (kind != 0)
        make_levels(kind, rows, columns, block_rows, codes);
    const wsic_code_matrix matrix = {
        .rows = rows, .columns = columns, .codes = codes, .kind = kind};
    check(context, wsic_codes_entropy(env, codes, rows * columns, &result.pooled));

    wsic_bytes_init(&bytes, env);
    result.measure_ns = HUGE_VAL;
    result.encode_ns = HUGE_VAL;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = seconds();
        check(context, wsic_codes_measure(env, &matrix, block_rows, &result.measured, NULL));
        result.measure_ns = fmin(result.measure_ns, (seconds() - start) / count * 1e9);
        bytes.size = 0;
        start = seconds();
        check(context, wsic_codes_encode(env, &matrix, block_rows, &bytes));
        result.encode_ns = fmin(result.encode_ns, (seconds() - start) / count * 1e9);
    }
    result.measured /= count;
    result.coded = 8 * (double)bytes.size / count;

    check(context, wsic_code_plan_make(env, &matrix, block_rows, &plan));
    result.classes = class_entropy(env, &matrix, &plan);
    result.head = 8 * (double)plan.head.size / count;
    wsic_code_plan_release(env, &plan);
    time_decoding(context, env, &matrix, &bytes, &result);
    wsic_bytes_release(&bytes);
    free(codes);
    return result;
}

static void print(const bench_case *given, size_t rows, size_t columns, const bench_result *result)
{
    printf("{\"bench\": \"coding\", \"rows\": %zu, \"columns\": %zu, \"density\": \"%s\", "
           "\"log2_deviation\": %g, \"column_octaves\": %g, \"row_octaves\": %g, "
           "\"coded\": %.5f, \"measured\": %.5f, \"pooled\": %.5f, \"source\": %.5f, "
           "\"classes\": %.5f, \"head\": %.5f, \"measure_ns\": %.2f, \"encode_ns\": %.2f, "
           "\"decode_ns\": %.2f, "
           "\"memcpy_ns\": %.2f}\n",
           rows, columns, DENSITY_NAMES[given->shape], given->log2_deviation, given->column_octaves,
           given->row_octaves, result->coded, result->measured, result->pooled, result->source,
           result->classes, result->head, result->measure_ns, result->encode_ns, result->decode_ns,
           result->memcpy_ns);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {GAUSS, -3, 3, 0},    {GAUSS, -1, 3, 0},  {GAUSS, 0, 3, 0},     {GAUSS, 1, 0, 0},
        {GAUSS, 1, 3, 0},     {GAUSS, 1, 3, 1.5}, {GAUSS, 2, 3, 0},     {GAUSS, 6, 3, 0},
        {GAUSS, 14, 3, 0},    {LAPLACE, 0, 3, 0}, {LAPLACE, 1, 3, 1.5}, {STUDENT4, 0, 3, 0},
        {STUDENT4, 1, 3, 1.5}};
    const size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
    const size_t columns = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024;
    const unsigned kind = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    const size_t threads = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    wsic_context *context;

    if (rows == 0 || columns == 0 || (kind != 0 && !wsic_trellis_kind_exists(kind)) ||
        wsic_context_create(NULL, &context) != WSIC_OK ||
        wsic_context_set_threads(context, threads) != WSIC_OK)
        return 1;
    const wsic_env env = wsic_context_env(context);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const bench_result result = run(context, &env, &cases[k], rows, columns, kind);
        print(&cases[k], rows, columns, &result);
    }
    wsic_context_destroy(context);
    return 0;
}
