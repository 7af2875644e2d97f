/* SPDX-License-Identifier: MIT */
/* The law by which the time of an encoding grows, fitted to runs of several shapes:
 *
 *     seconds = (α a n² + β n³ + γ a n) (σ + (1 - σ) / p),
 *
 * α, β and γ by runs on one thread, and the part σ that does not go with the number of threads p by
 * runs on more; and what the law says of the matrices of two models on many cores. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

enum { TERMS = 3, MOST_THREADS = 64 };

static const char help[] = "usage: law [options]\n"
                           "  --most-threads T    runs have 1 and T threads; 2\n"
                           "  --repeats M         of which the fastest counts; 2\n"
                           "  --json              one JSON object a line\n" TRIAL_HELP;

static const struct option option_list[] = {{"most-threads", required_argument, NULL, 'T'},
                                            {"repeats", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            TRIAL_OPTIONS};

typedef struct law_command {
    trial_options trial;
    size_t most_threads, repeats;
    bool json;
} law_command;

typedef struct shape {
    size_t rows, columns;
} shape;

static const shape shapes[] = {{1024, 1024}, {2048, 1024}, {512, 1536}, {2048, 2048},
                               {4096, 512},  {1024, 2048}, {256, 3072}};
enum { SHAPES = sizeof shapes / sizeof *shapes, RUNS = 2 * SHAPES };

typedef struct run {
    shape shape;
    size_t threads;
    double seconds;
} run;

/* --- the law ---------------------------------------------------------------------------- */

typedef struct law {
    double factor[TERMS];
    double serial; /* σ */
} law;

static const char *const names[TERMS] = {"a n^2", "n^3", "a n"};

static void fill_terms(shape s, double terms[TERMS])
{
    const double a = (double)s.rows, n = (double)s.columns;

    terms[0] = a * n * n;
    terms[1] = n * n * n;
    terms[2] = a * n;
}

static double predict(const law *l, shape s, size_t threads)
{
    double terms[TERMS], seconds = 0.0;

    fill_terms(s, terms);
    for (size_t k = 0; k < TERMS; k++)
        seconds += l->factor[k] * terms[k];
    return seconds * (l->serial + (1.0 - l->serial) / (double)threads);
}

/* Of the runs on one thread, which have even numbers, the squared relative errors are least where
 * this system has its solution. */
static void fill_equations(const run *runs, double matrix[TERMS][TERMS], double right[TERMS])
{
    memset(matrix, 0, TERMS * sizeof *matrix);
    memset(right, 0, TERMS * sizeof *right);
    for (size_t i = 0; i < RUNS; i += 2) {
        double terms[TERMS];
        fill_terms(runs[i].shape, terms);
        for (size_t k = 0; k < TERMS; k++) {
            right[k] += terms[k] / runs[i].seconds;
            for (size_t l = 0; l < TERMS; l++)
                matrix[k][l] += terms[k] * terms[l] / (runs[i].seconds * runs[i].seconds);
        }
    }
}

/* No factor is negative: one after the other, until none moves. The terms are of very different
 * size, which such steps do not mind. */
static void fit_terms(const run *runs, double factor[TERMS])
{
    double matrix[TERMS][TERMS], right[TERMS];

    fill_equations(runs, matrix, right);
    memset(factor, 0, TERMS * sizeof *factor);
    for (size_t step = 0; step < 100000; step++) {
        for (size_t k = 0; k < TERMS; k++) {
            double rest = right[k];
            for (size_t l = 0; l < TERMS; l++)
                rest -= l != k ? matrix[k][l] * factor[l] : 0.0;
            factor[k] = fmax(rest / matrix[k][k], 0.0);
        }
    }
}

/* Of T_p / T_1 = σ + (1 - σ) / p, where T is the time of all shapes together. */
static double fit_serial(const run *runs, size_t threads)
{
    double alone = 0.0, together = 0.0;

    for (size_t i = 0; i < RUNS; i += 2) {
        alone += runs[i].seconds;
        together += runs[i + 1].seconds;
    }
    const double p = (double)threads;
    return p > 1.0 ? fmin(fmax((p * together / alone - 1.0) / (p - 1.0), 0.0), 1.0) : 1.0;
}

/* --- runs -------------------------------------------------------------------------------- */

static double measure(const law_command *command, shape s, size_t threads)
{
    trial_options options = command->trial;
    double best = HUGE_VAL;

    options.rows = s.rows;
    options.columns = s.columns;
    options.threads = (int32_t)threads;
    trial_source source = trial_source_create(&options);
    for (size_t i = 0; i < command->repeats; i++)
        best = fmin(best, trial_run(&source, &options).report.seconds);
    trial_source_release(&source);
    return best;
}

static void measure_all(const law_command *command, run *runs)
{
    for (size_t i = 0; i < RUNS; i++) {
        const size_t threads = i % 2 == 0 ? 1 : command->most_threads;
        runs[i] = (run){shapes[i / 2], threads, measure(command, shapes[i / 2], threads)};
    }
}

static void print_run(const law_command *command, const run *r, double predicted)
{
    if (!command->json) {
        printf("| %zu x %zu | %zu | %.3f | %.3f |\n", r->shape.rows, r->shape.columns, r->threads,
               r->seconds, predicted);
        return;
    }
    bench_json json = bench_json_open();
    bench_json_number(&json, "rows", (double)r->shape.rows);
    bench_json_number(&json, "columns", (double)r->shape.columns);
    bench_json_number(&json, "threads", (double)r->threads);
    bench_json_number(&json, "seconds", r->seconds);
    bench_json_number(&json, "predicted", predicted);
    bench_json_close();
}

/* --- models ------------------------------------------------------------------------------ */

typedef struct model {
    const char *name;
    size_t blocks, hidden, intermediate, keys;
} model;

static const model models[] = {{"Llama-3.1-8B", 32, 4096, 14336, 1024},
                               {"Llama-3.1-70B", 80, 8192, 28672, 1024}};

/* One matrix after the other. */
static double predict_model(const law *l, const model *m, size_t threads)
{
    const shape block[] = {{m->hidden, m->hidden},       {m->keys, m->hidden},
                           {m->keys, m->hidden},         {m->hidden, m->hidden},
                           {m->intermediate, m->hidden}, {m->intermediate, m->hidden},
                           {m->hidden, m->intermediate}};
    double seconds = 0.0;

    for (size_t k = 0; k < sizeof block / sizeof *block; k++)
        seconds += predict(l, block[k], threads);
    return seconds * (double)m->blocks;
}

static void print_models(const law_command *command, const law *l)
{
    static const size_t threads[] = {1, 16, 64};

    if (!command->json)
        printf("\n| model | hours on 1 core | 16 | 64 |\n|---|---|---|---|\n");
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        bench_json json = {false};
        if (command->json) {
            json = bench_json_open();
            bench_json_text(&json, "model", models[k].name);
        } else {
            printf("| %s", models[k].name);
        }
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            const double hours = predict_model(l, &models[k], threads[i]) / 3600.0;
            char key[32];
            snprintf(key, sizeof key, "hours_%zu", threads[i]);
            if (command->json)
                bench_json_number(&json, key, hours);
            else
                printf(" | %.2f", hours);
        }
        if (command->json)
            bench_json_close();
        else
            printf(" |\n");
    }
}

static void print_law(const law_command *command, const law *l)
{
    if (!command->json) {
        printf("\nseconds =");
        for (size_t k = 0; k < TERMS; k++)
            printf("%s %.3g %s", k > 0 ? " +" : " (", l->factor[k], names[k]);
        printf(") (%.2f + %.2f / p)\n", l->serial, 1.0 - l->serial);
        return;
    }
    bench_json json = bench_json_open();
    for (size_t k = 0; k < TERMS; k++)
        bench_json_number(&json, names[k], l->factor[k]);
    bench_json_number(&json, "serial", l->serial);
    bench_json_close();
}

static void take_option(void *data, int letter, const char *value)
{
    law_command *const command = data;

    if (letter == 'T')
        command->most_threads = bench_size_option("most-threads", value, 1, MOST_THREADS);
    else if (letter == 'r')
        command->repeats = bench_size_option("repeats", value, 1, 100);
    else
        command->json = true;
}

int main(int argc, char **argv)
{
    law_command command = {
        .most_threads = 2,
        .repeats = 2,
        .trial = {
            .covariance = "ar0.9", .rate = 2.0, .preset = "default", .seed = 1, .unchecked = true}};
    run runs[RUNS];
    law l;

    trial_add_setting(&command.trial, "limit=0");
    trial_parse(argc, argv, option_list, help, &command.trial, take_option, &command);
    measure_all(&command, runs);
    fit_terms(runs, l.factor);
    l.serial = fit_serial(runs, command.most_threads);
    if (!command.json)
        printf("| rows x columns | threads | seconds | by the law |\n|---|---|---|---|\n");
    for (size_t i = 0; i < RUNS; i++)
        print_run(&command, &runs[i], predict(&l, runs[i].shape, runs[i].threads));
    print_law(&command, &l);
    print_models(&command, &l);
    return 0;
}
