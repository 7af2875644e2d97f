/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "commands.h"
#include "common/blas_threads.h"
#include "common/interrupt.h"
#include "inputs.h"
#include "output.h"
#include "session.h"

typedef struct stats_options {
    const char *out;
    text_list activations, merge;
    session_options session;
} stats_options;

static int fail_stats(const char *path, wsic_status status, const wsic_stats *stats)
{
    return complain_status(path, status, wsic_stats_message(stats));
}

/* The first file says how many columns there are. */
static int add_batch(wsic_context *context, const char *path, const wsic_matrix *batch,
                     wsic_stats **stats)
{
    wsic_status status = WSIC_OK;

    if (!*stats)
        status = wsic_stats_create(context, batch->columns, stats);
    if (!*stats)
        return complain_status(path, status, wsic_context_message(context));
    status = wsic_stats_add_activations(*stats, batch, NULL);
    return status == WSIC_OK ? EXIT_SUCCESS : fail_stats(path, status, *stats);
}

static int collect(wsic_context *context, const text_list *files, wsic_stats **stats)
{
    int result = EXIT_SUCCESS;

    for (size_t i = 0; i < files->count && result == EXIT_SUCCESS; i++) {
        npy_array array;
        wsic_matrix batch;
        result = activations_open(files->items[i], &array, &batch);
        if (result != EXIT_SUCCESS)
            return result;
        result = add_batch(context, files->items[i], &batch, stats);
        npy_release(&array);
    }
    return result;
}

/* With threads of the library's, BLAS needs none. */
static int collect_held(wsic_context *context, const stats_options *options, wsic_stats **stats)
{
    const int held = options->session.threads == 1 ? 0 : blas_hold();
    const int result = collect(context, &options->activations, stats);

    blas_release(held);
    return result;
}

static int merge(wsic_context *context, const text_list *files, wsic_stats **stats)
{
    int result = stats_open(context, files->items[0], (double)NAN, stats);

    for (size_t i = 1; i < files->count && result == EXIT_SUCCESS; i++) {
        wsic_stats *other;
        result = stats_open(context, files->items[i], (double)NAN, &other);
        if (result != EXIT_SUCCESS)
            return result;
        const wsic_status status = wsic_stats_merge(*stats, other);
        if (status != WSIC_OK)
            result = fail_stats(files->items[i], status, *stats);
        wsic_stats_destroy(other);
    }
    return result;
}

static int save(wsic_stats *stats, const char *path)
{
    if (interrupt_pending())
        return complain(NULL, "interrupted");
    const wsic_status status = wsic_stats_save(stats, path);
    if (status != WSIC_OK)
        return fail_stats(path, status, stats);
    printf("%s: %zu columns, %.17g samples\n", path, wsic_stats_columns(stats),
           wsic_stats_samples(stats));
    return finish_output();
}

/* Merging may replace one of the files that are merged: nothing is lost of it. */
static bool may_write(const stats_options *options)
{
    for (size_t i = 0; i < options->activations.count; i++) {
        if (!spares_input(options->out, options->activations.items[i]))
            return false;
    }
    return may_replace(options->out);
}

static int gather(const stats_options *options)
{
    wsic_context *context = NULL;
    wsic_stats *stats = NULL;

    if (!may_write(options))
        return EXIT_FAILURE;
    int result = session_open_for_blas(&options->session, &context);

    if (result == EXIT_SUCCESS)
        result = options->merge.count ? merge(context, &options->merge, &stats)
                                      : collect_held(context, options, &stats);
    if (result == EXIT_SUCCESS)
        result = save(stats, options->out);
    wsic_stats_destroy(stats);
    session_close(context);
    return result;
}

static int check(const cli_command *self, const stats_options *options)
{
    if ((options->activations.count == 0) == (options->merge.count == 0))
        return options_fail(self, "either --activations or --merge must be given");
    if (!options->out)
        return options_fail(self, "--output is missing");
    return OPTIONS_READ;
}

int run_stats(const cli_command *self, int argc, char **argv)
{
    stats_options options = {.out = NULL};
    const option_spec specs[] = {
        {"activations", 'a', OPTION_LIST, &options.activations, "X.npy...",
         "batches of activations, a token a row"},
        {"merge", 'm', OPTION_LIST, &options.merge, "STATS...", "statistics to be merged"},
        {"output", 'o', OPTION_TEXT, &options.out, "FILE", "statistics to write"},
        SESSION_OPTIONS(options.session),
    };
    text_list none = {NULL, 0};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &none, 0, argc, argv);

    if (result == OPTIONS_READ)
        result = check(self, &options);
    if (result == OPTIONS_READ)
        result = gather(&options);
    text_list_release(&options.activations);
    text_list_release(&options.merge);
    return result;
}
