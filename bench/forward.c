/* SPDX-License-Identifier: MIT */
/* How fast the forward pass of watersic-llm is, beside matrix products of BLAS of the same shapes
 * in the same run: SGEMM for each linear layer, with the threads that BLAS has of its own, and for
 * attention products of a head's shape without any mask. Nothing depends on the values. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cblas.h>

#include "bench.h"
#include "common/blas_threads.h"
#include "llm/model/attention.h"
#include "llm/model/forward.h"

enum { MOST_REPEATS = 100 };

static const char help[] =
    "usage: forward [options]\n"
    "  --hidden N          elements of a state; 1024\n"
    "  --intermediate N    2816\n"
    "  --heads N           16\n"
    "  --kv-heads N        8\n"
    "  --head-dim N        64\n"
    "  --window N          tokens of a window; 1024\n"
    "  --span N            tokens that a query looks at; 0 for all before it\n"
    "  --repeats N         of which the fastest counts; 3\n"
    "  --json              one JSON object a line\n";

static const struct option option_list[] = {{"hidden", required_argument, NULL, 'd'},
                                            {"intermediate", required_argument, NULL, 'i'},
                                            {"heads", required_argument, NULL, 'H'},
                                            {"kv-heads", required_argument, NULL, 'K'},
                                            {"head-dim", required_argument, NULL, 'D'},
                                            {"window", required_argument, NULL, 'w'},
                                            {"span", required_argument, NULL, 's'},
                                            {"repeats", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

typedef struct forward_bench {
    struct config config;
    size_t window;
    size_t span;
    size_t repeats;
    bool json;

    struct forward forward;
    struct block block;
    float *hidden;
    size_t tokens;
} forward_bench;

typedef void step(forward_bench *bench);

/* --- the steps ------------------------------------------------------------------ */

static void run_projections(forward_bench *bench)
{
    forward_projections(&bench->forward, &bench->block, bench->tokens);
}

static void run_output(forward_bench *bench)
{
    forward_attention_output(&bench->forward, &bench->block, bench->hidden, bench->tokens);
}

static void run_gate_up(forward_bench *bench)
{
    forward_gate_and_up(&bench->forward, &bench->block, 0, bench->forward.normed,
                        bench->forward.product, bench->tokens);
}

static void run_down(forward_bench *bench)
{
    forward_ffn_output(&bench->forward, &bench->block, bench->hidden, bench->tokens);
}

static void run_attention(forward_bench *bench)
{
    attention_run(&bench->forward, &bench->block.attention, bench->tokens);
}

static void run_norm(forward_bench *bench)
{
    forward_ffn_input(&bench->forward, &bench->block, bench->hidden, bench->tokens);
}

static void run_gate(forward_bench *bench)
{
    forward_gate(&bench->forward, bench->config.intermediate, bench->tokens);
}

static void run_block(forward_bench *bench)
{
    forward_block(&bench->forward, &bench->block, bench->hidden, bench->tokens);
}

/* --- what they are compared with ------------------------------------------------- */

static void multiply_layer(forward_bench *bench, enum linear_kind kind, const float *x, float *out)
{
    const struct linear *const linear = &bench->block.linear[kind];
    const int rows = (int)linear->rows;
    const int columns = (int)linear->columns;

    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)bench->tokens, rows, columns, 1, x,
                columns, linear->weights, columns, 0, out, rows);
}

static void multiply_projections(forward_bench *bench)
{
    struct forward *const forward = &bench->forward;

    multiply_layer(bench, LINEAR_Q, forward->normed, forward->query);
    multiply_layer(bench, LINEAR_K, forward->normed, forward->key);
    multiply_layer(bench, LINEAR_V, forward->normed, forward->value);
}

static void multiply_output(forward_bench *bench)
{
    multiply_layer(bench, LINEAR_O, bench->forward.mix, bench->hidden);
}

static void multiply_gate_up(forward_bench *bench)
{
    multiply_layer(bench, LINEAR_GATE, bench->forward.normed, bench->forward.product);
    multiply_layer(bench, LINEAR_UP, bench->forward.normed, bench->forward.up);
}

static void multiply_down(forward_bench *bench)
{
    multiply_layer(bench, LINEAR_DOWN, bench->forward.product, bench->hidden);
}

static void multiply_all(forward_bench *bench)
{
    multiply_projections(bench);
    multiply_output(bench);
    multiply_gate_up(bench);
    multiply_down(bench);
}

/* --- operations ------------------------------------------------------------------ */

static double layer_operations(const forward_bench *bench, enum linear_kind first,
                               enum linear_kind last)
{
    double weights = 0;

    for (size_t kind = first; kind <= last; kind++)
        weights +=
            (double)bench->block.linear[kind].rows * (double)bench->block.linear[kind].columns;
    return 2 * weights * (double)bench->tokens;
}

/* Of pairs of a query and a key that it looks at: a score, and its part of the mix. */
static double attention_operations(const forward_bench *bench)
{
    double pairs = 0;

    for (size_t query = 0; query < bench->window; query++)
        pairs += (double)(query + 1 - attention_first_key(&bench->block.attention, query));
    return 4 * pairs * (double)(bench->tokens / bench->window) *
           (double)(bench->config.heads * bench->config.head_dim);
}

/* --- running ----------------------------------------------------------------------- */

static double fastest(forward_bench *bench, step *run)
{
    double best = HUGE_VAL;

    for (size_t i = 0; i < bench->repeats; i++) {
        const double start = bench_seconds();
        run(bench);
        const double seconds = bench_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    return best;
}

/* operations of 0: only the time is of interest. */
static void report(const forward_bench *bench, const char *name, double operations, double seconds,
                   double reference)
{
    const double speed = operations / seconds;

    if (bench->json) {
        bench_json json = bench_json_open();
        bench_json_text(&json, "step", name);
        bench_json_number(&json, "seconds", seconds);
        bench_json_number(&json, "gflops", operations > 0 ? 1e-9 * speed : HUGE_VAL);
        bench_json_number(&json, "ratio", operations > 0 ? speed / reference : HUGE_VAL);
        bench_json_close();
    } else if (operations > 0) {
        printf("%-24s %9.3f ms %8.1f Gflop/s %6.2f of SGEMM\n", name, 1e3 * seconds, 1e-9 * speed,
               speed / reference);
    } else {
        printf("%-24s %9.3f ms\n", name, 1e3 * seconds);
    }
}

static void compare(forward_bench *bench, const char *name, double operations, step *run,
                    step *multiply)
{
    const double reference = operations / fastest(bench, multiply);

    report(bench, name, operations, fastest(bench, run), reference);
}

static void run(forward_bench *bench)
{
    const double layers = layer_operations(bench, LINEAR_Q, LINEAR_DOWN);
    const double attention = attention_operations(bench);
    const double reference = layers / fastest(bench, multiply_all);

    compare(bench, "query, key, value", layer_operations(bench, LINEAR_Q, LINEAR_V),
            run_projections, multiply_projections);
    compare(bench, "output", layer_operations(bench, LINEAR_O, LINEAR_O), run_output,
            multiply_output);
    compare(bench, "gate, up", layer_operations(bench, LINEAR_GATE, LINEAR_UP), run_gate_up,
            multiply_gate_up);
    compare(bench, "down", layer_operations(bench, LINEAR_DOWN, LINEAR_DOWN), run_down,
            multiply_down);
    report(bench, "attention", attention, fastest(bench, run_attention), reference);
    report(bench, "norm", 0, fastest(bench, run_norm), 0);
    report(bench, "silu", 0, fastest(bench, run_gate), 0);
    report(bench, "a whole block", layers + attention, fastest(bench, run_block), reference);
}

/* --- setting up -------------------------------------------------------------------- */

static float *make_numbers(size_t count)
{
    float *const numbers = bench_allocate(count, sizeof *numbers);

    for (size_t i = 0; i < count; i++)
        numbers[i] = 0.01F * (float)((int)(i * 7919 % 21) - 10);
    return numbers;
}

static void make_block(forward_bench *bench)
{
    struct block *const block = &bench->block;
    struct failure failure;

    if (!block_create(block, &bench->config, 0, &failure)) {
        fprintf(stderr, "%s\n", failure.text);
        exit(EXIT_FAILURE);
    }
    block->attention_norm = make_numbers(bench->config.hidden);
    block->ffn_norm = make_numbers(bench->config.hidden);
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        block->linear[kind].weights =
            make_numbers(block->linear[kind].rows * block->linear[kind].columns);
    }
    block->attention = (struct attention_rule){.scale = 0.1F, .span = bench->span};
}

static void take_option(forward_bench *bench, int letter, const char *value)
{
    struct config *const config = &bench->config;

    if (letter == 'd')
        config->hidden = bench_size_option("hidden", value, 1, 1 << 20);
    else if (letter == 'i')
        config->intermediate = bench_size_option("intermediate", value, 1, 1 << 20);
    else if (letter == 'H')
        config->heads = bench_size_option("heads", value, 1, 1 << 12);
    else if (letter == 'K')
        config->kv_heads = bench_size_option("kv-heads", value, 1, 1 << 12);
    else if (letter == 'D')
        config->head_dim = bench_size_option("head-dim", value, 2, 1 << 12);
    else if (letter == 'w')
        bench->window = bench_size_option("window", value, 1, 1 << 20);
    else if (letter == 's')
        bench->span = bench_size_option("span", value, 0, 1 << 20);
    else if (letter == 'r')
        bench->repeats = bench_size_option("repeats", value, 1, MOST_REPEATS);
    else
        bench->json = true;
}

static void read_options(int argc, char **argv, forward_bench *bench)
{
    for (int letter; (letter = getopt_long(argc, argv, "", option_list, NULL)) != -1;) {
        if (letter == 'h' || letter == '?') {
            fputs(help, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        }
        take_option(bench, letter, optarg);
    }
    bench->config.rope[SIGHT_FULL].rotated = bench->config.head_dim / 2 * 2;
    if (bench->config.heads % bench->config.kv_heads != 0) {
        fputs("--heads is not a multiple of --kv-heads\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    forward_bench bench = {.config = {.hidden = 1024,
                                      .intermediate = 2816,
                                      .blocks = 1,
                                      .heads = 16,
                                      .kv_heads = 8,
                                      .head_dim = 64,
                                      .rope = {[SIGHT_FULL] = {.theta = 1e4, .amplitude = 1}},
                                      .norm_epsilon = 1e-5},
                           .window = 1024,
                           .repeats = 3};
    struct failure failure;

    read_options(argc, argv, &bench);
    if (!forward_create(&bench.forward, &bench.config, bench.window, &failure)) {
        fprintf(stderr, "%s\n", failure.text);
        return 1;
    }
    bench.tokens = bench.forward.capacity;
    bench.hidden = make_numbers(bench.tokens * bench.config.hidden);
    make_block(&bench);
    run_block(&bench);
    if (!bench.json)
        printf("%zu tokens in windows of %zu, %zu workers, %d threads of BLAS\n", bench.tokens,
               bench.window, bench.forward.workers, blas_threads());
    run(&bench);
    block_free(&bench.block);
    free(bench.hidden);
    forward_free(&bench.forward);
    return 0;
}
