/* SPDX-License-Identifier: MIT */
/* What a preset saves on the layers of a real model at equal distortion. Every linear layer is
 * quantized with preset "paper" at a rate, on statistics of the original model. Its rate is counted
 * as the literature does, from the entropy of the pooled codes; its distortion is then the target
 * of the other preset, whose rate is that of its bytes. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <watersic/watersic.h>

#include "bench.h"
#include "llm/run/pipeline.h"

enum { MOST_RATES = 16, MOST_SETTINGS = 32, LONGEST_WINDOW = 2048 };

static const char help[] =
    "usage: checkpoint --model DIR --tokens FILE [options]\n"
    "  --model DIR         config.json and model.safetensors of a Llama\n"
    "  --tokens FILE       text to calibrate on, as watersic-llm takes it\n"
    "  --max-tokens N      of it, in windows spread evenly; 65536\n"
    "  --rate R            bits per weight of preset paper; may be repeated; 2 and 3\n"
    "  --preset P          that is compared; default\n"
    "  --set NAME=VALUE    parameter of that preset; may be repeated\n"
    "  --threads T         of the library, 0 for all processors\n"
    "  --json              one JSON object a line\n";

static const struct option option_list[] = {{"model", required_argument, NULL, 'm'},
                                            {"tokens", required_argument, NULL, 't'},
                                            {"max-tokens", required_argument, NULL, 'n'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"preset", required_argument, NULL, 'p'},
                                            {"set", required_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 'T'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

/* Sums over layers, weighted by their weights. */
typedef struct totals {
    double weights;
    double entropy;
    double literature;
    double paper;
    double other;
    double shift;
} totals;

typedef struct checkpoint {
    const char *model;
    const char *tokens;
    size_t max_tokens;
    double rates[MOST_RATES];
    size_t rate_count;
    const char *preset;
    const char *settings[MOST_SETTINGS];
    size_t setting_count;
    int32_t threads;
    bool json;

    wsic_context *context;
    totals totals[MOST_RATES];
} checkpoint;

/* One layer at one rate. */
typedef struct measurement {
    double entropy;    /* of the pooled codes of preset paper */
    double literature; /* the rate that the literature makes of it */
    wsic_layer_info paper;
    wsic_layer_info other;
    double shift; /* ½ log2 of the ratio of distortions, other to paper: what is left of
                     inequality, in bits at high rate */
} measurement;

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Empirical entropy times count, in bits; sorts the codes. */
static double pooled_bits(int32_t *codes, size_t count)
{
    double bits = 0.0;

    qsort(codes, count, sizeof *codes, ascending);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && codes[next] == codes[first];)
            next++;
        const double same = (double)(next - first);
        bits -= same * log2(same / (double)count);
    }
    return bits;
}

/* One histogram for the codes of all live columns, whose cost is not counted. */
static double pooled_entropy(const wsic_layer *layer, const wsic_layer_info *info)
{
    const size_t rows = (size_t)info->rows, columns = (size_t)info->columns;
    const float *const scales = wsic_layer_column_scales(layer);
    int32_t *const codes = bench_allocate(rows * columns, sizeof *codes);
    wsic_matrix matrix;
    size_t count = 0;

    wsic_matrix_init(&matrix, sizeof matrix, codes, WSIC_I32, rows, columns, 0);
    bench_check(wsic_layer_get_codes(layer, 0, &matrix), "wsic_layer_get_codes",
                wsic_layer_message(layer));
    for (size_t i = 0; i < rows * columns; i++) {
        if (scales[i % columns] != 0.0F)
            codes[count++] = codes[i];
    }
    const double bits = pooled_bits(codes, count);
    free(codes);
    return bits / (double)(rows * columns);
}

/* --- quantizing ---------------------------------------------------------------- */

static wsic_layer *run_encoder(wsic_encoder *encoder, const struct layer_task *task,
                               wsic_layer_info *info)
{
    const struct linear *const linear = task->linear;
    wsic_matrix weights;
    wsic_layer *layer;

    wsic_matrix_init(&weights, sizeof weights, linear->weights, WSIC_F32, linear->rows,
                     linear->columns, 0);
    bench_check(wsic_encoder_set_integer(encoder, WSIC_LIMIT, 0), "limit",
                wsic_encoder_message(encoder));
    const wsic_status status = wsic_encoder_run(encoder, task->stats, &weights, &layer);
    bench_check(status, task->name, wsic_encoder_message(encoder));
    if (status != WSIC_OK)
        fprintf(stderr, "%s: %s\n", task->name, wsic_encoder_message(encoder));
    info->size = sizeof *info;
    bench_check(wsic_layer_get_info(layer, info), "wsic_layer_get_info", wsic_layer_message(layer));
    wsic_encoder_destroy(encoder);
    return layer;
}

static wsic_encoder *make_encoder(const checkpoint *run, const char *preset, int32_t target,
                                  double value)
{
    wsic_encoder *encoder;

    bench_check(wsic_encoder_create(run->context, &encoder), "wsic_encoder_create",
                wsic_context_message(run->context));
    bench_check(wsic_encoder_set_preset(encoder, preset), preset, wsic_encoder_message(encoder));
    bench_check(wsic_encoder_set_number(encoder, target, value), "target",
                wsic_encoder_message(encoder));
    return encoder;
}

static void run_paper(const checkpoint *run, const struct layer_task *task, double rate,
                      measurement *result)
{
    wsic_encoder *const encoder = make_encoder(run, "paper", WSIC_RATE, rate);
    wsic_layer *const layer = run_encoder(encoder, task, &result->paper);

    result->entropy = pooled_entropy(layer, &result->paper);
    /* 16 bits for the scale of every row and column, or for the number of a dead column */
    result->literature =
        result->entropy + 16.0 / (double)task->linear->rows + 16.0 / (double)task->linear->columns;
    wsic_layer_destroy(layer);
}

static void run_other(const checkpoint *run, const struct layer_task *task, measurement *result)
{
    wsic_encoder *const encoder =
        make_encoder(run, run->preset, WSIC_DISTORTION, result->paper.distortion);

    for (size_t i = 0; i < run->setting_count; i++)
        bench_set(encoder, run->settings[i]);
    wsic_layer_destroy(run_encoder(encoder, task, &result->other));
    result->shift = 0.5 * log2(result->other.distortion / result->paper.distortion);
}

/* --- output -------------------------------------------------------------------- */

static void print_heading(const checkpoint *run)
{
    printf("Bits per weight. paper: pooled entropy and 16 bits a scale; %s: bytes at the same "
           "distortion\n\n",
           run->preset);
    printf("| layer | shape | target | relative distortion | entropy | paper | in bytes | %s | of "
           "which side | saved | distortion, bits off |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n",
           run->preset);
}

static void print_row(const struct layer_task *task, double rate, const measurement *m)
{
    printf("| %s | %zu x %zu | %g | %.5f | %.4f | %.4f | %.4f | %.4f | %.4f | %.4f | %+.4f |\n",
           task->name, task->linear->rows, task->linear->columns, rate,
           m->paper.relative_distortion, m->entropy, m->literature, m->paper.rate, m->other.rate,
           m->other.rate_side, m->literature - m->other.rate, m->shift);
    fflush(stdout);
}

static void print_json(const checkpoint *run, const struct layer_task *task, double rate,
                       const measurement *m)
{
    bench_json json = bench_json_open();

    bench_json_text(&json, "benchmark", "checkpoint");
    bench_json_text(&json, "model", run->model);
    bench_json_text(&json, "layer", task->name);
    bench_json_number(&json, "rows", (double)task->linear->rows);
    bench_json_number(&json, "columns", (double)task->linear->columns);
    bench_json_number(&json, "rate_target", rate);
    bench_json_number(&json, "relative_distortion", m->paper.relative_distortion);
    bench_json_number(&json, "paper_entropy", m->entropy);
    bench_json_number(&json, "paper_rate_literature", m->literature);
    bench_json_number(&json, "paper_rate", m->paper.rate);
    bench_json_text(&json, "preset", run->preset);
    bench_json_number(&json, "rate", m->other.rate);
    bench_json_number(&json, "rate_codes", m->other.rate_codes);
    bench_json_number(&json, "rate_side", m->other.rate_side);
    bench_json_number(&json, "entropy_pooled", m->other.entropy_pooled);
    bench_json_number(&json, "saved", m->literature - m->other.rate);
    bench_json_number(&json, "distortion_shift", m->shift);
    bench_json_close();
}

static void print_totals(const checkpoint *run)
{
    printf("\n| target | entropy | paper | in bytes | %s | saved | distortion, bits off |\n"
           "|---|---|---|---|---|---|---|\n",
           run->preset);
    for (size_t i = 0; i < run->rate_count; i++) {
        const totals *const t = &run->totals[i];
        printf("| %g | %.4f | %.4f | %.4f | %.4f | %.4f | %+.4f |\n", run->rates[i],
               t->entropy / t->weights, t->literature / t->weights, t->paper / t->weights,
               t->other / t->weights, (t->literature - t->other) / t->weights,
               t->shift / t->weights);
    }
}

/* --- the run ------------------------------------------------------------------- */

static void add_total(totals *t, const struct linear *linear, const measurement *m)
{
    const double weights = (double)linear->rows * (double)linear->columns;

    t->weights += weights;
    t->entropy += weights * m->entropy;
    t->literature += weights * m->literature;
    t->paper += weights * m->paper.rate;
    t->other += weights * m->other.rate;
    t->shift += weights * m->shift;
}

/* A layer_function. The weights stay, so that the statistics remain those of the original. */
static bool measure_layer(void *self, const struct layer_task *task, struct failure *failure)
{
    checkpoint *const run = self;

    (void)failure;
    for (size_t i = 0; i < run->rate_count; i++) {
        measurement result = {.shift = 0.0};
        run_paper(run, task, run->rates[i], &result);
        run_other(run, task, &result);
        add_total(&run->totals[i], task->linear, &result);
        if (run->json)
            print_json(run, task, run->rates[i], &result);
        else
            print_row(task, run->rates[i], &result);
    }
    return true;
}

static bool run_model(checkpoint *run, struct model *model, struct tokens *tokens,
                      struct failure *failure)
{
    struct meter meter;
    const struct recipe recipe = {.statistics = true};
    struct calibration calibration = {.tokens = tokens, .recipe = &recipe};
    const struct stretch stretch = {.meter = &meter, .label = "measuring", .from = 0, .to = 1};

    if (!model_open(model, run->model, failure) ||
        !tokens_load(tokens, run->tokens, model->config.vocabulary, failure))
        return false;
    meter_start(&meter);
    calibration.window =
        model->config.positions < LONGEST_WINDOW ? model->config.positions : LONGEST_WINDOW;
    tokens_sample(tokens, calibration.window, run->max_tokens);
    if (!run->json)
        print_heading(run);
    if (!pipeline_run(model, &calibration, &stretch, run->context, measure_layer, run, failure))
        return false;
    meter_stop(&meter);
    if (!run->json)
        print_totals(run);
    return true;
}

static void add_rate(checkpoint *run, const char *value)
{
    if (run->rate_count == MOST_RATES) {
        fprintf(stderr, "--rate is given more than %d times\n", MOST_RATES);
        exit(2);
    }
    run->rates[run->rate_count++] = bench_number_option("rate", value, 0.01, 24.0);
}

static void add_setting(checkpoint *run, const char *value)
{
    if (run->setting_count == MOST_SETTINGS) {
        fprintf(stderr, "--set is given more than %d times\n", MOST_SETTINGS);
        exit(2);
    }
    run->settings[run->setting_count++] = value;
}

static void take_option(checkpoint *run, int letter, const char *value)
{
    switch (letter) {
    case 'm':
        run->model = value;
        break;
    case 't':
        run->tokens = value;
        break;
    case 'n':
        run->max_tokens = bench_size_option("max-tokens", value, 1, (size_t)1 << 32);
        break;
    case 'r':
        add_rate(run, value);
        break;
    case 'p':
        run->preset = value;
        break;
    case 's':
        add_setting(run, value);
        break;
    case 'T':
        run->threads = (int32_t)bench_size_option("threads", value, 0, 1024);
        break;
    case 'j':
        run->json = true;
        break;
    case 'h':
        fputs(help, stdout);
        exit(0);
    default:
        exit(2);
    }
}

static void parse(checkpoint *run, int argc, char **argv)
{
    int letter;

    while ((letter = getopt_long(argc, argv, "", option_list, NULL)) != -1)
        take_option(run, letter, optarg);
    if (optind != argc || !run->model || !run->tokens) {
        fputs(help, stderr);
        exit(2);
    }
    if (run->rate_count == 0) {
        add_rate(run, "2");
        add_rate(run, "3");
    }
}

int main(int argc, char **argv)
{
    checkpoint run = {.max_tokens = 65536, .preset = "default"};
    struct failure failure = {.text = ""};
    struct model model = {.stored_bits = 0};
    struct tokens tokens = {.count = 0};

    parse(&run, argc, argv);
    bench_check(wsic_context_create(NULL, &run.context), "wsic_context_create", "");
    bench_check(wsic_context_set_threads(run.context, run.threads), "wsic_context_set_threads",
                wsic_context_message(run.context));
    const bool ok = run_model(&run, &model, &tokens, &failure);
    if (!ok)
        fprintf(stderr, "%s\n", failure.text);
    tokens_free(&tokens);
    model_free(&model);
    wsic_context_destroy(run.context);
    return ok ? 0 : 1;
}
