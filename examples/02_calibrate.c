/* SPDX-License-Identifier: MIT */
/* Calibration over several runs: batches whose tokens count differently, saved, loaded and
 * merged. Statistics are sums, so that what is merged is the same as what was collected
 * in one go. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

enum { COLUMNS = 64, TOKENS = 200, BATCHES = 3 };

static float batches[BATCHES][TOKENS * COLUMNS];
static double importance[TOKENS];

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

static int add_batch(wsic_stats *stats, int number)
{
    wsic_matrix batch;

    wsic_matrix_init(&batch, sizeof batch, batches[number], WSIC_F32, TOKENS, COLUMNS, 0);
    if (wsic_stats_add_activations(stats, &batch, importance) != WSIC_OK)
        return fail("activations", wsic_stats_message(stats));
    return EXIT_SUCCESS;
}

/* What one process of several would do with its share of the tokens. */
static int calibrate(wsic_context *context, int first, int count, const char *path)
{
    wsic_stats *stats;
    int result = EXIT_SUCCESS;

    if (wsic_stats_create(context, COLUMNS, &stats) != WSIC_OK)
        return fail("statistics", wsic_context_message(context));
    for (int i = first; i < first + count && result == EXIT_SUCCESS; i++)
        result = add_batch(stats, i);
    if (result == EXIT_SUCCESS && wsic_stats_save(stats, path) != WSIC_OK)
        result = fail(path, wsic_stats_message(stats));
    wsic_stats_destroy(stats);
    return result;
}

static int merge(wsic_context *context, const char *first, const char *second, wsic_stats **out)
{
    wsic_stats *other = NULL;
    int result = EXIT_SUCCESS;

    if (wsic_stats_load(context, first, out) != WSIC_OK)
        return fail(first, wsic_context_message(context));
    if (wsic_stats_load(context, second, &other) != WSIC_OK)
        result = fail(second, wsic_context_message(context));
    else if (wsic_stats_merge(*out, other) != WSIC_OK)
        result = fail("merge", wsic_stats_message(*out));
    wsic_stats_destroy(other);
    return result;
}

static int compare(const wsic_stats *merged)
{
    static double covariance[COLUMNS * COLUMNS];
    double expected = 0, total = 0;
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, covariance, WSIC_F64, COLUMNS, COLUMNS, 0);
    if (wsic_stats_get_covariance(merged, &matrix) != WSIC_OK)
        return fail("covariance", wsic_stats_message(merged));
    for (int i = 0; i < BATCHES; i++) {
        for (int t = 0; t < TOKENS; t++) {
            const double x = (double)batches[i][t * COLUMNS + 5];
            expected += importance[t] * x * x;
            total += importance[t];
        }
    }
    expected /= total;
    printf("%.1f samples; mean square of input 5: %.6f, by hand %.6f\n", wsic_stats_samples(merged),
           covariance[5 * COLUMNS + 5], expected);
    return fabs(covariance[5 * COLUMNS + 5] - expected) < 1e-6 * expected &&
                   fabs(wsic_stats_samples(merged) - total) < 1e-9 * total
               ? EXIT_SUCCESS
               : fail("merged statistics", "not those of all tokens");
}

int main(void)
{
    const char *const paths[2] = {"02_calibrate.first.wstat", "02_calibrate.second.wstat"};
    wsic_context *context = NULL;
    wsic_stats *merged = NULL;

    for (uint32_t i = 0; i < BATCHES; i++)
        synthetic_activations(batches[i], TOKENS, COLUMNS, i + 1);
    /* The first token of a window is often an outlier: let it count less. */
    for (int t = 0; t < TOKENS; t++)
        importance[t] = t == 0 ? 0.1 : 1;

    if (wsic_context_create(NULL, &context) != WSIC_OK)
        return fail("context", "out of memory");
    int result = calibrate(context, 0, 1, paths[0]);
    if (result == EXIT_SUCCESS)
        result = calibrate(context, 1, BATCHES - 1, paths[1]);
    if (result == EXIT_SUCCESS)
        result = merge(context, paths[0], paths[1], &merged);
    if (result == EXIT_SUCCESS)
        result = compare(merged);
    wsic_stats_destroy(merged);
    wsic_context_destroy(context);
    remove(paths[0]);
    remove(paths[1]);
    return result;
}
