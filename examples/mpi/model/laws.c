/* SPDX-License-Identifier: MIT */
#include "mpi/model/laws.h"

#include <stdlib.h>
#include <time.h>

#include "llm/model/product.h"

enum { RUNS = 5, ROWS = 512, COLUMNS = 2048, OTHER_COLUMNS = 1024 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(float *values, size_t count, size_t columns, float memory)
{
    static uint32_t state = 1;
    float previous = 0;

    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        previous = memory * (i % columns ? previous : 0) + (float)(int32_t)state / 2147483648.0F;
        values[i] = previous;
    }
}

static float *noise(size_t count, size_t columns, float memory)
{
    float *const values = malloc(count * sizeof *values);

    if (values)
        fill(values, count, columns, memory);
    return values;
}

/* --- runs --------------------------------------------------------------------- */

/* What one run takes, by the units of the laws. */
struct times {
    double s, g, r, p, d;
    double seconds; /* of the layer */
};

/* Statistics of twice as many tokens as there are columns. */
static bool time_statistics(wsic_context *context, size_t columns, wsic_stats **stats,
                            struct times *times)
{
    const size_t tokens = 2 * columns;
    float *const x = noise(tokens * columns, columns, 0.9F);
    const double begin = now();
    const bool ok =
        x && wsic_stats_create(context, columns, stats) == WSIC_OK &&
        wsic_stats_add_activations_flat(*stats, x, WSIC_F32, tokens, 0, NULL) == WSIC_OK;

    times->s = (now() - begin) / ((double)tokens * (double)columns * (double)columns);
    free(x);
    return ok;
}

static bool encode(wsic_encoder *encoder, const wsic_stats *stats, const float *w,
                   wsic_encoder_report *report, double *step)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *layer;

    if (wsic_encoder_run_flat(encoder, stats, w, WSIC_F32, ROWS, 0, &layer) < 0)
        return false;
    wsic_layer_get_info(layer, &info);
    wsic_layer_destroy(layer);
    *step = info.step;
    report->size = sizeof *report;
    return wsic_encoder_get_report(encoder, report) == WSIC_OK;
}

/* A layer at 2 bits, as the plan makes it, and a draft with the step that gives the same rate. */
static bool time_encoder(wsic_encoder *encoder, const wsic_stats *stats, const float *w, double n,
                         struct times *times)
{
    const double weights = ROWS * n;
    wsic_encoder_report report;
    double step;

    if (wsic_encoder_set_number(encoder, WSIC_RATE, 2) != WSIC_OK ||
        !encode(encoder, stats, w, &report, &step))
        return false;
    times->seconds = report.seconds;
    times->r = report.seconds_prepare / (n * n * n);
    times->p = (report.seconds - report.seconds_prepare) / weights - 3 * times->s * n;
    if (wsic_encoder_set_preset(encoder, "fast") != WSIC_OK ||
        wsic_encoder_set_number(encoder, WSIC_RATE, 0) != WSIC_OK ||
        wsic_encoder_set_number(encoder, WSIC_STEP, step) != WSIC_OK ||
        !encode(encoder, stats, w, &report, &step))
        return false;
    times->d = (report.seconds - report.seconds_prepare) / weights - times->s * n;
    return true;
}

static bool time_layer(wsic_context *context, size_t columns, struct times *times)
{
    float *const w = noise(ROWS * columns, columns, 0);
    wsic_encoder *encoder = NULL;
    wsic_stats *stats = NULL;
    const bool ok = w && time_statistics(context, columns, &stats, times) &&
                    wsic_encoder_create(context, &encoder) == WSIC_OK &&
                    time_encoder(encoder, stats, w, (double)columns, times);

    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(w);
    return ok;
}

static bool time_product(struct times *times)
{
    float *const w = noise(ROWS * COLUMNS, COLUMNS, 0), *const x =
                                                            noise(ROWS * COLUMNS, COLUMNS, 0);
    float *const out = malloc(ROWS * ROWS * sizeof *out);
    const struct product product = {
        .weights = w, .rows = ROWS, .columns = COLUMNS, .x = x, .out = out};
    const bool ok = w && x && out;

    if (ok) {
        products_run(&product, 1, ROWS, 1);
        const double begin = now();
        for (int i = 0; i < 4; i++)
            products_run(&product, 1, ROWS, 1);
        times->g = (now() - begin) / (4.0 * ROWS * ROWS * COLUMNS);
    }
    free(w);
    free(x);
    free(out);
    return ok;
}

/* --- laws --------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of one member of times. */
static struct law summarise(const struct times *times, size_t offset)
{
    double values[RUNS];

    for (size_t i = 0; i < RUNS; i++)
        values[i] = *(const double *)((const char *)&times[i] + offset);
    qsort(values, RUNS, sizeof *values, compare);
    return (struct law){.median = values[RUNS / 2], .least = values[0], .most = values[RUNS - 1]};
}

bool laws_measure(struct laws *laws, wsic_context *context)
{
    struct times times[RUNS] = {{.s = 0}}, other[RUNS] = {{.s = 0}};

    for (size_t i = 0; i < RUNS; i++)
        if (!time_layer(context, COLUMNS, &times[i]) ||
            !time_layer(context, OTHER_COLUMNS, &other[i]) || !time_product(&times[i]))
            return false;
    *laws = (struct laws){.s = summarise(times, offsetof(struct times, s)),
                          .g = summarise(times, offsetof(struct times, g)),
                          .r = summarise(times, offsetof(struct times, r)),
                          .p = summarise(times, offsetof(struct times, p)),
                          .d = summarise(times, offsetof(struct times, d))};
    laws->checked = summarise(other, offsetof(struct times, seconds)).median;
    laws->expected = laws_layer(laws, ROWS, OTHER_COLUMNS);
    return true;
}

double laws_layer(const struct laws *laws, double rows, double columns)
{
    return (laws->p.median + 3 * laws->s.median * columns) * rows * columns +
           laws->r.median * columns * columns * columns;
}

double laws_draft(const struct laws *laws, double rows, double columns)
{
    return (laws->d.median + laws->s.median * columns) * rows * columns;
}
